// Orders timers by when they are due: a binary heap from which any timer can be removed.

/** Extended by what is due: the heap keeps its place in it. */
export class HeapTimer {
  /** index in the heap that holds it */
  at = -1;

  /** @param order decides between two that are due at the same time: the lower is the earlier */
  constructor(
    readonly due: number,
    readonly order: number,
  ) {}
}

export class TimerHeap<Timer extends HeapTimer> {
  readonly #timers: Timer[] = [];

  get size(): number {
    return this.#timers.length;
  }

  /** In no order. */
  all(): Iterable<Timer> {
    return this.#timers;
  }

  /** The timer that is due first. Does not remove it. */
  get first(): Timer | undefined {
    return this.#timers[0];
  }

  add(timer: Timer): void {
    this.#rise(timer, this.#timers.length);
  }

  /** Does nothing when this heap does not hold the timer. */
  delete(timer: Timer): void {
    const { at } = timer;
    if (this.#timers[at] !== timer) return;
    timer.at = -1;
    const last = this.#timers.pop()!;
    if (last === timer) return;
    // The last one fills the gap, and may have to move up or down.
    this.#sink(last, at);
    if (last.at === at) this.#rise(last, at);
  }

  /** Puts the timer at `at`, or nearer to the root where others are due after it. */
  #rise(timer: Timer, at: number): void {
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(timer, this.#timers[above]!)) break;
      this.#put(this.#timers[above]!, at);
      at = above;
    }
    this.#put(timer, at);
  }

  /** Puts the timer at `at`, or further from the root where others are due before it. */
  #sink(timer: Timer, at: number): void {
    for (;;) {
      let below = 2 * at + 1;
      const right = this.#timers[below + 1];
      if (right && isBefore(right, this.#timers[below]!)) below++;
      const next = this.#timers[below];
      if (!next || !isBefore(next, timer)) break;
      this.#put(next, at);
      at = below;
    }
    this.#put(timer, at);
  }

  #put(timer: Timer, at: number): void {
    this.#timers[at] = timer;
    timer.at = at;
  }
}

function isBefore(a: HeapTimer, b: HeapTimer): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}
