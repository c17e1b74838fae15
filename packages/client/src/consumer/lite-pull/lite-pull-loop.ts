// Pulls the queues of a consumer that polls (LITE_PULL_MESSAGE; PULL_MESSAGE from brokers before 5.0): one loop for each, for
// as long as the queue is its own, and ahead of the application by no more than the thresholds allow.
import { Requests, ResponseCode, ResponseError, sleep } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue, Reply, SubscriptionData } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { answeredField } from '../../routes/answered-field.js';
import type { LitePullBuffer } from './lite-pull-buffer.js';
import type { ResolvedLitePullOptions } from './lite-pull-options.js';
import type { LitePullQueue } from './lite-pull-queue.js';
import { PullFailures } from '../pull/pull-failures.js';
import { PullSource } from '../pull/pull-source.js';
import { pulledMessages } from '../pull/pulled-messages.js';

/** Wait for messages; the filter stands in the request; a lite pull. Offsets are committed by requests of their own. */
const PULL_SYS_FLAG = 0x2 | 0x4 | 0x10;
const BROKER_FLOW_CONTROL_WAIT_MS = 20;
const MIB = 1024 * 1024;

/** Both pulls have the same answer. */
type PullReply = Reply<typeof Requests.LITE_PULL_MESSAGE>;

export interface LitePullLoopParts {
  context: ClientContext;
  options: ResolvedLitePullOptions;
  buffer: LitePullBuffer;
  subscriptionOf: (topic: string) => SubscriptionData | undefined;
  /** Of queues that were assigned without an offset. */
  startOffset: (queue: MessageQueue) => Promise<number>;
}

export class LitePullLoop {
  readonly #parts: LitePullLoopParts;
  readonly #failures: PullFailures;

  constructor(parts: LitePullLoopParts) {
    this.#parts = parts;
    this.#failures = new PullFailures(parts.context, parts.options.group);
  }

  /** Pulls until the queue is dropped. Never rejects. */
  async run(queue: LitePullQueue): Promise<void> {
    const source = new PullSource(this.#parts.context.routes, queue.messageQueue);
    while (!queue.dropped) {
      const wait = await this.#step(queue, source);
      if (wait > 0) await sleep(this.#parts.context.clock, wait, queue.signal);
    }
  }

  /** @returns ms to wait before the next one */
  async #step(queue: LitePullQueue, source: PullSource): Promise<number> {
    const { options, startOffset } = this.#parts;
    try {
      while (!queue.dropped && !this.#mayPull(queue)) await queue.changed();
      if (queue.dropped) return 0;
      const { pulling } = queue;
      const offset = queue.pulledTo ?? (await startOffset(queue.messageQueue));
      if (pulling.aborted) return 0;
      queue.begin(offset);
      const reply = await unlessAborted(this.#pull(queue, offset, source.next()), pulling);
      // A seek may have come while the answer was on its way here.
      if (!reply || pulling.aborted) return 0;
      this.#failures.over(queue.messageQueue);
      return await this.#onReply(queue, offset, reply, source.answered(reply, offset));
    } catch (error) {
      if (queue.dropped) return 0;
      this.#failures.failed(queue.messageQueue, error);
      source.failed();
      return options.pullTimeDelayMillsWhenException;
    }
  }

  #mayPull(queue: LitePullQueue): boolean {
    const { options, buffer } = this.#parts;
    return (
      !queue.paused &&
      !buffer.full &&
      queue.count <= options.pullThresholdForQueue &&
      queue.bytes <= options.pullThresholdSizeForQueue * MIB &&
      queue.span <= options.consumeMaxSpan
    );
  }

  #pull(queue: LitePullQueue, queueOffset: number, address: string): Promise<PullReply> {
    const { context, options, subscriptionOf } = this.#parts;
    const { topic, brokerName, queueId } = queue.messageQueue;
    const subscription = subscriptionOf(topic);
    const expressionType = subscription?.expressionType ?? 'TAG';
    queue.lastPullTimestamp = context.clock.now();
    return context.brokers.request(
      address,
      // Java's client 4.9 sends the same header with this code.
      queue.knowsNoLitePull ? Requests.PULL_MESSAGE : Requests.LITE_PULL_MESSAGE,
      {
        consumerGroup: options.group,
        topic,
        queueId,
        queueOffset,
        maxMsgNums: options.pullBatchSize,
        sysFlag: PULL_SYS_FLAG,
        commitOffset: 0,
        suspendTimeoutMillis: options.brokerSuspendMaxTimeMillis,
        subscription: subscription?.subString ?? '*',
        subVersion: expressionType === 'TAG' ? 0 : (subscription?.subVersion ?? 0),
        expressionType,
        bname: brokerName,
      },
      { timeout: options.consumerTimeoutMillisWhenSuspend },
    );
  }

  /** @param wait ms before the next pull where this one found nothing. @returns ms to wait before the next one */
  async #onReply(queue: LitePullQueue, offset: number, reply: PullReply, wait: number): Promise<number> {
    const { context, options } = this.#parts;
    const next = reply.header.nextBeginOffset ?? offset;
    switch (reply.code) {
      case ResponseCode.SUCCESS:
        this.#onFound(queue, reply, answeredField(reply, 'nextBeginOffset', queue.messageQueue.brokerName));
        return 0;
      case ResponseCode.PULL_NOT_FOUND:
      case ResponseCode.PULL_RETRY_IMMEDIATELY:
        queue.add([], next);
        return wait;
      case ResponseCode.PULL_OFFSET_MOVED:
        context.logger.warn(`${queue.key}: the broker moved offset ${offset} to ${next}`);
        // Back: the group was reset. Forth: what is here was still in the queue when it was pulled.
        if (next < offset) queue.seek(next);
        else queue.add([], next);
        return 0;
      case ResponseCode.REQUEST_CODE_NOT_SUPPORTED:
        if (queue.knowsNoLitePull) throw refusalOf(reply, queue);
        queue.knowsNoLitePull = true;
        return 0;
      case ResponseCode.FLOW_CONTROL:
        return BROKER_FLOW_CONTROL_WAIT_MS;
      case ResponseCode.SUBSCRIPTION_NOT_EXIST:
      case ResponseCode.SUBSCRIPTION_NOT_LATEST:
        await context.heartbeat.beat();
        return options.pullTimeDelayMillsWhenException;
      default:
        throw refusalOf(reply, queue);
    }
  }

  #onFound(queue: LitePullQueue, reply: PullReply, next: number): void {
    const { context, subscriptionOf } = this.#parts;
    const { messageQueue } = queue;
    const pulled = pulledMessages(reply, messageQueue, subscriptionOf(messageQueue.topic));
    const { readable, unreadable, reason, restFrom = next } = pulled;
    if (unreadable.length > 0) {
      const ids = unreadable.map((message) => message.offsetMsgId).join(', ');
      context.logger.warn(`${queue.key}: messages are passed over, as their bodies cannot be read: ${ids}: ${reason}`);
    }
    queue.add(readable, restFrom);
  }
}

const refusalOf = ({ code, remark, row }: PullReply, { messageQueue }: LitePullQueue): ResponseError =>
  new ResponseError(code, remark, messageQueue.brokerName, row.name);

/** Undefined when the signal aborts before: whatever comes of the work then is of no use. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(undefined);
    signal.addEventListener('abort', onAbort, { once: true });
    work.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject);
  });
}
