// Keeps the messages of one queue that are here and not yet consumed, and the offset below which all are.
import { sharedAbortController } from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { OffsetRing } from './offset-ring.js';
import { QueueCalls } from './queue-calls.js';
import type { CallCount } from './queue-calls.js';

export class ProcessQueue {
  readonly messageQueue: MessageQueue;
  readonly #messages = new OffsetRing();
  /** When its broker was last asked for messages, and when one was last done with; ms since the epoch, 0: never. */
  lastPullTimestamp = 0;
  lastConsumeTimestamp = 0;
  readonly #dropping = sharedAbortController();
  readonly #waiting: (() => void)[] = [];
  #bytes = 0;
  readonly #calls: CallCount;
  #closing = false;
  #dropped = false;
  /** One beyond the last message that was ever here. */
  #end = -1;

  /** @param calls the listener calls under way, where the order of the queue is kept; shared with earlier ProcessQueues of it */
  constructor(messageQueue: MessageQueue, calls = new QueueCalls()) {
    this.messageQueue = messageQueue;
    this.#calls = calls.of(queueKey(messageQueue));
  }

  /** The queue is no longer ours: what is still running here counts for nothing. */
  get dropped(): boolean {
    return this.#dropped;
  }

  /** The queue is ours, but a listener call may no longer begin: it is about to go to another consumer. */
  get closing(): boolean {
    return this.#closing;
  }

  /** No listener call is under way in the queue, nor one of before it was lost and came back. */
  get idle(): boolean {
    return this.#calls.count === 0;
  }

  /** Aborts when the queue is dropped. */
  get signal(): AbortSignal {
    return this.#dropping.signal;
  }

  get count(): number {
    return this.#messages.count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Distance between the first and the last offset held. */
  get span(): number {
    const { first } = this.#messages;
    return first === undefined ? 0 : this.#end - 1 - first;
  }

  /** The first and the last offset held; 0 when nothing is. */
  get heldOffsets(): { min: number; max: number } {
    return { min: this.#messages.first ?? 0, max: this.#messages.last ?? 0 };
  }

  drop(): void {
    this.#dropped = true;
    this.#dropping.abort();
    this.#messages.clear();
    this.#bytes = 0;
    this.#wake();
  }

  /** No more listener calls begin. Resolves when those under way have ended and their results are counted. */
  close(): Promise<void> {
    this.#closing = true;
    return this.#calls.whenIdle();
  }

  callBegins(): void {
    this.#calls.begins();
  }

  callEnded(): void {
    this.#calls.ended();
  }

  add(messages: readonly MessageExt[]): void {
    for (const message of messages) {
      if (!this.#messages.add(message)) continue;
      this.#bytes += message.body.length;
      this.#end = Math.max(this.#end, message.queueOffset + 1);
    }
  }

  has(message: MessageExt): boolean {
    return this.#messages.get(message.queueOffset) === message;
  }

  /**
   * These are done with.
   * @returns the offset to continue from: the smallest one still here, or one beyond the last; -1 when nothing was ever here
   */
  remove(messages: readonly MessageExt[]): number {
    for (const message of messages) {
      if (this.#messages.delete(message.queueOffset)) this.#bytes -= message.body.length;
    }
    this.#wake();
    return this.#messages.first ?? this.#end;
  }

  /** Resolves after the next change: messages were removed, or the queue was dropped. */
  changed(): Promise<void> {
    return this.dropped ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    if (this.#waiting.length > 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** One queue, as a key of maps. */
export function queueKey(queue: MessageQueue): string {
  return `${queue.topic}@${queue.brokerName}@${queue.queueId}`;
}
