// Pulls messages: one loop for each queue, as long as the queue is ours.
import { Requests, ResponseCode, ResponseError, sleep } from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue, Reply, SubscriptionData } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { answeredField } from '../../routes/answered-field.js';
import type { ResolvedPushConsumerOptions } from '../options/consumer-options.js';
import type { PauseGate } from '../consume/pause-gate.js';
import type { ConsumerStats } from '../consume/consumer-stats.js';
import type { OffsetStore } from '../offsets/offset-store.js';
import type { ProcessQueue } from '../process-queue/process-queue.js';
import { queueKey } from '../process-queue/process-queue.js';
import { PullFailures } from './pull-failures.js';
import { PullSource } from './pull-source.js';
import { isFull } from './pull-thresholds.js';
import { pulledMessages } from './pulled-messages.js';

const PULL_SYS_FLAG = { COMMIT_OFFSET: 1, SUSPEND: 2 } as const;
/** How much longer than the broker may hold a pull we wait for its answer. ms */
const PULL_GRACE_MS = 15_000;
const BROKER_FLOW_CONTROL_WAIT_MS = 20;

type PullReply = Reply<typeof Requests.PULL_MESSAGE>;

export interface PullLoopParts {
  context: ClientContext;
  options: ResolvedPushConsumerOptions;
  /** Where a pause holds pulls. */
  pauseGate: PauseGate;
  offsets: OffsetStore;
  stats: ConsumerStats;
  subscriptionOf: (topic: string) => SubscriptionData | undefined;
  /** How many queues are ours. */
  owned: () => number;
  /** Whether the queue is ours at this moment. One that is not is neither pulled nor committed. */
  isHeld: (queue: ProcessQueue) => boolean;
  /** Messages have been put into the process queue; they are to be consumed. */
  deliver: (queue: ProcessQueue, messages: MessageExt[]) => void;
  /** They are in the process queue too, but their bodies cannot be read: no listener can do anything with them. */
  reject: (queue: ProcessQueue, messages: MessageExt[], reason: string) => void;
  /** The broker does not have our offset any more: drop the queue, and begin again where it says. */
  offsetMoved: (queue: ProcessQueue, offset: number) => Promise<void>;
  /** Whether our offset still belongs to the broker's store, after the broker could not be reached. @throws unreachable */
  belongsToStore: (queue: MessageQueue) => Promise<boolean>;
  /** It does not: drop the queue, and begin it as one that has no offset. */
  beginAnew: (queue: ProcessQueue) => void;
}

interface Cursor {
  offset: number;
  source: PullSource;
  /** How long the last pull took, ms. */
  took: number;
  /** The broker could not be reached: it may come back with another store. */
  suspect: boolean;
}

export class PullLoop {
  readonly #parts: PullLoopParts;
  readonly #failures: PullFailures;
  /** By topic: ends the wait for the answers to its pulls. */
  readonly #waiting = new Map<string, Set<() => void>>();

  readonly #nextPull: string;

  constructor(parts: PullLoopParts) {
    this.#parts = parts;
    this.#nextPull = `the next pull of group ${parts.options.group}`;
    this.#failures = new PullFailures(parts.context, parts.options.group);
  }

