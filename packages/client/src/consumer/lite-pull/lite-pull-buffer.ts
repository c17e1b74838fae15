// Holds the queues of a consumer that pulls, hands out their messages in turn, and says when some are there.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { LitePullQueue } from './lite-pull-queue.js';

export class LitePullBuffer {
  readonly #queues = new Map<string, LitePullQueue>();
  /** Those with messages that may be handed out, the next one first. */
  readonly #ready = new Set<LitePullQueue>();
  /** How many messages of each queue are counted in `count`. */
  readonly #counts = new Map<LitePullQueue, number>();
  readonly #pullThresholdForAll: number;
  #count = 0;
  #wake: (() => void) | undefined;

  /** @param pullThresholdForAll messages held, from which on pulls wait */
  constructor(pullThresholdForAll: number) {
    this.#pullThresholdForAll = pullThresholdForAll;
  }

  get queues(): LitePullQueue[] {
    return [...this.#queues.values()];
  }

  /** Messages of all queues that are not paused. */
  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count > this.#pullThresholdForAll;
  }

  get(key: string): LitePullQueue | undefined {
    return this.#queues.get(key);
  }

  add(queue: LitePullQueue): void {
    this.#queues.set(queue.key, queue);
  }

  /** Messages of the queue came or went, or the queue did. */
  readonly changed = (queue: LitePullQueue): void => {
    const wasFull = this.full;
    // What a paused queue holds is not handed out: the others must not wait for that.
    const count = queue.paused ? 0 : queue.count;
    this.#count += count - (this.#counts.get(queue) ?? 0);
    this.#counts.set(queue, count);
    if (queue.dropped) {
      this.#counts.delete(queue);
      if (this.#queues.get(queue.key) === queue) this.#queues.delete(queue.key);
    }
    if (queue.count > 0 && !queue.paused) this.#ready.add(queue);
    else this.#ready.delete(queue);
    if (this.#ready.size > 0) this.wake();
    if (wasFull && !this.full) for (const waiting of this.#queues.values()) waiting.wake();
  };

  /** So many messages at most, from one queue after the other, those of each in order. */
  take(max: number): MessageExt[] {
    const taken: MessageExt[] = [];
    while (taken.length < max) {
      const queue: LitePullQueue | undefined = this.#ready.values().next().value;
      const message = queue?.take();
      if (!queue || !message) break;
      taken.push(message);
      // Behind the others.
      if (this.#ready.delete(queue)) this.#ready.add(queue);
    }
    return taken;
  }

  /** What was handed out is consumed. */
  settle(): void {
    for (const queue of this.#queues.values()) queue.settle();
  }

  /** Resolves when there are messages to hand out, or `wake` is called. One may wait at a time. */
  whenReady(): Promise<void> {
    return this.#ready.size > 0 ? Promise.resolve() : new Promise((resolve) => (this.#wake = resolve));
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
