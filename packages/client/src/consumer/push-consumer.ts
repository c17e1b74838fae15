// Puts a push consumer together, and starts and stops its parts in order.
import { NotRunningError, retryTopic } from '@nest-rocketmq/remoting/internal';
import type { ConsumerData, MessageExt, SubscriptionData } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import type { DirectResult, QueueOffset } from '../groups/group-registry.js';
import { Repeating, sleep } from '../time/timing.js';
import { ConsumeConcurrently } from './consume-concurrently.js';
import { consumeDirectly } from './consume-directly.js';
import { resolvePushConsumerOptions } from './consumer-options.js';
import type { PushConsumerOptions, ResolvedPushConsumerOptions } from './consumer-options.js';
import { ConsumerStats } from './consumer-stats.js';
import { PauseGate } from './pause-gate.js';
import { GroupCheck } from './group-check.js';
import { offsetStoreOf } from './offset-stores.js';
import type { OffsetStore } from './offset-store.js';
import type { ProcessQueue } from './process-queue.js';
import { PullLoop } from './pull-loop.js';
import { Rebalance } from './rebalance.js';
import { encodeRunningInfo } from './running-info.js';
import { SendBack } from './send-back.js';
import { startOffset } from './start-offset.js';
import { findTopics, subscriptionsOf } from './subscribe.js';

const DEFAULT_SHUTDOWN_DEADLINE_MS = 30_000;
const DEFAULT_TIMESTAMP_BACK_MS = 30 * 60_000;
const DEFAULT_MAX_RECONSUME_TIMES = 16;

type State = 'not started' | 'running' | 'shut down';

/** Gives messages to its listener as they arrive at the broker. Created by `RocketMQClient.createPushConsumer`. */
export class PushConsumer {
  /** The consumer group. */
  readonly group: string;
  readonly #context: ClientContext;
  readonly #options: ResolvedPushConsumerOptions;
  readonly #subscriptions: ReadonlyMap<string, SubscriptionData>;
  readonly #offsets: OffsetStore;
  readonly #pauseGate = new PauseGate();
  readonly #stats: ConsumerStats;
  readonly #consume: ConsumeConcurrently;
  readonly #rebalance: Rebalance;
  readonly #timers: Repeating[];
  /** Topics that did not exist when we subscribed to them. */
  readonly #youngTopics = new Set<string>();
  #stopListening: (() => void) | undefined;
  #startedAt = 0;
  #state: State = 'not started';

