// Times the change of a queue from one consumer of a group to another, where no lock does.
import { endsWithin, sleep } from '@nest-rocketmq/remoting/internal';
import type { Clock, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { queueKey } from '../process-queue/process-queue.js';
import type { ProcessQueue } from '../process-queue/process-queue.js';

/**
 * How long listener calls that are under way in a queue have, once it goes to another consumer: their results count, and
 * the offset that is stored after them is where the other begins. ms
 */
export const LEAVE_WITHIN_MS = 400;
/**
 * How long a consumer waits before it begins a queue that another may have had. Java's also begin half a second after a
 * change, but from the offset of before. ms
 */
export const TAKE_OVER_AFTER_MS = 500;

export class Handovers {
  readonly #clock: Clock;
  /** Queues that are ours, and not begun yet. */
  readonly #coming = new Map<string, { readonly topic: string; readonly waiting: AbortController }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(queue: MessageQueue): boolean {
    return this.#coming.has(queueKey(queue));
  }

  /** Resolves when what is under way in the queue has ended, or its time is over. No further call begins there. */
  async whenClosed(queue: ProcessQueue): Promise<void> {
    await endsWithin(this.#clock, queue.close(), LEAVE_WITHIN_MS, queue.signal);
  }

  /** Begins the queue when its time has come. @param begin its signal aborts when the queue is not ours any more */
  async takeOver(queue: MessageQueue, begin: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const key = queueKey(queue);
    const waiting = new AbortController();
    this.#coming.set(key, { topic: queue.topic, waiting });
    await sleep(this.#clock, TAKE_OVER_AFTER_MS, waiting.signal, 'the begin of a queue that another consumer has left');
    if (waiting.signal.aborted) return;
    await begin(waiting.signal);
    if (this.#coming.get(key)?.waiting === waiting) this.#coming.delete(key);
  }

  /** Queues of the topic that are coming, and are not among these, are not ours any more. */
  cancel(topic: string, keys: ReadonlySet<string>): void {
    for (const [key, coming] of this.#coming)
      if (coming.topic === topic && !keys.has(key)) this.#end(key, coming.waiting);
  }

  stop(): void {
    for (const [key, { waiting }] of this.#coming) this.#end(key, waiting);
  }

  #end(key: string, waiting: AbortController): void {
    waiting.abort();
    this.#coming.delete(key);
  }
}
