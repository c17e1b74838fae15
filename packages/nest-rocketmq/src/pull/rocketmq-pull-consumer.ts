// Gives the app messages when it asks for them. It starts with the app, or when it is first asked, and ends with the app.
import { InvalidOptionError, NotRunningError, sharedAbortController } from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { AssignmentListener, LitePullConsumer, QueueOffset, Subscription } from '@nest-rocketmq/client';
import type { Duration } from '../message/delay.js';
import type { SubscribedGroup } from '../listeners/subscribed-group.js';
import type { MessageConverter, PayloadKind } from '../message/message-converter.js';
import { isTopic } from '../message/topic.js';
import type { AnyTopic } from '../message/topic.js';
import { PULL_CONSUMER_ON_MANUAL_CLOCK, inRealTime, isManual } from '../manual-clock-settings.js';
import { checkDuration, checkInteger, checkKeys, inside } from '../option-checks.js';
import type { RocketMQConnection } from '../rocketmq-connection.js';
import type { CheckedPullConsumer } from './pull-consumer-options.js';
import { ReceivedIterator } from './received-iterator.js';
import { ReceivedMessage } from './received-message.js';
import type { Receiving } from './received-message.js';
import { TypedTopics } from './typed-topics.js';

/** Options of `RocketMQPullConsumer.poll`. */
export interface PullOptions {
  /** Messages at most. Default: the consumer's `pullBatchSize`, 10. */
  max?: number;
  /** How long to wait for a first message: ms, or a length such as '5s'; 0: not at all. Default: `pollTimeoutMillis`, 5 s. */
  timeout?: Duration;
}

const LONGEST_POLL_MS = 3_600_000;
const MOST_MESSAGES = 65_535;

/**
 * A consumer that the app asks for messages: inject it by `@InjectPullConsumer()`. A message counts as consumed when the next
 * one is asked for: by the next turn of the loop, or the next poll. With `autoCommit` that is stored every 5 s, when a queue
 * goes to another consumer, and when the app closes. After a crash, what was consumed since then comes again, and so does what
 * was in hand; nothing is lost. There are no retries and no dead letters: a message that fails is the app's to keep.
 */
