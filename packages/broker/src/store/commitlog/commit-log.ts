// Appends records to the commit log in memory, writes them to its files with one write per commit, and takes back what
// could not be written.
import { StoreError } from '../errors.js';
import { LogTail } from './log-tail.js';
import type { Chunk } from './log-tail.js';
import { BLANK_SIZE, writeBlank, writeRecord } from './record.js';
import type { Placement } from './record.js';
import type { SegmentFiles } from '../files/segment-files.js';
import type { HostAddress, MessageInner } from '../message.js';

export class CommitLog {
  readonly tail: LogTail;
  /** Where the next record goes. */
  appended: number;
  /** Everything below is in the files. */
  written: number;
  /** Everything below is stored as promised, and may be seen. */
  committed: number;
  /** Above `written` the files may hold bytes of appends that were taken back, up to here. */
  #dirtyUntil = 0;

  /** @param end where the log ends */
  constructor(
    readonly files: SegmentFiles,
    end: number,
    tailCacheBytes: number,
  ) {
    this.appended = end;
    this.written = end;
    this.committed = end;
    this.tail = new LogTail(tailCacheBytes);
  }

  /** Encodes the message at the end of the log, rolling to the next file where it does not fit. Fills in the place. */
  append(message: MessageInner, topic: Buffer, storeHost: HostAddress, place: Placement): void {
    const { fileSize } = this.files;
    const left = fileSize - (this.appended % fileSize);
    if (left < fileSize && place.size + BLANK_SIZE > left) this.#roll(left);
    const chunk = this.tail.room(this.appended, place.size, this.appended % fileSize === 0);
    place.physicalOffset = this.appended;
    writeRecord(chunk.buffer, chunk.length, message, topic, storeHost, place);
    chunk.length += place.size;
    this.appended += place.size;
  }

  /**
   * Reads from memory what is still there, else from the file; fewer bytes than asked for at the end of either. Of bytes
   * that were written lately the file is no good source: the system reads ahead behind them, over the hole that is the
   * rest of the file, for 20 ms (8 MiB at a time, where the disk is set so).
   */
  read(target: Buffer, offset: number, length: number, position: number): number | Promise<number> {
    const chunk = this.tail.chunkOf(position, 1);
    if (!chunk) return this.files.read(target, offset, length, position);
    const from = position - chunk.base;
    return chunk.buffer.copy(target, offset, from, Math.min(chunk.length, from + length));
  }

  /** Everything from here on is in memory. */
  get hotFrom(): number {
    return this.tail.from ?? this.appended;
  }

  /**
   * Writes what was appended since the last time, blocking; to a file that is open. False where there is more to do than
   * that: to make or open a file, or to overwrite what was taken back.
   * @throws what the file throws; then call `overwriteUnwritten` and `takeBack`
   */
  writeSync(): boolean {
    if (this.#dirtyUntil > this.written) return false;
    for (const chunk of this.tail.unwritten()) {
      const start = this.files.startOf(chunk.base);
      const file = this.files.openFile(start);
      if (!file) return false;
      const inFile = chunk.base - start;
      while (chunk.written < chunk.length) {
        const { buffer, written, length } = chunk;
        this.#took(chunk, file.writeSync(buffer, written, length - written, inFile + written));
      }
    }
    this.written = this.appended;
    return true;
  }

  /** The same without blocking, whatever there is to do. More may be appended meanwhile; no other write may begin. */
  async write(): Promise<void> {
    if (this.#dirtyUntil > this.written) await this.#overwrite();
    const end = this.appended;
    const parts = Array.from(this.tail.unwritten(), (chunk) => ({ chunk, until: chunk.length }));
    for (const { chunk, until } of parts) {
      const start = this.files.startOf(chunk.base);
      if (!this.files.has(start)) await this.files.ensure(start);
      while (chunk.written < until) {
        const { buffer, base, written } = chunk;
        this.#took(chunk, await this.files.write(buffer, written, until - written, base + written));
      }
    }
    this.written = end;
  }

  /** Forgets what is not written. `overwriteUnwritten` comes first. */
  takeBack(): void {
    this.tail.truncate(this.written);
    this.appended = this.written;
  }

  /**
   * Overwrites what part the files have of a write that failed: else it might come back as records.
   * @throws what the file throws; then it is tried again before the next write
   */
  async overwriteUnwritten(): Promise<void> {
    for (const chunk of this.tail.above(this.written)) {
      this.#dirtyUntil = Math.max(this.#dirtyUntil, chunk.base + chunk.written);
    }
    await this.#overwrite();
  }

  async #overwrite(): Promise<void> {
    let from = this.written;
    while (from < this.#dirtyUntil) {
      const end = Math.min(this.files.startOf(from) + this.files.fileSize, this.#dirtyUntil);
      if (this.files.has(this.files.startOf(from))) await this.files.zero(from, end - from);
      from = end;
    }
    this.#dirtyUntil = 0;
  }

  #took(chunk: Chunk, count: number): void {
    if (count <= 0)
      throw new StoreError('STORE_WRITE_FAILED', `a write to ${this.files.directory} took no byte. Check the disk.`);
    chunk.written += count;
  }

  #roll(left: number): void {
    const chunk = this.tail.room(this.appended, BLANK_SIZE, false);
    writeBlank(chunk.buffer, chunk.length, left);
    chunk.length += BLANK_SIZE;
    this.appended += left;
  }
}
