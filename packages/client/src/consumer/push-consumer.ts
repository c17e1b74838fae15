// Puts a push consumer together, and starts and stops its parts in order.
import { endsWithin, NotRunningError, Repeating, retryTopic } from '@nest-rocketmq/remoting/internal';
import type { ConsumerData, MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import type { DirectResult, QueueOffset } from '../groups/group-registry.js';
import { consumeDirectly } from './consume/consume-directly.js';
import { checkConcurrency, resolvePushConsumerOptions } from './options/consumer-options.js';
import type { PushConsumerOptions, ResolvedPushConsumerOptions, Subscription } from './options/consumer-options.js';
import { assembleConsumer } from './consumer-parts.js';
import type { ConsumerParts } from './consumer-parts.js';
import { beginAgain, resetOffsets, skipToEnd } from './reset-offsets.js';
import { encodeRunningInfo } from './running-info.js';
import { consumeHooks } from './consume/consume-hooks.js';
import { consumerTrace } from './consume/consumer-trace.js';
import type { ConsumerTrace } from './consume/consumer-trace.js';
import { Subscriptions } from './subscriptions/subscriptions.js';
import type { ConsumerShutdownOptions } from '../shutdown-options.js';

const DEFAULT_SHUTDOWN_DEADLINE_MS = 30_000;
const MINUTE_MS = 60_000;

type State = 'not started' | 'running' | 'shut down';

/** Gives messages to its listener as they arrive at the broker. Created by `RocketMQClient.createPushConsumer`. */
export class PushConsumer {
  /** The consumer group. */
  readonly group: string;
  readonly #context: ClientContext;
  readonly #options: ResolvedPushConsumerOptions;
  readonly #subscriptions: Subscriptions;
  readonly #parts: ConsumerParts;
  readonly #offsetTimer: Repeating;
  readonly #trace: ConsumerTrace | undefined;
  #stopListening: (() => void) | undefined;
  #startedAt = 0;
  #state: State = 'not started';
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  /** @internal */
  constructor(context: ClientContext, options: PushConsumerOptions) {
    this.#context = context;
    const resolved = resolvePushConsumerOptions(options);
    this.group = resolved.group;
    this.#trace = consumerTrace(context, resolved, resolved.consumeTimeout * MINUTE_MS);
    const hooked = consumeHooks(context, resolved)?.listener(resolved.listener) ?? resolved.listener;
    const listener = this.#trace?.listener(hooked) ?? hooked;
    this.#options = { ...resolved, listener };
    this.#subscriptions = new Subscriptions(context, this.#options);
    this.#parts = assembleConsumer({
      context,
      options: this.#options,
      subscriptions: this.#subscriptions,
      own: () => this.heartbeatData(),
      offsetMoved: async (queue, offset) => {
        await beginAgain(this.#parts, queue, offset);
        this.#parts.rebalance.request();
      },
    });
    const { clock, logger } = context;
    this.#offsetTimer = new Repeating({
      clock,
      logger,
      name: `storing the offsets of ${this.group}`,
      interval: context.options.persistConsumerOffsetInterval,
      run: () => this.#parts.offsets.persist(this.#heldQueues()),
    });
  }

  /**
   * Resolves when brokers know the group and its queues are being pulled. Where the group has other members, that begins
   * half a second later, when they have left the queues. A topic that does not exist yet is waited for
   * in the background.
   * @throws NotRunningError after a shutdown
   * @throws NameServerUnreachableError, GroupInUseError, SubscriptionRefusedError when a broker refuses an SQL92 expression:
   * then it may be started again
   */
  start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  /** Gives the listener nothing more until `resume`; calls under way go on. What has arrived already waits. */
  pause(): void {
    this.#parts.pauseGate.close();
  }

  /** Ends a pause. */
  resume(): void {
    this.#parts.pauseGate.open();
    this.#parts.consume.resume();
    this.#parts.rebalance.request();
  }

  /**
   * Changes how many listener calls may run at the same time (Java: `updateCorePoolSize`). Calls under way go on, even if
   * they are more than that. Counts before the start, too.
   * @param concurrency 1 to 1000
   * @throws InvalidOptionError
   */
  setConcurrency(concurrency: number): void {
    this.#options.consumeConcurrency = checkConcurrency(concurrency);
    this.#parts.consume.resume();
  }

  /** The queues that are this consumer's now, each with the offset of the message that is to be consumed next. */
  get offsets(): QueueOffset[] {
    return this.#subscriptions.topics.flatMap((topic) => this.offsetsOf(topic)).filter(({ offset }) => offset >= 0);
  }

  /**
   * Subscribes to one more topic, or to a topic by another expression. Resolves when brokers know, and its queues are
   * pulled by the new expression. What is here already is still consumed. All consumers of a group must do the same.
   * Before the start it only sets what the start subscribes to.
   * @throws NotRunningError after a shutdown, InvalidNameError, InvalidOptionError
   * @throws SubscriptionRefusedError when a broker refuses an SQL92 expression: then the old subscription stands
   */
  async subscribe(subscription: Subscription): Promise<void> {
    this.#mustNotBeShutDown();
    if (!(await this.#subscriptions.set(subscription, () => this.#isRunning()))) return;
    await this.#context.heartbeat.beat();
    this.#parts.pulls.renew(subscription.topic);
    await this.#parts.rebalance.refresh();
  }

  /**
   * Gives the topic up. Resolves when its queues are no longer pulled and brokers know. Messages whose listener is still at
   * work come again, should the group subscribe to the topic again. Does nothing for a topic that is not subscribed to.
   * @throws NotRunningError after a shutdown
   */
  async unsubscribe(topic: string): Promise<void> {
    this.#mustNotBeShutDown();
    if (!this.#subscriptions.delete(topic) || !this.#isRunning()) return;
    await this.#parts.rebalance.refresh();
    await this.#context.heartbeat.beat();
  }

  /**
   * Stops pulling, waits for running listener calls, stores offsets, and leaves the group.
   * @param options deadline for the listener calls, ms; default 30000. What runs longer is delivered again elsewhere.
   * An abort of the signal ends the wait at once. A second call waits for the first.
   */
  shutdown(options: ConsumerShutdownOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(options).finally(() => this.#context.ended(this));
    return this.#stopping;
  }
  /** @internal */
  heartbeatData(): ConsumerData {
    const { messageModel, consumeFromWhere } = this.#options;
    return {
      groupName: this.group,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel,
      consumeFromWhere,
      subscriptionDataSet: this.#subscriptions.all,
      unitMode: false,
    };
  }

  /** @internal */
  idsChanged(): void {
    this.#parts.rebalance.request();
  }

  /** @internal */
  resetOffsets(offsets: readonly QueueOffset[]): Promise<void> {
    return resetOffsets(this.#parts, offsets);
  }

  /** Goes on behind all that is there, in a test that starts afresh. @param end where the next message of a queue will stand */
  skipToEnd(end: (queue: MessageQueue) => number): Promise<void> {
    return skipToEnd(this.#parts, end);
  }

  /** @internal */
  offsetsOf(topic: string): QueueOffset[] {
    return this.#parts.rebalance.owned
      .filter(({ messageQueue }) => messageQueue.topic === topic)
      .map(({ messageQueue }) => ({ queue: messageQueue, offset: this.#parts.offsets.current(messageQueue) ?? -1 }));
  }

  /** @internal */
  runningInfo(): Buffer {
    return encodeRunningInfo({
      nameServers: this.#context.routes.nameServers,
      options: this.#options,
      startedAt: this.#startedAt,
      subscriptions: this.#subscriptions.all,
      queues: this.#parts.rebalance.owned,
      offsetOf: (queue) => this.#parts.offsets.current(queue),
      lockedAt: (queue) => this.#parts.locks?.lockedAt(queue),
      statusOf: (topic) => this.#parts.stats.status(topic),
    });
  }

  /** @internal */
  async consumeDirectly(message: MessageExt, brokerName: string): Promise<DirectResult> {
    const result = await consumeDirectly(this.#parts.consume, message, brokerName, this.#context.clock);
    return { ...result, order: this.#options.consumeMode !== 'CONCURRENTLY' };
  }

  async #start(): Promise<void> {
    if (this.#state === 'running') return;
    this.#mustNotBeShutDown();
    const { members, routes, clock } = this.#context;
    await this.#context.start();
    await this.#parts.offsets.load();
    try {
      this.#mustNotBeShutDown();
      members.addConsumer(this);
    } catch (error) {
      await this.#parts.offsets.close();
      throw error;
    }
    this.#state = 'running';
    this.#startedAt = clock.now();
    try {
      await this.#join();
    } catch (error) {
      if (this.#isRunning()) await this.#withdraw();
      throw error;
    }
    if (!this.#isRunning()) return; // shut down meanwhile
    this.#stopListening = routes.onChange((topic) => {
      if (this.#subscriptions.has(topic)) this.#parts.rebalance.request();
    });
    await this.#parts.rebalance.start();
    if (!this.#isRunning()) return;
    this.#offsetTimer.start();
    this.#parts.locks?.start();
  }

  async #stop(options: ConsumerShutdownOptions): Promise<void> {
    const { deadline = DEFAULT_SHUTDOWN_DEADLINE_MS, signal, onAbandoned = this.#warnOfAbandoned } = options;
    const wasRunning = this.#state === 'running';
    this.#state = 'shut down';
    if (!wasRunning) return;
    const { members } = this.#context;
    this.#stopListening?.();
    this.#offsetTimer.stop();
    this.#parts.pauseGate.close();
    await this.#parts.rebalance.stop();
    await endsWithin(this.#context.clock, this.#parts.consume.stop(), deadline, signal);
    if (this.#parts.consume.running > 0) onAbandoned(this.#parts.consume.running);
    await this.#handOver();
    await this.#trace?.close();
    this.#subscriptions.leave();
    members.remove(this);
    await this.#context.unregister({ consumerGroup: this.group });
  }

  #mustNotBeShutDown(): void {
    if (this.#state === 'shut down') throw new NotRunningError(`consumer ${this.group}`, this.#state);
  }

  #isRunning(): boolean {
    return this.#state === 'running';
  }

  /** A start has failed, and may be tried again. */
  async #withdraw(): Promise<void> {
    this.#state = 'not started';
    this.#subscriptions.leave();
    this.#context.members.remove(this);
    await this.#parts.offsets.close();
    await this.#context.unregister({ consumerGroup: this.group });
  }

  #warnOfAbandoned = (calls: number): void =>
    this.#context.logger.warn(`${this.group}: ${calls} listener calls outlast the shutdown; their messages come again`);

  /** Stores how far the queues are done, and leaves them to others. */
  async #handOver(): Promise<void> {
    const { rebalance, offsets, locks } = this.#parts;
    const { owned } = rebalance;
    await offsets.persist(this.#heldQueues(), true);
    await offsets.close();
    locks?.stop();
    // A queue whose listener is still at work is not unlocked: the next consumer gets it when the lock expires.
    await locks?.unlock(owned.filter(({ idle }) => idle).map(({ messageQueue }) => messageQueue));
    for (const queue of owned) rebalance.drop(queue);
  }

  /** Of a queue that may be another consumer's by now, no offset is stored. */
  #heldQueues(): MessageQueue[] {
    const { rebalance, isHeld } = this.#parts;
    return rebalance.owned.filter(isHeld).map(({ messageQueue }) => messageQueue);
  }

  /** Finds the topics, and makes the group known to their brokers. */
  async #join(): Promise<void> {
    const { routes, heartbeat } = this.#context;
    await this.#subscriptions.join();
    await heartbeat.beat();
    // The brokers have made the retry topic on hearing of the group.
    if (this.#subscriptions.has(retryTopic(this.group))) await routes.resolve(retryTopic(this.group));
  }
}
