// Gives messages to an application that asks for them, by iterating or polling.
import { InvalidOptionError, NotRunningError } from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { Admin } from '../../admin/admin.js';
import type { ClientContext } from '../../client-context.js';
import { checkTopic } from '../../config/names.js';
import { integerIn } from '../../config/options.js';
import type { QueueOffset } from '../../groups/group-registry.js';
import type { ShutdownOptions } from '../../shutdown-options.js';
import type { Subscription } from '../options/consumer-options.js';
import { SeekOutOfRangeError } from './lite-pull-errors.js';
import { resolveLitePullOptions } from './lite-pull-options.js';
import type { LitePullConsumerOptions, ResolvedLitePullOptions } from './lite-pull-options.js';
import { litePullParts } from './lite-pull-parts.js';
import type { AssignmentListener, LitePullParts } from './lite-pull-parts.js';
import type { PollOptions } from './lite-pull-reader.js';
import { listenToTopicQueues } from '../rebalance/topic-queues-listener.js';
import type { TopicQueuesListener } from '../rebalance/topic-queues-listener.js';

type State = 'not started' | 'running' | 'shut down';

/** What a consumer that pulls needs of the client's admin. */
type QueueOffsets = Pick<Admin, 'minOffset' | 'maxOffset' | 'searchOffset' | 'fetchSubscribeMessageQueues'>;

/**
 * A consumer whose application asks for messages (Apache: DefaultLitePullConsumer). Made by
 * RocketMQClient.createLitePullConsumer.
 *
 * A message counts as consumed when the next one is asked for: by the next turn of the loop, or the next poll. With
 * `autoCommit` that is stored every `autoCommitIntervalMillis`, when a queue goes to another consumer, and at shutdown.
 * After a crash, what was consumed since it was stored last comes again, and so does the message (or the poll's list)
 * that was in hand; nothing is lost. After a shutdown only what was in hand comes again, unless `commit` was called.
 * There are no retries and no dead letters: a message that fails is the application's to keep.
 */
