// Reads the entries of an index file along a chain, which goes from the newest back: each with those before it, for the
// entries of a tag that millions of messages have lie close together.
import { ENTRY } from './pending-entries.js';
import { entryAt } from './slot-table.js';
import type { IndexLayout } from './slot-table.js';
import type { OpenFiles } from '../files/open-files.js';
import { readFully } from '../files/segment.js';

/** Entries read at once. */
const WINDOW = 1_600;

export class ChainReader {
  readonly #bytes = Buffer.alloc(WINDOW * ENTRY);
  /** Number of the first entry in the window; those behind it up to `#last` are in it, too. */
  #first = 0;
  #last = -1;

  constructor(
    private readonly open: OpenFiles,
    private readonly path: string,
    private readonly layout: IndexLayout,
  ) {}

  /** The entry's bytes, if they have been read: good until the next are. */
  entry(number: number): Buffer | undefined {
    if (number < this.#first || number > this.#last) return undefined;
    const at = (number - this.#first) * ENTRY;
    return this.#bytes.subarray(at, at + ENTRY);
  }

  /** @param number from 1 on */
  async read(number: number): Promise<Buffer> {
    const first = Math.max(1, number - WINDOW + 1);
    const length = (number - first + 1) * ENTRY;
    const position = entryAt(this.layout, first);
    const read = await this.open.use(this.path, (file) => readFully(file, this.#bytes, 0, length, position));
    this.#bytes.fill(0, read, length);
    this.#first = first;
    this.#last = number;
    return this.#bytes.subarray(length - ENTRY, length);
  }
}
