// Keeps the entries that were read last from the files of the consume queues that are being read.

export interface EntryBlock {
  /** Of the first entry. */
  readonly index: number;
  readonly count: number;
  readonly bytes: Buffer;
}

/** Blocks of 16 kB; there may be 40,000 queues, but few are read from their files at a time. */
const MOST_BLOCKS = 64;

export class EntryBlocks {
  /** By queue, the oldest first. */
  readonly #blocks = new Map<object, EntryBlock>();

  get(queue: object): EntryBlock | undefined {
    return this.#blocks.get(queue);
  }

  set(queue: object, block: EntryBlock): void {
    this.#blocks.delete(queue);
    this.#blocks.set(queue, block);
    if (this.#blocks.size <= MOST_BLOCKS) return;
    for (const oldest of this.#blocks.keys()) {
      this.#blocks.delete(oldest);
      return;
    }
  }

  delete(queue: object): void {
    this.#blocks.delete(queue);
  }
}
