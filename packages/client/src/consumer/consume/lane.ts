// Keeps messages that are consumed one after the other: those of a queue, or of one sharding key within it.
import type { MessageExt, TimerHandle } from '@nest-rocketmq/remoting/internal';
import type { ProcessQueue } from '../process-queue/process-queue.js';

interface Entry {
  readonly queue: ProcessQueue;
  readonly message: MessageExt;
  /** When it came, monotonic ms; of one that is tried again: long ago. */
  readonly since: number;
}

export interface Batch {
  readonly queue: ProcessQueue;
  readonly messages: MessageExt[];
}

/**
 * It outlives the ProcessQueue: a queue that was lost and has come back waits here for the listener call that was under
 * way when it was lost.
 */
export class Lane {
  readonly key: string;
  /** For the end of a listener call, or of the pause after one that failed. */
  waiting = false;
  /** Ends the wait for a list of messages to fill up. */
  timer: TimerHandle | undefined;
  #entries: Entry[] = [];
  #first = 0;

  constructor(key: string) {
    this.key = key;
  }

  get empty(): boolean {
    return this.#first === this.#entries.length;
  }

  /** Messages here. */
  get count(): number {
    return this.#entries.length - this.#first;
  }

  /** Since when the first one waits, monotonic ms. */
  get waitingSince(): number {
    return this.#entries[this.#first]?.since ?? -Infinity;
  }

  /** @param now monotonic ms */
  add(queue: ProcessQueue, message: MessageExt, now: number): void {
    this.#entries.push({ queue, message, since: now });
  }

  /** These failed, and come again before all others. */
  putBack(queue: ProcessQueue, messages: readonly MessageExt[]): void {
    this.#entries = [
      ...messages.map((message) => ({ queue, message, since: -Infinity })),
      ...this.#entries.slice(this.#first),
    ];
    this.#first = 0;
  }

  /**
   * The next messages, at most `size`, all of one queue. Those of a queue that was dropped are forgotten.
   * @param isHeld whether the queue is ours at this moment
   * @returns undefined when there is none; `blockedBy`: no call may begin before this queue is dropped
   */
  take(size: number, isHeld: (queue: ProcessQueue) => boolean): Batch | { blockedBy: ProcessQueue } | undefined {
    let queue = this.#nextQueue();
    while (queue && (queue.closing || !isHeld(queue))) {
      if (!queue.dropped) return { blockedBy: queue };
      queue = this.#nextQueue();
    }
    if (!queue) return undefined;
    const messages: MessageExt[] = [];
    while (!this.empty && messages.length < size && this.#entries[this.#first]!.queue === queue) {
      messages.push(this.#entries[this.#first++]!.message);
    }
    this.#forgetTaken();
    return { queue, messages };
  }

  #nextQueue(): ProcessQueue | undefined {
    while (this.#entries[this.#first]?.queue.dropped) this.#first++;
    this.#forgetTaken();
    return this.#entries[this.#first]?.queue;
  }

  #forgetTaken(): void {
    if (this.#first * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }
}