  /** Pulls until the queue is dropped. Never rejects. */
  async run(queue: ProcessQueue, offset: number): Promise<void> {
    const source = new PullSource(this.#parts.context.routes, queue.messageQueue);
    const cursor: Cursor = { offset, source, took: 0, suspect: false };
    while (!queue.dropped) {
      const wait = await this.#step(queue, cursor);
      if (wait > 0) await sleep(this.#parts.context.clock, wait, queue.signal, this.#nextPull);
    }
  }

  /**
   * The subscription to the topic has changed: pulls that are under way asked for the old one, and brokers may hold them
   * for long. Their answers are not taken, and the queues are pulled again from where they were.
   */
  renew(topic: string): void {
    for (const end of this.#waiting.get(topic) ?? []) end();
  }

  /** @returns ms to wait before the next one */
  async #step(queue: ProcessQueue, cursor: Cursor): Promise<number> {
    const { context, options, pauseGate } = this.#parts;
    try {
      await pauseGate.passed(queue.signal);
      // What came for a queue that is about to go would be pulled for nothing.
      while (!queue.dropped && (queue.closing || isFull(queue, options, this.#parts.owned()))) await queue.changed();
      if (queue.dropped) return 0;
      if (!this.#parts.isHeld(queue)) return options.pullTimeDelayMillsWhenException;
      if (cursor.suspect && !(await this.#isKnown(queue, cursor))) return 0;
      queue.lastPullTimestamp = context.clock.now();
      const begun = context.clock.monotonic();
      const reply = await this.#unlessRenewed(queue.messageQueue.topic, this.#pull(queue, cursor));
      if (queue.dropped || !reply) return 0;
      cursor.took = context.clock.monotonic() - begun;
      this.#failures.over(queue.messageQueue);
      return await this.#onReply(queue, cursor, reply);
    } catch (error) {
      if (queue.dropped) return 0;
      this.#failures.failed(queue.messageQueue, error);
      cursor.suspect = true;
      cursor.source.failed();
      return options.pullTimeDelayMillsWhenException;
    }
  }

  async #isKnown(queue: ProcessQueue, cursor: Cursor): Promise<boolean> {
    const known = await this.#parts.belongsToStore(queue.messageQueue);
    cursor.suspect = false;
    if (!known && !queue.dropped) this.#parts.beginAnew(queue);
    return !queue.dropped;
  }

  /** The answer to the pull; undefined where the subscription changes before it comes. */
  #unlessRenewed(topic: string, pull: Promise<PullReply>): Promise<PullReply | undefined> {
    let waiting = this.#waiting.get(topic);
    if (!waiting) this.#waiting.set(topic, (waiting = new Set()));
    return new Promise((resolve, reject) => {
      const end = (): void => settle(() => resolve(undefined));
      const settle = (outcome: () => void): void => {
        waiting.delete(end);
        outcome();
      };
      waiting.add(end);
      pull.then(
        (reply) => settle(() => resolve(reply)),
        (error: unknown) => settle(() => reject(error as Error)),
      );
    });
  }

  async #pull(queue: ProcessQueue, cursor: Cursor): Promise<PullReply> {
    const { context, options, offsets, subscriptionOf } = this.#parts;
    const { topic, brokerName, queueId } = queue.messageQueue;
    const subscription = subscriptionOf(topic);
    const address = cursor.source.next();
    const commitOffset = offsets.current(queue.messageQueue) ?? 0;
    // A replica keeps no offsets.
    const toMaster = address === context.routes.brokerAddress(brokerName);
    const commits = options.messageModel === 'CLUSTERING' && commitOffset > 0 && toMaster;
    return context.brokers.request(
      address,
      Requests.PULL_MESSAGE,
      {
        consumerGroup: options.group,
        topic,
        queueId,
        queueOffset: cursor.offset,
        maxMsgNums: options.pullBatchSize,
        sysFlag: PULL_SYS_FLAG.SUSPEND | (commits ? PULL_SYS_FLAG.COMMIT_OFFSET : 0),
        commitOffset: commits ? commitOffset : 0,
        suspendTimeoutMillis: options.brokerSuspendMaxTimeMillis,
        subVersion: subscription?.subVersion ?? 0,
        expressionType: subscription?.expressionType ?? 'TAG',
        maxMsgBytes: options.pullBatchSizeInBytes,
        bname: brokerName,
      },
      { timeout: options.brokerSuspendMaxTimeMillis + PULL_GRACE_MS },
    );
  }

  async #onReply(queue: ProcessQueue, cursor: Cursor, reply: PullReply): Promise<number> {
    const { context, offsets, offsetMoved } = this.#parts;
    const next = reply.header.nextBeginOffset ?? cursor.offset;
    const wait = cursor.source.answered(reply, cursor.offset);
    switch (reply.code) {
      case ResponseCode.SUCCESS:
        return this.#onFound(
          queue,
          cursor,
          reply,
          answeredField(reply, 'nextBeginOffset', queue.messageQueue.brokerName),
        );
      case ResponseCode.PULL_NOT_FOUND:
      case ResponseCode.PULL_RETRY_IMMEDIATELY:
        cursor.offset = next;
        if (queue.count === 0) offsets.update(queue.messageQueue, next);
        return wait;
      case ResponseCode.PULL_OFFSET_MOVED:
        context.logger.warn(`${queueKey(queue.messageQueue)}: the broker moved offset ${cursor.offset} to ${next}`);
        await offsetMoved(queue, next);
        return 0;
      case ResponseCode.FLOW_CONTROL:
        return BROKER_FLOW_CONTROL_WAIT_MS;
      case ResponseCode.SUBSCRIPTION_NOT_EXIST:
      case ResponseCode.SUBSCRIPTION_NOT_LATEST:
      case ResponseCode.FILTER_DATA_NOT_LATEST:
        // It knows an older subscription than the one this pull was for: tell it again.
        await context.heartbeat.beat();
        return this.#parts.options.pullTimeDelayMillsWhenException;
      case ResponseCode.FILTER_DATA_NOT_EXIST:
        // It has not heard of the expression since it started; or it cannot read it, which is then in the log.
        await context.heartbeat.beat();
        throw new ResponseError(reply.code, reply.remark, queue.messageQueue.brokerName, reply.row.name);
      default:
        throw new ResponseError(reply.code, reply.remark, queue.messageQueue.brokerName, reply.row.name);
    }
  }

  #onFound(queue: ProcessQueue, cursor: Cursor, reply: PullReply, next: number): number {
    const { options, subscriptionOf, deliver, reject, offsets } = this.#parts;
    const { messageQueue } = queue;
    const pulled = pulledMessages(reply, messageQueue, subscriptionOf(messageQueue.topic));
    const { readable, unreadable, sent, reason, restFrom = next } = pulled;
    this.#parts.stats.pulled(messageQueue.topic, sent, cursor.took);
    cursor.offset = restFrom;
    if (readable.length + unreadable.length === 0) {
      if (queue.count === 0) offsets.update(messageQueue, restFrom);
      return 0;
    }
    queue.add(readable);
    queue.add(unreadable);
    deliver(queue, readable);
    if (unreadable.length > 0) reject(queue, unreadable, reason);
    return options.pullInterval;
  }
}
