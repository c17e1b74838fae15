// Keeps counts by slots of time: the current slot and a fixed number before it.

/**
 * Needs no timer: it advances when it is given the time. When the wall clock goes back, the current slot continues, so
 * that nothing is counted twice or lost.
 */
export class SlotRing {
  readonly #counts: Float64Array;
  readonly #slots: number;
  /** Number of the current slot since the epoch. */
  #slot: number;
  /** Its place in the ring. */
  #at = 0;
  /** Slots begun since the start, including the current one. */
  #begun = 1;

  /**
   * @param slots how many are kept, the current one included
   * @param slotMs length of a slot, ms
   * @param width numbers that are counted side by side
   * @param now ms since the epoch
   */
  constructor(
    slots: number,
    readonly slotMs: number,
    readonly width: number,
    now: number,
  ) {
    this.#slots = slots;
    this.#counts = new Float64Array(slots * width);
    this.#slot = Math.floor(now / slotMs);
  }

  /** Slots that have ended and are still kept. */
  get ended(): number {
    return Math.min(this.#begun, this.#slots) - 1;
  }

  /** ms since the epoch at which the current slot ends. */
  get end(): number {
    return (this.#slot + 1) * this.slotMs;
  }

  /** ms since the epoch at which the current slot began. */
  get start(): number {
    return this.#slot * this.slotMs;
  }

  /** Begins the slot of `now`, and drops those that are too old. */
  turn(now: number): void {
    const slot = Math.floor(now / this.slotMs);
    const passed = slot - this.#slot;
    this.#slot = slot;
    if (passed <= 0) return;
    this.#begun += passed;
    if (passed >= this.#slots) {
      this.#counts.fill(0);
      return;
    }
    for (let step = 0; step < passed; step++) {
      this.#at = (this.#at + 1) % this.#slots;
      this.#counts.fill(0, this.#at * this.width, (this.#at + 1) * this.width);
    }
  }

  /** Counts in the current slot. @param column which of the numbers, below `width` */
  add(column: number, count: number): void {
    this.#counts[this.#at * this.width + column]! += count;
  }

  /** Sum of all slots that are kept, the current one included. */
  sum(column: number): number {
    let sum = 0;
    for (let at = column; at < this.#counts.length; at += this.width) sum += this.#counts[at]!;
    return sum;
  }

  /** Sum of the last `slots` slots that have ended. */
  sumOfEnded(column: number, slots: number): number {
    let sum = 0;
    for (let back = 1; back <= Math.min(slots, this.ended); back++) {
      const at = (this.#at - back + this.#slots) % this.#slots;
      sum += this.#counts[at * this.width + column]!;
    }
    return sum;
  }
}
