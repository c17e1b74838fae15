// Keeps what was read of the commit log off the thread until it is served, so that no byte is read twice: aligned chunks
// for records that have neighbours, and large records by themselves.

/** Bytes of a chunk. */
export const CHUNK = 262_144;
/** Chunks that are kept. */
const MOST_CHUNKS = 32;
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

  /** @returns the memory of a chunk that had to go */
  keepChunk(at: number, chunk: Buffer): Buffer | undefined {
    let gone: Buffer | undefined = this.#chunks.get(at);
    this.#chunks.delete(at);
    if (!gone && this.#chunks.size >= MOST_CHUNKS) {
      const [[oldest, buffer]] = this.#chunks;
      this.#chunks.delete(oldest);
      gone = buffer;
    }
    this.#chunks.set(at, chunk);
    return gone;
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

  hasRecord(position: number, size: number): boolean {
    return this.#records.get(position)?.length === size;
  }

  /** Whether the bytes are here; then `buffer` has them at `at`, until the next call. */
  find(position: number, size: number): boolean {
    const record = this.#records.get(position);
    this.own = record?.length === size;
    if (record && this.own) return this.#show(record, 0);
    const inChunk = position % CHUNK;
    const first = this.#chunks.get(position - inChunk);
    if (!first || size > CHUNK) return false;
    if (inChunk + size <= CHUNK) return this.#show(first, inChunk);
    const second = this.#chunks.get(position - inChunk + CHUNK);
    return second !== undefined && this.#show(this.#across(first, second, inChunk, size), 0);
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