  /** @internal */
  constructor(context: ClientContext, options: PushConsumerOptions) {
    this.#context = context;
    this.#options = resolvePushConsumerOptions(options);
    this.group = this.#options.group;
    this.#subscriptions = subscriptionsOf(this.#options, context.clock.now());
    this.#offsets = offsetStoreOf(context, this.#options);
    this.#stats = new ConsumerStats(context.clock);
    const { maxReconsumeTimes } = this.#options;
    const sendBack = new SendBack(
      context,
      this.group,
      maxReconsumeTimes < 0 ? DEFAULT_MAX_RECONSUME_TIMES : maxReconsumeTimes,
    );
    this.#consume = new ConsumeConcurrently({
      context,
      options: this.#options,
      offsets: this.#offsets,
      sendBack,
      stats: this.#stats,
      pauseGate: this.#pauseGate,
    });
    this.#rebalance = this.#rebalancing();
    this.#timers = this.#repeatingTasks();
  }

  /**
   * Resolves when brokers know the group and its queues are being pulled. A topic that does not exist yet is waited for
   * in the background.
   * @throws NameServerUnreachableError, GroupInUseError, SubscriptionRefusedError when a broker refuses an SQL92 expression
   */
  async start(): Promise<void> {
    if (this.#state === 'running') return;
    if (this.#state === 'shut down') throw new NotRunningError(`consumer ${this.group}`, this.#state);
    const { members, routes, clock } = this.#context;
    await this.#context.start();
    await this.#offsets.load();
    try {
      members.addConsumer(this);
    } catch (error) {
      await this.#offsets.close();
      throw error;
    }
    this.#state = 'running';
    this.#startedAt = clock.now();
    try {
      await this.#join();
    } catch (error) {
      await this.shutdown({ deadline: 0 });
      throw error;
    }
    if (!this.#isRunning()) return; // shut down meanwhile
    this.#stopListening = routes.onChange((topic) => {
      if (this.#subscriptions.has(topic)) this.#rebalance.request();
    });
    await this.#rebalance.start();
    if (this.#isRunning()) for (const timer of this.#timers) timer.start();
  }

  /** Gives the listener nothing more until `resume`; calls under way go on. What has arrived already waits. */
  pause(): void {
    this.#pauseGate.close();
  }

  /** Ends a pause. */
  resume(): void {
    this.#pauseGate.open();
    this.#consume.resume();
    this.#rebalance.request();
  }

  /**
   * Stops pulling, waits for running listener calls, stores offsets, and leaves the group.
   * @param options deadline for the listener calls, ms; default 30000. What runs longer is delivered again elsewhere.
   * An abort of the signal ends the wait at once.
   */
  async shutdown(options: { deadline?: number; signal?: AbortSignal } = {}): Promise<void> {
    const wasRunning = this.#state === 'running';
    this.#state = 'shut down';
    if (!wasRunning) return;
    const { members, routes, logger } = this.#context;
    this.#stopListening?.();
    for (const timer of this.#timers) timer.stop();
    this.#pauseGate.close();
    await this.#rebalance.stop();
    await this.#drain(options.deadline ?? DEFAULT_SHUTDOWN_DEADLINE_MS, options.signal);
    if (this.#consume.running > 0) {
      logger.warn(
        `${this.group}: ${this.#consume.running} listener calls outlast the shutdown; their messages come again`,
      );
    }
    const { owned } = this.#rebalance;
    await this.#offsets.persist(
      owned.map((queue) => queue.messageQueue),
      true,
    );
    await this.#offsets.close();
    for (const queue of owned) this.#rebalance.drop(queue);
    for (const topic of this.#subscriptions.keys()) routes.unwatch(topic);
    members.remove(this);
    await this.#context.unregister({ consumerGroup: this.group });
  }

  /** @internal */
  heartbeatData(): ConsumerData {
    const { messageModel, consumeFromWhere } = this.#options;
    return {
      groupName: this.group,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel,
      consumeFromWhere,
      subscriptionDataSet: [...this.#subscriptions.values()],
      unitMode: false,
    };
  }

  /** @internal */
  idsChanged(): void {
    this.#rebalance.request();
  }

  /** @internal */
  async resetOffsets(offsets: readonly QueueOffset[]): Promise<void> {
    for (const { queue, offset } of offsets) {
      const owned = this.#rebalance.owned.find(
        ({ messageQueue: { topic, brokerName, queueId } }) =>
          topic === queue.topic && brokerName === queue.brokerName && queueId === queue.queueId,
      );
      if (owned) await this.#beginAgain(owned, offset);
    }
    this.#rebalance.request();
  }

  /** @internal */
  offsetsOf(topic: string): QueueOffset[] {
    return this.#rebalance.owned
      .filter(({ messageQueue }) => messageQueue.topic === topic)
      .map(({ messageQueue }) => ({ queue: messageQueue, offset: this.#offsets.current(messageQueue) ?? -1 }));
  }

  /** @internal */
  runningInfo(): Buffer {
    return encodeRunningInfo({
      nameServers: this.#context.routes.nameServers,
      options: this.#options,
      startedAt: this.#startedAt,
      subscriptions: [...this.#subscriptions.values()],
      queues: this.#rebalance.owned,
      offsetOf: (queue) => this.#offsets.current(queue),
      statusOf: (topic) => this.#stats.status(topic),
    });
  }

  /** @internal */
  consumeDirectly(message: MessageExt, brokerName: string): Promise<DirectResult> {
    return consumeDirectly(this.#consume, message, brokerName, this.#context.clock);
  }

  #isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Finds the topics, and makes the group known to their brokers. */
  async #join(): Promise<void> {
    const { routes, heartbeat } = this.#context;
    const missing = await findTopics(this.#context, this.group, [...this.#subscriptions.values()]);
    for (const topic of missing) this.#youngTopics.add(topic);
    await heartbeat.beat();
    // The brokers have made the retry topic on hearing of the group.
    if (this.#subscriptions.has(retryTopic(this.group))) await routes.resolve(retryTopic(this.group));
  }

  #rebalancing(): Rebalance {
    const { routes, brokers, clock, logger } = this.#context;
    const { messageModel, allocateMessageQueueStrategy, consumeFromWhere } = this.#options;
    const consumeTimestamp = this.#options.consumeTimestamp ?? clock.now() - DEFAULT_TIMESTAMP_BACK_MS;
    const offsets = this.#offsets;
    const isYoung = (topic: string): boolean => this.#youngTopics.has(topic);
    const pulls = new PullLoop({
      context: this.#context,
      options: this.#options,
      pauseGate: this.#pauseGate,
      offsets,
      stats: this.#stats,
      subscriptionOf: (topic) => this.#subscriptions.get(topic),
      deliver: (queue, messages) => this.#consume.submit(queue, messages),
      reject: (queue, messages) => this.#consume.reject(queue, messages),
      offsetMoved: async (queue, offset) => {
        await this.#beginAgain(queue, offset);
        this.#rebalance.request();
      },
    });
    const check = new GroupCheck({ context: this.#context, own: () => this.heartbeatData() });
    return new Rebalance({
      context: this.#context,
      group: this.group,
      messageModel,
      strategy: allocateMessageQueueStrategy,
      topics: [...this.#subscriptions.keys()],
      offsets,
      startOffset: (queue) =>
        startOffset({ offsets, routes, brokers, logger, consumeFromWhere, consumeTimestamp, isYoung }, queue),
      membersSeen: (address, clientIds) => check.look(address, clientIds),
      begin: (queue, offset) => void pulls.run(queue, offset),
    });
  }

  #repeatingTasks(): Repeating[] {
    const { clock, logger, options } = this.#context;
    const queues = (): ProcessQueue[] => this.#rebalance.owned;
    return [
      new Repeating({
        clock,
        logger,
        name: `storing the offsets of ${this.group}`,
        interval: options.persistConsumerOffsetInterval,
        run: () => this.#offsets.persist(queues().map((queue) => queue.messageQueue)),
      }),
    ];
  }

  /** The queue is ours still, but is to continue from another offset. */
  async #beginAgain(queue: ProcessQueue, offset: number): Promise<void> {
    this.#rebalance.drop(queue);
    this.#offsets.reset(queue.messageQueue, offset);
    await this.#offsets.persist([queue.messageQueue], true);
  }

  async #drain(deadline: number, signal?: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const idle = this.#consume.stop().finally(() => ended.abort());
    const over = signal ? AbortSignal.any([ended.signal, signal]) : ended.signal;
    await Promise.race([idle, sleep(this.#context.clock, deadline, over)]);
  }
}
