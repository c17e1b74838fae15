// Keeps a set of offsets as ranges. Of millions that are decided behind one that is not, a few ranges are kept.

interface Range {
  from: number;
  /** Exclusive. */
  to: number;
}

export class OffsetRanges {
  /** Ascending; they neither touch nor overlap. */
  readonly #ranges: Range[] = [];

  /** How many ranges there are. */
  get count(): number {
    return this.#ranges.length;
  }

  has(offset: number): boolean {
    const range = this.#ranges[this.#firstEndingAt(offset)];
    return range !== undefined && range.from <= offset && offset < range.to;
  }

  /** The first offset, from `offset` on, that is not among them. */
  nextGap(offset: number): number {
    const range = this.#ranges[this.#firstEndingAt(offset)];
    return range && range.from <= offset ? range.to : offset;
  }

  add(offset: number): void {
    const at = this.#firstEndingAt(offset);
    const range = this.#ranges[at];
    if (range && range.from <= offset) {
      if (offset < range.to) return;
      range.to++;
      const next = this.#ranges[at + 1];
      if (next?.from !== range.to) return;
      range.to = next.to;
      this.#ranges.splice(at + 1, 1);
    } else if (range?.from === offset + 1) range.from = offset;
    else this.#ranges.splice(at, 0, { from: offset, to: offset + 1 });
  }

  /** Forgets the offsets from `offset` on up to the first that is not among them, and those before. @returns that one */
  pass(offset: number): number {
    let next = offset;
    let passed = 0;
    for (const { from, to } of this.#ranges) {
      if (from > next) break;
      next = Math.max(next, to);
      passed++;
    }
    if (passed > 0) this.#ranges.splice(0, passed);
    return next;
  }

  /** Index of the first range that ends at `offset` or behind it. */
  #firstEndingAt(offset: number): number {
    let [low, high] = [0, this.#ranges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]!.to < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
