// Counts the listener calls under way in each queue, over all its ProcessQueues: a queue that was lost and has come back
// may still have a call of before.

export class QueueCalls {
  readonly #counts = new Map<string, number>();
  readonly #whenIdle = new Map<string, (() => void)[]>();

  begins(key: string): void {
    this.#counts.set(key, this.count(key) + 1);
  }

  ended(key: string): void {
    const left = this.count(key) - 1;
    if (left > 0) {
      this.#counts.set(key, left);
      return;
    }
    this.#counts.delete(key);
    const waiting = this.#whenIdle.get(key) ?? [];
    this.#whenIdle.delete(key);
    for (const resolve of waiting) resolve();
  }

  count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Resolves when no call is under way in the queue. */
  whenIdle(key: string): Promise<void> {
    if (this.count(key) === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.set(key, [...(this.#whenIdle.get(key) ?? []), resolve]));
  }
}
