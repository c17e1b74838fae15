// Owns the newest bytes of the commit log in memory: where records are encoded, what is not written yet, and what is
// served without touching the disk. Knows no record and no file.

/** A piece of the log that lies within one file. Its bytes below `written` never change. */
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

  /** The bytes, if all of them are here. The buffer is a view. */
  read(position: number, size: number): Buffer | undefined {
    for (let i = this.#chunks.length - 1; i >= 0; i--) {
      const chunk = this.#chunks[i];
      if (position < chunk.base) continue;
      const at = position - chunk.base;
      return at + size <= chunk.length ? chunk.buffer.subarray(at, at + size) : undefined;
    }
    return undefined;
  }

  /** How many bytes from `position` on lie in the chunk that has it. */
  span(position: number): number {
    for (let i = this.#chunks.length - 1; i >= 0; i--) {
      const chunk = this.#chunks[i];
      if (position >= chunk.base) return Math.max(0, chunk.base + chunk.length - position);
    }
    return 0;
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
    // Never used again for other bytes, for readers may still hold views of them; the collector frees it.
    const buffer = Buffer.allocUnsafeSlow(Math.max(this.#chunkSize, size));
    const chunk: Chunk = { base: position, buffer, length: 0, written: 0 };
    this.#chunks.push(chunk);
    this.#last = chunk;
    this.#bytes += buffer.length;
    while (this.#bytes > this.#limit && this.#chunks.length > 1 && this.#chunks[0].written === this.#chunks[0].length) {
      this.#bytes -= this.#chunks[0].buffer.length;
      this.#chunks.shift();
    }
    return chunk;
  }
}