export class LitePullConsumer implements AsyncIterable<MessageExt> {
  readonly group: string;
  readonly #context: ClientContext;
  readonly #admin: QueueOffsets;
  readonly #options: ResolvedLitePullOptions;
  readonly #parts: LitePullParts;
  readonly #topicListeners = new Set<() => void>();
  #state: State = 'not started';
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  /** @internal */
  constructor(context: ClientContext, admin: QueueOffsets, options: LitePullConsumerOptions) {
    this.#context = context;
    this.#admin = admin;
    this.#options = resolveLitePullOptions(options);
    this.group = this.#options.group;
    this.#parts = litePullParts(context, this.#options);
    for (const subscription of this.#options.subscriptions) this.#parts.assignment.subscribe(subscription);
  }

  /**
   * Resolves when the group's queues are divided and pulled. A topic that does not exist yet is waited for in the
   * background.
   * @throws NotRunningError after a shutdown
   * @throws NameServerUnreachableError, GroupInUseError, SubscriptionRefusedError
   */
  start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  /**
   * Ends loops and polls, stores offsets, and leaves the group. Messages that were pulled and not handed out are not lost.
   * @param options deadline: how long a loop may take to ask for its next message, ms, so that the one in hand counts as
   * consumed. Default 0: it comes again. An abort of the signal ends the wait at once. Not to be awaited
   * within the loop. A second call waits for the first.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(options).finally(() => this.#context.ended(this));
    return this.#stopping;
  }

  /**
   * Shares the topic's queues with the group, from now on. A second call for a topic replaces its filter.
   * @param expression '*', or tags as 'TagA || TagB'; or a subscription with its type of expression
   * @throws SubscriptionConflictError after `assign`; once started also as `start`: then nothing has changed
   */
  async subscribe(topic: string, expression: string | Omit<Subscription, 'topic'> = '*'): Promise<void> {
    this.#mustNotBeShutDown();
    checkTopic(topic);
    const filter = typeof expression === 'string' ? { expression } : expression;
    if (this.#isRunning()) await this.#parts.assignment.change({ ...filter, topic });
    else this.#parts.assignment.subscribe({ ...filter, topic });
  }

  /** Gives the topic's queues up. */
  async unsubscribe(topic: string): Promise<void> {
    await this.#parts.assignment.unsubscribe(topic);
  }

  /**
   * Takes exactly these queues, whoever else has them; those of an earlier call that are missing are given up. The offsets
   * are the group's, if there are any.
   * @param subscription filter for all of them
   * @throws SubscriptionConflictError after `subscribe`; once started also as `start`: then nothing has changed
   */
  async assign(queues: readonly MessageQueue[], subscription: Omit<Subscription, 'topic'> = {}): Promise<void> {
    this.#mustNotBeShutDown();
    if (!Array.isArray(queues) || queues.length === 0) {
      throw new InvalidOptionError('queues', queues, 'at least one queue', 'LitePullConsumer.assign');
    }
    for (const { topic } of queues) checkTopic(topic);
    await this.#parts.assignment.assign(queues, subscription);
  }

  /** The queues that are this consumer's now. */
  assignment(): MessageQueue[] {
    return this.#parts.buffer.queues.map(({ messageQueue }) => messageQueue);
  }

  /** Calls back with `assignment()` after it has changed; the function returned ends that. */
  onAssignmentChanged(listener: AssignmentListener): () => void {
    this.#parts.listeners.add(listener);
    return () => void this.#parts.listeners.delete(listener);
  }

  /**
   * Calls back when a topic, subscribed to or not, has other queues than before; the function returned ends that.
   * @throws NotRunningError, NameServerUnreachableError
   */
  async onTopicQueuesChanged(topic: string, listener: TopicQueuesListener): Promise<() => void> {
    this.#mustRun();
    const { routes, logger } = this.#context;
    const stop = await listenToTopicQueues(routes, logger, topic, listener);
    this.#topicListeners.add(stop);
    if (!this.#isRunning()) stop();
    return () => {
      this.#topicListeners.delete(stop);
      stop();
    };
  }

  /**
   * The next messages, as soon as there is one; an empty list when none has come in time. All that was handed out before
   * counts as consumed from now on.
   * @throws NotRunningError, PollInProgressError
   */
  async poll(options: PollOptions = {}): Promise<MessageExt[]> {
    this.#mustRun();
    return this.#parts.reader.poll(options);
  }

  /**
   * All messages, one after the other, until `shutdown`. A loop that is left early loses nothing: the next loop or poll
   * goes on with the message behind the last one that was handed out.
   * @throws NotRunningError, PollInProgressError
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<MessageExt, undefined> {
    this.#mustRun();
    return this.#parts.reader.iterate();
  }

  /**
   * Goes on from this offset, forth or back; what was pulled of the queue is dropped.
   * @throws QueueNotAssignedError, SeekOutOfRangeError
   */
  async seek(queue: MessageQueue, offset: number): Promise<void> {
    this.#mustRun();
    integerIn('offset', offset, 0, 0, Number.MAX_SAFE_INTEGER);
    await this.#seekTo(queue, async () => {
      const [min, max] = await Promise.all([this.#admin.minOffset(queue), this.#admin.maxOffset(queue)]);
      if (offset < min || offset > max) throw new SeekOutOfRangeError(queue, offset, min, max);
      return offset;
    });
  }

  /** Goes on from the oldest message that the queue still has. @throws QueueNotAssignedError */
  async seekToBegin(queue: MessageQueue): Promise<void> {
    await this.#seekTo(queue, () => this.#admin.minOffset(queue));
  }

  /** Goes on from the next message that comes. @throws QueueNotAssignedError */
  async seekToEnd(queue: MessageQueue): Promise<void> {
    await this.#seekTo(queue, () => this.#admin.maxOffset(queue));
  }

  /** Goes on from the first message stored at or after `timestamp`, ms since the epoch. @throws QueueNotAssignedError */
  async seekToTimestamp(queue: MessageQueue, timestamp: number): Promise<void> {
    await this.#seekTo(queue, () => this.offsetForTimestamp(queue, timestamp));
  }

  /** Neither pulls nor hands out messages of these queues until `resume`. @throws QueueNotAssignedError */
  pause(queues: readonly MessageQueue[]): void {
    for (const queue of queues.map((each) => this.#parts.progress.assigned(each))) queue.paused = true;
  }

  /** @throws QueueNotAssignedError */
  resume(queues: readonly MessageQueue[]): void {
    for (const queue of queues.map((each) => this.#parts.progress.assigned(each))) queue.paused = false;
  }

  /**
   * Stores offsets now, whatever `autoCommit` is. Without an argument: all that was handed out is consumed, the message
   * in hand too.
   * @throws CommitFailedError, QueueNotAssignedError
   */
  async commit(offsets?: Iterable<QueueOffset>): Promise<void> {
    this.#mustRun();
    await this.#parts.progress.commit(offsets);
  }

  /** The stored offset of the group; undefined when it has none. */
  async committed(queue: MessageQueue): Promise<number | undefined> {
    this.#mustRun();
    return this.#parts.offsets.read(queue);
  }

  /** The offset of the message that is handed out next; undefined while it is not known. @throws QueueNotAssignedError */
  position(queue: MessageQueue): number | undefined {
    return this.#parts.progress.assigned(queue).position;
  }

  /** The first offset stored at or after `timestamp` (ms since the epoch). */
  async offsetForTimestamp(queue: MessageQueue, timestamp: number): Promise<number> {
    this.#mustRun();
    return this.#admin.searchOffset(queue, timestamp);
  }

  /** All queues of a topic, to choose from for `assign`. @throws NotRunningError, TopicNotFoundError */
  async fetchMessageQueues(topic: string): Promise<MessageQueue[]> {
    this.#mustRun();
    return this.#admin.fetchSubscribeMessageQueues(topic);
  }

  async #start(): Promise<void> {
    if (this.#state === 'running') return;
    this.#mustNotBeShutDown();
    const { members, clock } = this.#context;
    const { member } = this.#parts;
    await this.#context.start();
    await this.#parts.offsets.load();
    try {
      this.#mustNotBeShutDown();
      members.addConsumer(member);
    } catch (error) {
      await this.#parts.offsets.close();
      throw error;
    }
    this.#state = 'running';
    member.startedAt = clock.now();
    try {
      await this.#parts.assignment.start();
    } catch (error) {
      if (this.#isRunning()) await this.#withdraw();
      throw error;
    }
    if (this.#isRunning() && this.#options.autoCommit) this.#parts.autoCommit.start();
  }

  async #stop({ deadline = 0, signal }: ShutdownOptions): Promise<void> {
    const wasRunning = this.#state === 'running';
    this.#state = 'shut down';
    if (!wasRunning) return;
    const { reader, autoCommit, assignment, progress, listeners, offsets, member } = this.#parts;
    await reader.close(deadline, signal);
    autoCommit.stop();
    for (const stop of this.#topicListeners) stop();
    await assignment.stop();
    if (this.#options.autoCommit) await progress.commitDone();
    listeners.clear();
    assignment.release();
    await offsets.close();
    await this.#parts.trace?.close();
    this.#context.members.remove(member);
    await this.#context.unregister({ consumerGroup: this.group });
  }

  /** @param find asks a broker for the offset: the queue may be another consumer's by the time it answers */
  async #seekTo(queue: MessageQueue, find: () => Promise<number>): Promise<void> {
    this.#mustRun();
    this.#parts.progress.assigned(queue);
    const offset = await find();
    this.#parts.progress.assigned(queue).seek(offset);
  }

  /** A start has failed, and may be tried again. */
  async #withdraw(): Promise<void> {
    this.#state = 'not started';
    this.#context.members.remove(this.#parts.member);
    await this.#parts.offsets.close();
    await this.#context.unregister({ consumerGroup: this.group });
  }

  #isRunning(): boolean {
    return this.#state === 'running';
  }

  #mustRun(): void {
    if (!this.#isRunning()) throw new NotRunningError(`consumer ${this.group}`, this.#state);
  }

  #mustNotBeShutDown(): void {
    if (this.#state === 'shut down') this.#mustRun();
  }
}
