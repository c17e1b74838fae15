// Counts the listener calls under way in each queue, over all its ProcessQueues: a queue that was lost and has come back
// may still have a call of before.

/** Of one queue. There are two counts for each message: no look-up of the queue is spent on them. */
export class CallCount {
  #count = 0;
  #whenIdle: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  begins(): void {
    this.#count++;
  }

  ended(): void {
    if (--this.#count > 0 || this.#whenIdle.length === 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Resolves when no call is under way in the queue. */
  whenIdle(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve));
  }
}

export class QueueCalls {
  readonly #counts = new Map<string, CallCount>();

  of(key: string): CallCount {
    let count = this.#counts.get(key);
    if (!count) this.#counts.set(key, (count = new CallCount()));
    return count;
  }

  /** The queue is not ours any more. One with calls under way is kept: it may come back. */
  forget(key: string): void {
    if (this.#counts.get(key)?.count === 0) this.#counts.delete(key);
  }
}