export class RocketMQPullConsumer<T = unknown> implements AsyncIterable<ReceivedMessage<T>> {
  /** The consumer group. */
  readonly group: string;
  readonly #connection: RocketMQConnection;
  readonly #options: CheckedPullConsumer;
  readonly #converter: MessageConverter;
  readonly #typed: TypedTopics;
  readonly #closed = sharedAbortController();
  #consumer: LitePullConsumer | undefined;
  #starting: Promise<LitePullConsumer> | undefined;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(connection: RocketMQConnection, options: CheckedPullConsumer, converter: MessageConverter) {
    this.#connection = connection;
    this.#options = options;
    this.#converter = converter;
    this.#typed = new TypedTopics(options.typed);
    this.group = options.client.group;
  }

  /**
   * Starts it now; each call below does it if need be, and the module when the app has bootstrapped.
   * @throws NameServerUnreachableError, GroupInUseError, SubscriptionRefusedError; NotRunningError when the app has closed
   */
  async start(): Promise<void> {
    await this.#running();
  }

  /**
   * The next messages, as soon as there is one; an empty list when none has come in time. What was handed out before counts as
   * consumed from now on.
   * @param options and `payload`: what these are decoded to, where that differs from the consumer's
   * @throws PollInProgressError while another poll or loop waits, InvalidOptionError, and as `start`
   */
  async poll(options: PullOptions & { payload?: PayloadKind } = {}): Promise<ReceivedMessage<T>[]> {
    return this.pollAs<T>(options);
  }

  /** @param typed by whose converter and schema all the messages are read; default: their own typed topics @internal */
  async pollAs<R>(options: PullOptions & { payload?: PayloadKind }, typed?: AnyTopic): Promise<ReceivedMessage<R>[]> {
    const { payload, ...poll } = options;
    const checked = inside('RocketMQPullConsumer.poll', undefined, () => checkPoll(poll));
    const messages = await (await this.#running()).poll(checked);
    const receiving = this.#receiving(payload, typed);
    return Promise.all(messages.map(async (message) => ReceivedMessage.of<R>(message, receiving)));
  }

  /**
   * All messages, one after the other, until the app closes. A loop that is left early loses nothing: the next loop or poll
   * goes on behind the last message that was handed out.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<ReceivedMessage<T>, undefined> {
    return new ReceivedIterator<T>({
      messages: async () => (await this.#running())[Symbol.asyncIterator](),
      received: (message) => ReceivedMessage.of<T>(message, this.#receiving()),
      hold: ({ topic, msgId }) =>
        this.#connection.clock?.busy?.(`the loop of ${this.group} (message ${msgId} of topic ${topic})`),
    });
  }

  /**
   * Shares the topic's queues with the group. A second call for a topic replaces its filter.
   * @param topic its name, or a typed topic, which filters by its tag
   * @throws SubscriptionConflictError; InvalidOptionError for an expression beside a typed topic
   */
  async subscribe(topic: string | AnyTopic, expression?: string | Omit<Subscription, 'topic'>): Promise<void> {
    const consumer = await this.#running();
    if (!isTopic(topic)) return consumer.subscribe(topic as string, expression ?? '*');
    if (expression !== undefined) {
      const allowed = 'left out beside a typed topic, which filters by its tag';
      throw new InvalidOptionError('expression', expression, allowed, 'RocketMQPullConsumer.subscribe');
    }
    this.#typed.remove(topic.topic);
    this.#typed.add(topic);
    await consumer.subscribe(topic.topic, topic.tag ?? '*');
  }

  /** Gives the topic's queues up. */
  async unsubscribe(topic: string | AnyTopic): Promise<void> {
    await (await this.#running()).unsubscribe(isTopic(topic) ? topic.topic : (topic as string));
  }

  /** Takes exactly these queues, whoever else has them. @throws SubscriptionConflictError */
  async assign(queues: readonly MessageQueue[], subscription?: Omit<Subscription, 'topic'>): Promise<void> {
    await (await this.#running()).assign(queues, subscription);
  }

  /** All queues of a topic, to choose from for `assign`. @throws TopicNotFoundError */
  async fetchMessageQueues(topic: string): Promise<MessageQueue[]> {
    return (await this.#running()).fetchMessageQueues(topic);
  }

  /** The queues that are this consumer's now. */
  assignment(): MessageQueue[] {
    return this.#consumer?.assignment() ?? [];
  }

  /** Calls back with `assignment()` after it has changed; the function returned ends that. @throws NotRunningError */
  onAssignmentChanged(listener: AssignmentListener): () => void {
    return this.#mustRun().onAssignmentChanged(listener);
  }

  /** Goes on from this offset, forth or back. @throws QueueNotAssignedError, SeekOutOfRangeError */
  async seek(queue: MessageQueue, offset: number): Promise<void> {
    await (await this.#running()).seek(queue, offset);
  }

  /** Goes on from the oldest message that the queue still has. @throws QueueNotAssignedError */
  async seekToBegin(queue: MessageQueue): Promise<void> {
    await (await this.#running()).seekToBegin(queue);
  }

  /** Goes on from the next message that comes. @throws QueueNotAssignedError */
  async seekToEnd(queue: MessageQueue): Promise<void> {
    await (await this.#running()).seekToEnd(queue);
  }

  /** Goes on from the first message stored at or after this time: a Date, or ms since the epoch. @throws QueueNotAssignedError */
  async seekToTimestamp(queue: MessageQueue, timestamp: Date | number): Promise<void> {
    await (await this.#running()).seekToTimestamp(queue, Number(timestamp));
  }

  /** Neither pulls nor hands out messages of these queues until `resume`. @throws QueueNotAssignedError, NotRunningError */
  pause(queues: readonly MessageQueue[] = this.assignment()): void {
    this.#mustRun().pause(queues);
  }

  /** Ends a pause. @throws QueueNotAssignedError, NotRunningError */
  resume(queues: readonly MessageQueue[] = this.assignment()): void {
    this.#mustRun().resume(queues);
  }

  /**
   * Stores offsets now, whatever `autoCommit` is. Without an argument: all that was handed out is consumed, the message in
   * hand too. @throws CommitFailedError, QueueNotAssignedError
   */
  async commit(offsets?: Iterable<QueueOffset>): Promise<void> {
    await (await this.#running()).commit(offsets);
  }

  /** The stored offset of the group; undefined when it has none. */
  async committed(queue: MessageQueue): Promise<number | undefined> {
    return (await this.#running()).committed(queue);
  }

  /** The offset of the message that is handed out next; undefined while it is not known. @throws QueueNotAssignedError */
  position(queue: MessageQueue): number | undefined {
    return this.#mustRun().position(queue);
  }

  /** What it consumes, and how far it is: what was handed out counts as consumed. @internal */
  subscribed(): SubscribedGroup {
    const { group, subscriptions = [], messageModel = 'CLUSTERING' } = this.#options.client;
    const queues = this.#closing ? [] : this.assignment();
    const topics = new Set([...subscriptions, ...queues].map(({ topic }) => topic));
    const offsets = queues.flatMap((queue) => {
      const offset = this.#consumer?.position(queue);
      return offset === undefined ? [] : [{ queue, offset }];
    });
    return { group, topics: [...topics], messageModel, offsets };
  }

  /** Ends loops and polls, and leaves the group. @param deadline for a loop to be done with its message, ms. @internal */
  close(deadline: number): Promise<void> {
    return (this.#closing ??= this.#close(deadline));
  }

  async #close(deadline: number): Promise<void> {
    // If the start failed, its caller has the error, and there is nothing to close.
    const consumer = await this.#starting?.catch(() => undefined);
    if (isManual(this.#connection.clock)) await inRealTime(deadline, async (late) => consumer?.shutdown(late));
    else await consumer?.shutdown({ deadline });
    this.#closed.abort();
  }

  #running(): Promise<LitePullConsumer> {
    if (this.#closing) return Promise.reject(this.#notRunning('closed'));
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  async #start(): Promise<LitePullConsumer> {
    const client = await this.#connection.client();
    const consumer = client.createLitePullConsumer({
      ...this.#options.client,
      hooks: this.#connection.hooks,
      ...(isManual(this.#connection.clock) && PULL_CONSUMER_ON_MANUAL_CLOCK),
    });
    await consumer.start();
    this.#consumer = consumer;
    return consumer;
  }

  #mustRun(): LitePullConsumer {
    if (this.#closing || !this.#consumer) throw this.#notRunning(this.#closing ? 'closed' : 'not started');
    return this.#consumer;
  }

  #notRunning(state: string): NotRunningError {
    return new NotRunningError(`pull consumer ${this.group}`, state, 'It starts with the app, and ends with it');
  }

  #receiving(kind = this.#options.payload, typed?: AnyTopic): Receiving {
    const topicOf = typed ? (): AnyTopic => typed : (message: MessageExt) => this.#typed.of(message);
    return { group: this.group, converter: this.#converter, kind, topicOf, signal: this.#closed.signal };
  }
}

function checkPoll(options: PullOptions): { max?: number; timeout?: number } {
  checkKeys('options', options, ['max', 'timeout']);
  const { max, timeout } = options;
  return {
    ...(max !== undefined && { max: checkInteger('max', max, 1, MOST_MESSAGES) }),
    ...(timeout !== undefined && { timeout: checkDuration('timeout', timeout, 0, LONGEST_POLL_MS) }),
  };
}
