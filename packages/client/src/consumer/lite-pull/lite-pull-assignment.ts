// Decides which queues a consumer that polls has: its share of the topics that it subscribes to, or those that it was
// assigned by hand.
import { sharedAbortController } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue, SubscriptionData } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import type { Subscription } from '../options/consumer-options.js';
import type { LitePullBuffer } from './lite-pull-buffer.js';
import { SubscriptionConflictError } from './lite-pull-errors.js';
import type { LitePullOffsets } from './lite-pull-offsets.js';
import type { ResolvedLitePullOptions } from './lite-pull-options.js';
import { LitePullQueue } from './lite-pull-queue.js';
import type { OffsetStore } from '../offsets/offset-store.js';
import { queueKey } from '../process-queue/process-queue.js';
import { Rebalance } from '../rebalance/rebalance.js';
import { SubscribedTopics } from '../subscriptions/subscribed-topics.js';

export interface LitePullAssignmentParts {
  context: ClientContext;
  options: ResolvedLitePullOptions;
  buffer: LitePullBuffer;
  offsets: OffsetStore;
  progress: LitePullOffsets;
  startOffset: (queue: MessageQueue) => Promise<number>;
  membersSeen: (address: string, clientIds: readonly string[]) => Promise<void>;
  /** Pulls the queue until it is dropped. */
  begin: (queue: LitePullQueue) => void;
  /** Queues came or went. */
  changed: () => void;
}

export class LitePullAssignment {
  readonly subscriptions = new Map<string, SubscriptionData>();
  readonly topics: SubscribedTopics;
  readonly #parts: LitePullAssignmentParts;
  readonly #rebalance: Rebalance;
  readonly #assigned = new Map<string, AbortController>();
  #mode: 'none' | 'subscribe' | 'assign' = 'none';
  #started = false;
  #stopped = false;
  #stopListening: (() => void) | undefined;
  /** Calls of `assign`: the last one counts. */
  #assigns = 0;

