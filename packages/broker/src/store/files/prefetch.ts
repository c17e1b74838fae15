// Owns bringing parts of a row of files into the system's cache before they are read: a read that goes to the disk
// takes 0.1 to 20 ms, and the event loop would stand still for it.
import { CHUNK } from './read-cache.js';
import type { ReadCache } from './read-cache.js';
import type { SegmentFiles } from './segment-files.js';

/** Chunks that are taken for cached after they were read. The system may have dropped one since: that costs time only. */
const MOST_KNOWN = 256;
/** Bytes brought at once, at most: two of the largest records. What asks for more has a damaged length. */
const MOST_AT_ONCE = 32 * CHUNK;
/** Bytes of a record that is read by itself: none is larger. */
const LARGEST_RECORD = 16_777_216;
/** Chunks read ahead for whoever reads on and on. */
const AHEAD = 2;
/** Buffers kept for the next read. */
const MOST_SPARE = 4;
const spare: Buffer[] = [];

export interface KeptBytes {
  cache: ReadCache;
  /** Bytes before there never change. */
  stableTo: () => number;
}

export class Prefetch {
  /** By where it begins, the oldest first; a promise while it is being read. */
  readonly #known = new Map<number, Promise<void> | undefined>();
  /** Large records that are being read, by where they begin. */
  readonly #records = new Map<number, Promise<void>>();

  /**
   * @param hotFrom bytes from there on are not read from the files
   * @param kept where what was read is kept; default: nowhere
   */
  constructor(
    readonly files: SegmentFiles,
    readonly hotFrom: () => number = () => Number.MAX_SAFE_INTEGER,
    readonly kept?: KeptBytes,
  ) {}

  /** The same as `bring` for a record; one that is larger than a chunk is read by itself, and no byte beside it. */
  prefetchRecord(position: number, size: number): Promise<unknown> | undefined {
    const { cache } = this.kept ?? {};
    const end = position + size;
    if (!cache || size <= CHUNK || size > LARGEST_RECORD || end > this.hotFrom() || !this.files.onDisk)
      return this.bring(position, end);
    if (cache.hasRecord(position, size)) return undefined;
    let read = this.#records.get(position);
    if (!read) {
      read = this.#readRecord(cache, position, size).finally(() => this.#records.delete(position));
      this.#records.set(position, read);
    }
    return read;
  }

  /** Whether `prefetchRecord` would have to read. */
  lacks(position: number, size: number): boolean {
    const end = position + size;
    if (position >= this.hotFrom() || !this.files.onDisk) return false;
    if (this.kept && size > CHUNK && size <= LARGEST_RECORD && end <= this.hotFrom())
      return !this.kept.cache.hasRecord(position, size);
    for (let at = position - (position % CHUNK); at < Math.min(end, position + MOST_AT_ONCE); at += CHUNK)
      if (!this.#known.has(at) || this.#known.get(at)) return true;
    return false;
  }

  async #readRecord(cache: ReadCache, position: number, size: number): Promise<void> {
    const record = Buffer.allocUnsafeSlow(size);
    try {
      if ((await this.files.readAside(record, 0, size, position)) === size) cache.keepRecord(position, record);
    } catch {
      // Whoever reads the bytes themselves meets the same error, and says what it means.
    }
  }

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
    let buffer: Buffer | undefined = spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK);
    const end = from + CHUNK;
    const stable = this.kept !== undefined && from >= this.files.first && end <= this.kept.stableTo();
    let bytes = 0;
    try {
      for (let at = Math.max(from, this.files.first); at < end;) {
        const next = Math.min(end, this.files.startOf(at) + this.files.fileSize);
        bytes += await this.files.readAside(buffer, at - from, next - at, at);
        at = next;
      }
      if (stable && bytes === CHUNK) buffer = this.kept?.cache.keepChunk(from, buffer);
    } catch {
      // Whoever reads the bytes themselves meets the same error, and says what it means.
    } finally {
      if (buffer && spare.length < MOST_SPARE) spare.push(buffer);
    }
  }
}
