// Guesses whether a write would have to wait for the disk now, so that it leaves the event loop. On a disk that keeps up a
// blocking write costs half as much CPU.

/** ms that a write to the system's cache takes at most when it waits for nothing. */
const SLOW_WRITE = 5;
/** ms for which a disk counts as slow after it has made a write wait: others keep it busy, or its journal is full. */
const SLOW_FOR = 2_000;

export class WriteStallDetector {
  #syncs = 0;
  #slowUntil = 0;

  /** @param now ms, monotonic */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** While a sync is under way ext4 makes writes wait for its journal, 8 to 20 ms of every 500 at 100,000 messages a second. */
  async sync(work: Promise<void>): Promise<void> {
    this.#syncs++;
    try {
      await work;
    } finally {
      this.#syncs--;
    }
  }

  write<T>(work: () => T): T {
    const begun = this.now();
    try {
      return work();
    } finally {
      const end = this.now();
      if (end - begun > SLOW_WRITE) this.#slowUntil = end + SLOW_FOR;
    }
  }

  get mayWait(): boolean {
    return this.#syncs > 0 || (this.#slowUntil > 0 && this.now() < this.#slowUntil);
  }
}