  constructor(parts: LitePullAssignmentParts) {
    this.#parts = parts;
    const { context, options, offsets, startOffset, membersSeen } = parts;
    this.topics = new SubscribedTopics(context, options.group);
    const topics = (): string[] => (this.#mode === 'subscribe' ? [...this.subscriptions.keys()] : []);
    this.#rebalance = new Rebalance({
      context,
      group: options.group,
      messageModel: options.messageModel,
      strategy: options.allocateMessageQueueStrategy,
      topics,
      offsets,
      startOffset,
      membersSeen,
      begin: ({ messageQueue, signal }, offset) => this.#begin(messageQueue, offset, signal),
    });
  }

  /** Sets what the start subscribes to. @throws SubscriptionConflictError, InvalidOptionError */
  subscribe(subscription: Subscription): void {
    this.#enter('subscribe');
    this.#set(this.topics.next(subscription));
  }

  /**
   * Subscribes while it runs. Resolves when brokers know.
   * @throws SubscriptionConflictError, NameServerUnreachableError, SubscriptionRefusedError, InvalidOptionError: nothing has
   * changed
   */
  async change(subscription: Subscription): Promise<void> {
    this.#mustNotConflict('subscribe');
    const next = this.topics.next(subscription);
    await this.#find([next]);
    if (this.#stopped) return;
    this.#enter('subscribe');
    const current = this.subscriptions.get(next.topic);
    // Another change has been faster, and is newer.
    if (current && current.subVersion >= next.subVersion) return;
    this.#set(next);
    await this.#parts.context.heartbeat.beat();
    this.rebalance();
  }

  /** Gives up the topic's queues; what is consumed of them is stored. @throws SubscriptionConflictError */
  async unsubscribe(topic: string): Promise<void> {
    this.#enter('subscribe');
    if (!this.subscriptions.delete(topic)) return;
    this.topics.forget(topic);
    const { context, offsets } = this.#parts;
    const owned = this.#rebalance.owned.filter(({ messageQueue }) => messageQueue.topic === topic);
    for (const queue of owned) this.#rebalance.drop(queue);
    const queues = owned.map(({ messageQueue }) => messageQueue);
    await offsets.persist(queues, true);
    for (const queue of queues) offsets.forget(queue);
    if (!this.#started) return;
    // The others would leave our share of its queues to us.
    await context.heartbeat.beat();
  }

  /**
   * Takes these queues, and gives up all others.
   * @param subscription the filter of each topic
   * @throws as `change`
   */
  async assign(queues: readonly MessageQueue[], subscription: Omit<Subscription, 'topic'>): Promise<void> {
    this.#mustNotConflict('assign');
    const turn = ++this.#assigns;
    const next = new Map(queues.map(({ topic }) => [topic, this.topics.next({ topic, ...subscription })]));
    if (this.#started) {
      await this.#find([...next.values()].filter((one) => !isSameFilter(one, this.subscriptions.get(one.topic))));
      // Another call has come since.
      if (this.#stopped || turn !== this.#assigns) return;
    }
    this.#enter('assign');
    for (const topic of this.subscriptions.keys()) if (!next.has(topic)) this.subscriptions.delete(topic);
    for (const one of next.values()) this.#set(one);
    const keys = new Set(queues.map(queueKey));
    const lost = [...this.#assigned].filter(([key]) => !keys.has(key));
    await this.#giveUp(lost);
    for (const queue of queues) {
      const key = queueKey(queue);
      if (this.#assigned.has(key)) continue;
      const dropping = sharedAbortController();
      this.#assigned.set(key, dropping);
      this.#begin({ ...queue }, undefined, dropping.signal);
    }
    if (!this.#started) return;
    for (const topic of this.topics.watched) if (!this.subscriptions.has(topic)) this.topics.unwatch(topic);
    await this.#parts.context.heartbeat.beat();
  }

  /** Resolves when the queues are divided for the first time. */
  async start(): Promise<void> {
    this.#started = true;
    const { routes, heartbeat } = this.#parts.context;
    // Those that come from now on are pulled at once.
    const waiting = this.#parts.buffer.queues;
    try {
      await this.#find([...this.subscriptions.values()]);
    } catch (error) {
      this.#started = false;
      for (const topic of this.topics.watched) this.topics.unwatch(topic);
      throw error;
    }
    await heartbeat.beat();
    if (this.#stopped) return this.release();
    for (const queue of waiting) if (!queue.dropped) this.#parts.begin(queue);
    this.#stopListening = routes.onChange((topic) => {
      if (this.subscriptions.has(topic)) this.rebalance();
    });
    await this.#rebalance.start();
  }

  /** Consumers, topics or queues may have changed. */
  rebalance(): void {
    if (this.#mode === 'subscribe') this.#rebalance.request();
  }

  /** Takes and gives up no more queues. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopListening?.();
    await this.#rebalance.stop();
  }

  /** Gives up all queues. */
  release(): void {
    for (const queue of this.#rebalance.owned) this.#rebalance.drop(queue);
    for (const dropping of this.#assigned.values()) dropping.abort();
    this.#assigned.clear();
    for (const topic of this.topics.watched) this.topics.unwatch(topic);
  }

  /** Finds the topics, and has brokers check their filters. @throws NameServerUnreachableError, SubscriptionRefusedError */
  async #find(subscriptions: readonly SubscriptionData[]): Promise<void> {
    try {
      await this.topics.find(subscriptions);
    } catch (error) {
      for (const { topic } of subscriptions) if (!this.subscriptions.has(topic)) this.topics.unwatch(topic);
      throw error;
    }
  }

  #set(data: SubscriptionData): void {
    const before = this.subscriptions.get(data.topic);
    this.subscriptions.set(data.topic, data);
    if (!before || isSameFilter(data, before)) return;
    for (const queue of this.#parts.buffer.queues) if (queue.messageQueue.topic === data.topic) queue.refresh();
  }

  #enter(mode: 'subscribe' | 'assign'): void {
    this.#mustNotConflict(mode);
    this.#mode = mode;
  }

  #mustNotConflict(mode: 'subscribe' | 'assign'): void {
    if (this.#mode !== 'none' && this.#mode !== mode) {
      throw new SubscriptionConflictError(this.#parts.options.group, this.#mode);
    }
  }

  #begin(messageQueue: MessageQueue, offset: number | undefined, signal: AbortSignal): void {
    const { buffer, options, progress, changed, begin } = this.#parts;
    const queue = new LitePullQueue(messageQueue, offset, signal, buffer.changed);
    buffer.add(queue);
    signal.addEventListener(
      'abort',
      () => {
        if (options.autoCommit) progress.leave(queue);
        changed();
      },
      { once: true },
    );
    if (this.#started) begin(queue);
    changed();
  }

  async #giveUp(lost: readonly (readonly [string, AbortController])[]): Promise<void> {
    const { buffer, offsets } = this.#parts;
    const queues = lost.flatMap(([key]) => buffer.get(key)?.messageQueue ?? []);
    for (const [key, dropping] of lost) {
      this.#assigned.delete(key);
      dropping.abort();
    }
    await offsets.persist(queues, true);
    for (const queue of queues) offsets.forget(queue);
  }
}

function isSameFilter(one: SubscriptionData, other: SubscriptionData | undefined): boolean {
  return one.subString === other?.subString && one.expressionType === other.expressionType;
}
