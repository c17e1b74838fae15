// Owns walking the files of a log from record to record when a store is opened, and finding the next good record
// behind a damaged one. Leaves what is done with them to recovery.ts.
import { AT_PHYSICAL_OFFSET, BLANK_SIZE, MAGIC_BLANK, RecordView, SHORTEST_RECORD, readLong } from './record.js';
import type { SegmentFiles } from './segment-files.js';

const WINDOW = 4 * 1024 * 1024;
const CLEAR_STEP = 262_144;
const FIRST_MAGIC_BYTES = Buffer.from([0xda, 0xa3, 0x20]);
const MAGIC_AT = 4;
/** File systems hand out room in units of this many bytes. */
const ALLOCATION_UNIT = 4_096;

export interface CorruptRange {
  from: number;
  to: number;
}

export interface ScanVisitor {
  /** A good record, in `record`; its bytes are at `at` of `buffer`, until the visitor returns. */
  record(record: RecordView, buffer: Buffer, at: number): void;
  /** Bytes with good records before and behind them. */
  corrupt(range: CorruptRange): void;
}

export class LogScan {
  readonly record = new RecordView();
  #window = Buffer.alloc(0);
  #from = 0;
  #to = 0;

  constructor(
    readonly files: SegmentFiles,
    readonly checkCrc: boolean,
    readonly largestRecord: number,
    readonly pause: () => Promise<void> | undefined,
  ) {}

  /** Walks from `position`, where a record begins. Returns where the log ends. */
  async walk(position: number, visitor: ScanVisitor): Promise<number> {
    let at = position;
    for (;;) {
      const next = this.#step(at, visitor);
      if (next !== undefined) {
        at = next;
        const waiting = this.pause();
        if (waiting) await waiting;
        continue;
      }
      const found = await this.#resync(at);
      if (found === undefined) return at;
      visitor.corrupt({ from: at, to: found });
      at = found;
    }
  }

  /** Whether a good record begins at `position`. */
  recordAt(position: number): boolean {
    if (!this.#load(position, SHORTEST_RECORD)) return false;
    const size = this.#window.readInt32BE(position - this.#from);
    // Before the window moves to the end of what may be no record at all.
    if (readLong(this.#window, position - this.#from + AT_PHYSICAL_OFFSET) !== position) return false;
    if (size < SHORTEST_RECORD || size > this.largestRecord || !this.#load(position, size)) return false;
    return this.record.parse(this.#window, position - this.#from, this.#to - this.#from, position, this.checkCrc);
  }

  /** The position behind the record or blank at `at`; undefined where there is neither. */
  #step(at: number, visitor: ScanVisitor): number | undefined {
    const fileEnd = this.files.startOf(at) + this.files.fileSize;
    if (!this.#load(at, SHORTEST_RECORD) && !this.#load(at, BLANK_SIZE)) return undefined;
    const inWindow = at - this.#from;
    const size = this.#window.readInt32BE(inWindow);
    if (this.#window.readInt32BE(inWindow + MAGIC_AT) === MAGIC_BLANK) return size === fileEnd - at ? fileEnd : undefined;
    if (size < SHORTEST_RECORD || size > this.largestRecord || !this.#load(at, size)) return undefined;
    const { record } = this;
    if (!record.parse(this.#window, at - this.#from, this.#to - this.#from, at, this.checkCrc)) return undefined;
    visitor.record(record, this.#window, at - this.#from);
    return at + size;
  }

  /** The next good record, or a good beginning of a later file, behind the bad bytes at `bad`. */
  async #resync(bad: number): Promise<number | undefined> {
    const { files } = this;
    const start = files.startOf(bad);
    if (files.has(start)) {
      const claimed = this.#claimedEnd(bad);
      if (claimed !== undefined && this.recordAt(claimed)) return claimed;
      const found = await this.#search(bad + 1, start + files.fileSize);
      if (found !== undefined) return found;
    }
    for (const next of files.starts) if (next > bad && this.recordAt(next)) return next;
    return undefined;
  }

  #claimedEnd(bad: number): number | undefined {
    if (!this.#load(bad, MAGIC_AT)) return undefined;
    const size = this.#window.readInt32BE(bad - this.#from);
    return size >= SHORTEST_RECORD && size <= this.largestRecord ? bad + size : undefined;
  }

  async #search(from: number, fileEnd: number): Promise<number | undefined> {
    if (this.#nothingBehind(from)) return undefined;
    for (let at = from; at + SHORTEST_RECORD <= fileEnd; ) {
      if (!this.#load(at, SHORTEST_RECORD)) return undefined;
      const hit = this.#window.subarray(0, this.#to - this.#from).indexOf(FIRST_MAGIC_BYTES, at - this.#from + MAGIC_AT);
      if (hit < 0) {
        at = Math.max(at + 1, this.#to - MAGIC_AT - FIRST_MAGIC_BYTES.length);
        if (this.#to >= fileEnd) return undefined;
      } else {
        at = this.#from + hit - MAGIC_AT;
        if (this.recordAt(at)) return at;
        at++;
      }
      const waiting = this.pause();
      if (waiting) await waiting;
    }
    return undefined;
  }

  /** Whether the file takes up no more room than its beginning needs: then the rest, up to 1 GiB, is a hole. */
  #nothingBehind(position: number): boolean {
    const start = this.files.startOf(position);
    const used = Math.ceil((position - start) / ALLOCATION_UNIT) * ALLOCATION_UNIT;
    const stat = this.files.stat(start);
    return stat !== undefined && stat.allocated <= used;
  }

  /** Overwrites what is behind the end of the log, so that no part of it is ever taken for a record again. */
  async clearBehind(end: number): Promise<void> {
    const { files } = this;
    for (const start of [...files.starts]) if (start > end) files.remove(start);
    const start = files.startOf(end);
    if (!files.has(start) || this.#nothingBehind(end)) return;
    const zeros = Buffer.alloc(CLEAR_STEP);
    const bytes = Buffer.alloc(CLEAR_STEP);
    for (let at = end; at < start + files.fileSize; at += CLEAR_STEP) {
      const length = files.read(bytes, 0, CLEAR_STEP, at);
      if (bytes.compare(zeros, 0, length, 0, length) !== 0) files.zero(at, length);
      const waiting = this.pause();
      if (waiting) await waiting;
    }
    this.#from = this.#to = 0;
  }

  /** Makes the window hold `length` bytes from `at` on; false where the file has not so many. */
  #load(at: number, length: number): boolean {
    if (at >= this.#from && at + length <= this.#to) return true;
    const { files } = this;
    const start = files.startOf(at);
    if (at + length > start + files.fileSize || !files.has(start)) return false;
    const wanted = Math.min(Math.max(WINDOW, length), start + files.fileSize - at);
    if (this.#window.length < wanted) this.#window = Buffer.allocUnsafeSlow(Math.max(wanted, Math.min(WINDOW, files.fileSize)));
    this.#from = at;
    this.#to = at + files.read(this.#window, 0, wanted, at);
    return this.#to - at >= length;
  }
}
