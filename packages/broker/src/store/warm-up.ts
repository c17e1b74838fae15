// Owns bringing parts of a row of files into the system's cache before they are read: a read that goes to the disk
// takes 0.1 to 20 ms, and the event loop would stand still for it.
import type { SegmentFiles } from './segment-files.js';

const CHUNK = 262_144;
/** Chunks that are taken for cached after they were read. The system may have dropped one since: that costs time only. */
const MOST_KNOWN = 256;
/** Bytes brought at once, at most: two of the largest records. What asks for more has a damaged length. */
const MOST_AT_ONCE = 32 * CHUNK;
/** Chunks read ahead for whoever reads on and on. */
const AHEAD = 2;
/** Buffers kept for the next read; what is read into them is of no use. */
const MOST_SPARE = 4;
const spare: Buffer[] = [];

export class WarmUp {
  /** By where it begins, the oldest first; a promise while it is being read. */
  readonly #known = new Map<number, Promise<void> | undefined>();

  /** @param hotFrom bytes from there on are not read from the files */
  constructor(
    readonly files: SegmentFiles,
    readonly hotFrom: () => number = () => Number.MAX_SAFE_INTEGER,
  ) {}

  /** Resolves when the bytes can be read without the disk; undefined where they can be now. Never rejects. */
  bring(from: number, to: number): Promise<unknown> | undefined {
    const begin = Math.max(from, this.files.first);
    const end = Math.min(to, this.hotFrom(), begin + MOST_AT_ONCE);
    if (begin >= end || !this.files.onDisk) return undefined;
    const waiting: Promise<void>[] = [];
    let at = begin - (begin % CHUNK);
    const goesOn = this.#known.has(at - CHUNK);
    for (; at < end; at += CHUNK) {
      const read = this.#chunk(at);
      if (read) waiting.push(read);
    }
    for (let i = 0; goesOn && i < AHEAD && at < this.hotFrom() && at < this.files.end; i++, at += CHUNK)
      void this.#chunk(at);
    return waiting.length > 0 ? Promise.all(waiting) : undefined;
  }

  #chunk(at: number): Promise<void> | undefined {
    if (this.#known.has(at)) return this.#known.get(at);
    if (this.#known.size >= MOST_KNOWN) this.#forgetOldest();
    const read = this.#read(at).then(() => {
      if (this.#known.has(at)) this.#known.set(at, undefined);
    });
    this.#known.set(at, read);
    return read;
  }

  #forgetOldest(): void {
    for (const [oldest] of this.#known) {
      this.#known.delete(oldest);
      return;
    }
  }

  async #read(from: number): Promise<void> {
    const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK);
    const end = from + CHUNK;
    try {
      for (let at = Math.max(from, this.files.first); at < end;) {
        const next = Math.min(end, this.files.startOf(at) + this.files.fileSize);
        await this.files.readAside(buffer, 0, next - at, at);
        at = next;
      }
    } catch {
      // Whoever reads the bytes themselves meets the same error, and says what it means.
    } finally {
      if (spare.length < MOST_SPARE) spare.push(buffer);
    }
  }
}
