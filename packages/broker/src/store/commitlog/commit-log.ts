// Owns the commit log: where the next record goes, the one write per commit, and taking back what could not be
// written. Leaves the bytes of a record to record.ts, durability to flush.ts, reading to log-reader.ts.
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
   * rest of the file, and keeps the thread for 20 ms (8 MiB at a time, where the disk is set so).
   */
  read(target: Buffer, offset: number, length: number, position: number): number {
    const chunk = this.tail.chunkOf(position, 1);
    if (!chunk) return this.files.read(target, offset, length, position);
    const from = position - chunk.base;
    return chunk.buffer.copy(target, offset, from, Math.min(chunk.length, from + length));
  }

  /** Everything from here on is in memory. */
  get hotFrom(): number {
    return this.tail.from ?? this.appended;
  }

  /** Whether what was appended goes to a file that is still to be made. */
  get wantsFile(): boolean {
    return !this.files.has(this.files.startOf(this.appended - 1));
  }

  /** Writes what was appended since the last time. @throws what the file throws; then call `takeBack` */
  write(): void {
    this.#clean();
    for (const chunk of this.tail.unwritten()) {
      const start = this.files.startOf(chunk.base);
      this.files.ensure(start);
      const file = this.files.file(start);
      const inFile = chunk.base - start;
      while (chunk.written < chunk.length) {
        this.#took(
          chunk,
          file.write(chunk.buffer, chunk.written, chunk.length - chunk.written, inFile + chunk.written),
        );
      }
    }
    this.written = this.appended;
  }

  /** The same off the caller's thread, who may append meanwhile; no other write begins before it has ended. */
  async writeAside(): Promise<void> {
    this.#clean();
    const end = this.appended;
    const parts = Array.from(this.tail.unwritten(), (chunk) => ({ chunk, until: chunk.length }));
    for (const { chunk, until } of parts) {
      const start = this.files.startOf(chunk.base);
      if (!this.files.has(start)) await this.files.ensureAside(start);
      while (chunk.written < until) {
        const { buffer, base, written } = chunk;
        this.#took(chunk, await this.files.writeAside(buffer, written, until - written, base + written));
      }
    }
    this.written = end;
  }

  /** Forgets what is not written, and overwrites what part of it the files have: else it might come back as records. */
  takeBack(): void {
    for (const chunk of this.tail.above(this.written)) {
      this.#dirtyUntil = Math.max(this.#dirtyUntil, chunk.base + chunk.written);
    }
    this.tail.truncate(this.written);
    this.appended = this.written;
    try {
      this.#clean();
    } catch {
      // Tried again before the next write, which is refused as long as this fails.
    }
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

  #clean(): void {
    let from = this.written;
    while (from < this.#dirtyUntil) {
      const end = Math.min(this.files.startOf(from) + this.files.fileSize, this.#dirtyUntil);
      if (this.files.has(this.files.startOf(from))) this.files.zero(from, end - from);
      from = end;
    }
    this.#dirtyUntil = 0;
  }
}
