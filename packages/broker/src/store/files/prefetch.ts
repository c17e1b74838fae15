// Reads parts of the commit log into the read cache before they are served: a read from the disk takes 0.1 to 20 ms.
import { CHUNK } from './read-cache.js';
import type { ReadCache } from './read-cache.js';
import type { SegmentFiles } from './segment-files.js';

/** Bytes read at once, at most: two of the largest records. What asks for more has a damaged length. */
const MOST_AT_ONCE = 32 * CHUNK;
/** Bytes of a record that is read by itself: none is larger. */
const LARGEST_RECORD = 16_777_216;
/** Chunks read ahead for sequential readers. */
const AHEAD = 2;
/** Buffers kept for the next read. */
const MOST_SPARE = 4;

export class Prefetch {
  /** Chunks and large records that are being read, by where they begin. */
  readonly #chunks = new Map<number, Promise<void>>();
  readonly #records = new Map<number, Promise<void>>();
  readonly #spare: Buffer[] = [];

  /**
   * @param hotFrom bytes from there on are in memory anyway
   * @param stableTo bytes before there never change
   */
  constructor(
    readonly files: SegmentFiles,
    readonly cache: ReadCache,
    readonly hotFrom: () => number,
    readonly stableTo: () => number,
  ) {}

  /**
   * Reads a record, and its neighbours if it is small. Resolves when it can be served from memory, or cannot be read;
   * undefined if it can be served now. Never rejects.
   */
  record(position: number, size: number): Promise<unknown> | undefined {
    if (!this.lacks(position, size)) return undefined;
    if (size <= CHUNK || position + size > this.stableTo()) return this.#range(position, position + size);
    let read = this.#records.get(position);
    if (!read) {
      read = this.#readRecord(position, size).finally(() => this.#records.delete(position));
      this.#records.set(position, read);
    }
    return read;
  }

  /** Whether `record` would have to read. */
  lacks(position: number, size: number): boolean {
    if (position >= this.hotFrom() || position < this.files.first || size > LARGEST_RECORD) return false;
    return !this.cache.has(position, size);
  }

  /**
   * Reads a record by itself into the cache.
   * @returns false where the files do not have so many bytes
   * @throws what the file throws
   */
  async recordAlone(position: number, size: number): Promise<boolean> {
    const record = Buffer.allocUnsafeSlow(size);
    if ((await this.files.read(record, 0, size, position)) < size) return false;
    this.cache.keepRecord(position, record);
    return true;
  }

  async #readRecord(position: number, size: number): Promise<void> {
    // Whoever needs the bytes reads them by themselves then, meets the same error, and says what it means.
    await this.recordAlone(position, size).catch(() => false);
  }

  #range(from: number, to: number): Promise<unknown> | undefined {
    const begin = Math.max(from, this.files.first);
    const end = Math.min(to, this.stableTo(), begin + MOST_AT_ONCE);
    const waiting: Promise<void>[] = [];
    let at = begin - (begin % CHUNK);
    const goesOn = this.cache.hasChunk(at - CHUNK);
    for (; at < end; at += CHUNK) {
      if (!this.cache.has(at, Math.min(CHUNK, end - at))) waiting.push(this.#chunk(at));
    }
    for (let i = 0; goesOn && i < AHEAD && at < this.hotFrom() && at < this.stableTo(); i++, at += CHUNK)
      if (!this.cache.hasChunk(at)) void this.#chunk(at);
    return waiting.length > 0 ? Promise.all(waiting) : undefined;
  }

  #chunk(at: number): Promise<void> {
    let read = this.#chunks.get(at);
    if (!read) {
      read = this.#readChunk(at).finally(() => this.#chunks.delete(at));
      this.#chunks.set(at, read);
    }
    return read;
  }

  async #readChunk(from: number): Promise<void> {
    let buffer: Buffer | undefined = this.#spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK);
    const length = Math.min(CHUNK, this.stableTo() - from);
    try {
      const begin = Math.max(from, this.files.first);
      // The files before are gone.
      buffer.fill(0, 0, begin - from);
      for (let at = begin; at < from + length;) {
        const next = Math.min(from + length, this.files.startOf(at) + this.files.fileSize);
        const count = await this.files.read(buffer, at - from, next - at, at);
        // A file may be missing. No record is made of zeros.
        buffer.fill(0, at - from + count, next - from);
        at = next;
      }
      // The memory of part of a chunk is not used again: its buffer would stay short.
      const whole = length === CHUNK;
      const gone = this.cache.keepChunk(from, whole ? buffer : Buffer.from(buffer.subarray(0, length)));
      if (whole) buffer = gone?.length === CHUNK ? gone : undefined;
    } catch {
      // As above.
    } finally {
      if (buffer && this.#spare.length < MOST_SPARE) this.#spare.push(buffer);
    }
  }
}
