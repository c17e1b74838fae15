// Keeps the newest bytes of the commit log in memory: where records are encoded, what is not written yet, and what is
// served without the disk.

/** A piece of the log that lies within one file. */
export interface Chunk {
  /** Where it begins in the log. */
  readonly base: number;
  readonly buffer: Buffer;
  /** Bytes appended. */
  length: number;
  /** Bytes that the file has. */
  written: number;
}

/** The tail is kept in so many chunks; the oldest one is given up as a whole. */
const CHUNKS = 8;
const SMALLEST_CHUNK = 65_536;

export class LogTail {
  readonly #chunks: Chunk[] = [];
  readonly #chunkSize: number;
  readonly #limit: number;
  #bytes = 0;
  #last: Chunk | undefined;
  /** Of the chunk that was given up last. */
  #spare: Buffer | undefined;

  /** @param limit bytes to keep; what is not written yet is kept beyond it */
  constructor(limit: number) {
    this.#limit = limit;
    this.#chunkSize = Math.max(SMALLEST_CHUNK, Math.floor(limit / CHUNKS));
  }

  /** The chunk to append `size` bytes to at `position`; they fit. */
  room(position: number, size: number, fresh: boolean): Chunk {
    const last = this.#last;
    if (last && !fresh && last.base + last.length === position && last.length + size <= last.buffer.length) return last;
    return this.#grow(position, size);
  }

  /** The chunk that has all of the bytes. They are good until something is appended: its buffer is used again. */
  chunkOf(position: number, size: number): Chunk | undefined {
    for (let i = this.#chunks.length - 1; i >= 0; i--) {
      const chunk = this.#chunks[i]!;
      if (position >= chunk.base) return position - chunk.base + size <= chunk.length ? chunk : undefined;
    }
    return undefined;
  }

  /** Where the oldest bytes are that are kept; undefined with none. */
  get from(): number | undefined {
    return this.#chunks[0]?.base;
  }

  /** Chunks with bytes that are not in their file yet, in order. */
  *unwritten(): Iterable<Chunk> {
    for (const chunk of this.#chunks) if (chunk.written < chunk.length) yield chunk;
  }

  /** Chunks whose bytes reach above `position`, in order. */
  *above(position: number): Iterable<Chunk> {
    for (const chunk of this.#chunks) if (chunk.base + chunk.length > position) yield chunk;
  }

  /** Forgets everything above `position`. */
  truncate(position: number): void {
    while (this.#last && this.#last.base >= position) {
      this.#bytes -= this.#last.buffer.length;
      this.#chunks.pop();
      this.#last = this.#chunks[this.#chunks.length - 1];
    }
    const last = this.#last;
    if (last && last.base + last.length > position) {
      last.length = position - last.base;
      last.written = Math.min(last.written, last.length);
    }
  }

  #grow(position: number, size: number): Chunk {
    const length = Math.max(this.#chunkSize, size);
    this.#giveUp(length);
    // The collector finds buffers of this size late: 80 MB of them were waiting for it at 100,000 messages a second.
    const buffer = this.#spare?.length === length ? this.#spare : Buffer.allocUnsafeSlow(length);
    this.#spare = undefined;
    const chunk: Chunk = { base: position, buffer, length: 0, written: 0 };
    this.#chunks.push(chunk);
    this.#last = chunk;
    this.#bytes += length;
    return chunk;
  }

  /** Makes room for so many bytes, if the oldest chunks are written. */
  #giveUp(length: number): void {
    for (let [oldest] = this.#chunks; this.#bytes + length > this.#limit; [oldest] = this.#chunks) {
      if (!oldest || oldest.written < oldest.length) return;
      this.#bytes -= oldest.buffer.length;
      this.#spare = oldest.buffer;
      this.#chunks.shift();
    }
  }
}
