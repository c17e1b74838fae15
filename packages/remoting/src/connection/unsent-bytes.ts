// Counts the bytes of answers that wait for peers to read them, over all connections of a server, and calls those who
// wait for room.

export class UnsentBytes {
  total = 0;
  /** Called when somebody starts to wait. */
  onWanted: () => void = () => {};
  readonly #waiting: (() => void)[] = [];

  /** @param limit bytes; above it, whoever has much to send waits */
  constructor(readonly limit: number) {}

  get full(): boolean {
    return this.total >= this.limit;
  }

  /** Whether somebody waits for room. */
  get wanted(): boolean {
    return this.#waiting.length > 0;
  }

  /** Calls back once, as soon as there is room. */
  onRoom(listener: () => void): void {
    this.#waiting.push(listener);
    if (this.#waiting.length === 1) this.onWanted();
  }

  add(bytes: number): void {
    this.total += bytes;
  }

  sent(bytes: number): void {
    this.total -= bytes;
    if (this.#waiting.length > 0 && !this.full) for (const listener of this.#waiting.splice(0)) setImmediate(listener);
  }
}
