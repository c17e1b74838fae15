// Keeps what was read of the commit log until it is served, so that no byte is read twice: aligned chunks for records
// that have neighbours, and large records by themselves.

/** Bytes of a chunk. */
export const CHUNK = 262_144;
/** Chunks that are kept. */
const MOST_CHUNKS = 48;
/** Bytes of large records that are kept, but for the newest, which always is. */
const MOST_RECORD_BYTES = 16_777_216;
const EMPTY = Buffer.alloc(0);

export class ReadCache {
  buffer: Buffer = EMPTY;
  at = 0;
  /** What `find` found is in a buffer of the record's own, which nobody writes to again. */
  own = false;
  /** By where they begin, the oldest first. */
  readonly #chunks = new Map<number, Buffer>();
  readonly #records = new Map<number, Buffer>();
  #recordBytes = 0;
  #scratch = EMPTY;

  /**
   * @param chunk the bytes from `at` on; fewer than `CHUNK` at the end of the log
   * @returns the memory of a chunk that had to go
   */
  keepChunk(at: number, chunk: Buffer): Buffer | undefined {
    let gone: Buffer | undefined = this.#chunks.get(at);
    this.#chunks.delete(at);
    if (!gone && this.#chunks.size >= MOST_CHUNKS) gone = this.#removeOldest();
    this.#chunks.set(at, chunk);
    return gone;
  }

  #removeOldest(): Buffer | undefined {
    for (const [oldest, buffer] of this.#chunks) {
      this.#chunks.delete(oldest);
      return buffer;
    }
    return undefined;
  }

  keepRecord(position: number, record: Buffer): void {
    this.#forget(position);
    this.#records.set(position, record);
    this.#recordBytes += record.length;
    for (const [oldest] of this.#records) {
      if (this.#recordBytes <= MOST_RECORD_BYTES || oldest === position) return;
      this.#forget(oldest);
    }
  }

  hasChunk(at: number): boolean {
    return this.#chunks.has(at);
  }

  /** Whether `find` would find it. */
  has(position: number, size: number): boolean {
    if (this.#records.get(position)?.length === size) return true;
    const inChunk = position % CHUNK;
    const end = inChunk + size;
    const first = this.#chunks.get(position - inChunk)?.length ?? 0;
    if (size > CHUNK || end <= CHUNK) return first >= end;
    return first === CHUNK && (this.#chunks.get(position - inChunk + CHUNK)?.length ?? 0) >= end - CHUNK;
  }

  /** Whether the bytes are here; then `buffer` has them at `at`, until the next call. */
  find(position: number, size: number): boolean {
    const record = this.#records.get(position);
    this.own = record?.length === size;
    if (record && this.own) return this.#show(record, 0);
    const inChunk = position % CHUNK;
    const first = this.#chunks.get(position - inChunk);
    if (!first || size > CHUNK) return false;
    if (inChunk + size <= CHUNK) return inChunk + size <= first.length && this.#show(first, inChunk);
    const second = this.#chunks.get(position - inChunk + CHUNK);
    if (!second || first.length < CHUNK || second.length < inChunk + size - CHUNK) return false;
    return this.#show(this.#across(first, second, inChunk, size), 0);
  }

  /** Forgets what was read of files that are gone. */
  forgetBelow(position: number): void {
    for (const at of this.#chunks.keys()) if (at < position) this.#chunks.delete(at);
    for (const at of this.#records.keys()) if (at < position) this.#forget(at);
  }

  #show(buffer: Buffer, at: number): true {
    this.buffer = buffer;
    this.at = at;
    return true;
  }

  #across(first: Buffer, second: Buffer, at: number, size: number): Buffer {
    if (this.#scratch.length === 0) this.#scratch = Buffer.allocUnsafeSlow(CHUNK);
    const copied = first.copy(this.#scratch, 0, at);
    second.copy(this.#scratch, copied, 0, size - copied);
    return this.#scratch;
  }

  #forget(position: number): void {
    this.#recordBytes -= this.#records.get(position)?.length ?? 0;
    this.#records.delete(position);
  }
}
