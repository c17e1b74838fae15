// Owns walking the files of a log from record to record when a store is opened, and finding the next good record
// behind a damaged one. Leaves what is done with them to recovery.ts.
import { AT_PHYSICAL_OFFSET, BLANK_SIZE, MAGIC_BLANK, RecordView, SHORTEST_RECORD, readLong } from './record.js';
import type { SegmentFiles } from '../files/segment-files.js';
import type { Pause } from '../files/yield-to-event-loop.js';
import { Prefetch } from '../files/prefetch.js';

const WINDOW = 262_144;
/** Looking at the time costs as much as scanning a record. */
const RECORDS_BETWEEN_PAUSES = 64;
const FIRST_MAGIC_BYTES = Buffer.from([0xda, 0xa3, 0x20]);
const MAGIC_AT = 4;

export interface CorruptRange {
  from: number;
  to: number;
}

export interface ScanVisitor {
  /** A good record, whose parts are in `buffer` until the visitor returns. */
  record(record: RecordView, buffer: Buffer): void;
  /** Bytes with good records before and behind them. */
  corrupt(range: CorruptRange): void;
}

export class LogScan {
  readonly record = new RecordView();
  /** Nothing is looked at from here on. */
  limit = Number.MAX_SAFE_INTEGER;
  /** Where the log is known to end, if it does: then nothing is searched for behind it. */
  knownEnd = -1;
  /** There were records up to here, if this is known: bytes before that are none are damaged, and not torn. */
  reached = 0;
  #window = Buffer.alloc(0);
  #from = 0;
  #to = 0;

  constructor(
    readonly files: SegmentFiles,
    readonly checkCrc: boolean,
    readonly largestRecord: number,
    readonly pause: Pause,
    /** What is read; its files' names and sizes are those of `files`. */
    readonly source: Pick<SegmentFiles, 'read'> = files,
  ) {}

  /** Walks from `position`, where a record begins. Returns where the log ends. */
  async walk(position: number, visitor: ScanVisitor): Promise<number> {
    const visit = (record: RecordView, buffer: Buffer): void => visitor.record(record, buffer);
    const warmUp = new Prefetch(this.files);
    let warm = position;
    let records = 0;
    const waits: Promise<unknown>[] = [];
    const giveWay = (at: number): boolean => {
      const cold = at >= warm;
      if (cold) warm = at + WINDOW;
      // The window reaches as far again from where it is filled.
      const wait = cold ? warmUp.bring(at, warm + WINDOW) : ++records % RECORDS_BETWEEN_PAUSES === 0 && this.pause();
      return wait ? waits.push(wait) > 0 : false;
    };
    for (let at = position; ;) {
      if (!giveWay(at)) at = this.advance(at, visit, giveWay);
      const wait = waits.pop();
      if (wait) {
        await wait;
        continue;
      }
      const known = at < this.reached && this.reached <= this.files.end ? this.reached : undefined;
      const found = at === this.knownEnd ? undefined : ((await this.resync(at)) ?? known);
      if (found === undefined) return at;
      visitor.corrupt({ from: at, to: found });
      at = found;
    }
  }

  /** Walks until `enough` says so after a record, the limit, or bytes that are neither record nor blank; returns where. */
  advance(
    position: number,
    visit: (record: RecordView, buffer: Buffer) => void,
    enough: (at: number) => boolean,
  ): number {
    let at = position;
    while (at < this.limit) {
      const next = this.#step(at, visit);
      if (next === undefined) return at;
      at = next;
      if (enough(at)) return at;
    }
    return at;
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
  #step(at: number, visit: (record: RecordView, buffer: Buffer) => void): number | undefined {
    const fileEnd = this.files.startOf(at) + this.files.fileSize;
    if (!this.#load(at, SHORTEST_RECORD) && !this.#load(at, BLANK_SIZE)) return undefined;
    const inWindow = at - this.#from;
    const size = this.#window.readInt32BE(inWindow);
    if (this.#window.readInt32BE(inWindow + MAGIC_AT) === MAGIC_BLANK)
      return size === fileEnd - at ? fileEnd : undefined;
    if (size < SHORTEST_RECORD || size > this.largestRecord || !this.#load(at, size)) return undefined;
    const { record } = this;
    if (!record.parse(this.#window, at - this.#from, this.#to - this.#from, at, this.checkCrc)) return undefined;
    visit(record, this.#window);
    return at + size;
  }

  /** The next good record behind the bad bytes at `bad`, in the same file or a later one. */
  async resync(bad: number): Promise<number | undefined> {
    const { files } = this;
    const start = files.startOf(bad);
    if (files.has(start)) {
      const claimed = this.#claimedEnd(bad);
      if (claimed !== undefined && this.recordAt(claimed)) return claimed;
      const found = await this.#search(bad + 1, start + files.fileSize);
      if (found !== undefined) return found;
    }
    for (const next of files.starts) {
      if (next <= bad) continue;
      const found = this.recordAt(next) ? next : await this.#search(next + 1, next + files.fileSize);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #claimedEnd(bad: number): number | undefined {
    if (!this.#load(bad, MAGIC_AT)) return undefined;
    const size = this.#window.readInt32BE(bad - this.#from);
    return size >= SHORTEST_RECORD && size <= this.largestRecord ? bad + size : undefined;
  }

  async #search(from: number, fileEnd: number): Promise<number | undefined> {
    const far = this.#far(from, fileEnd);
    for (let at = from; at + SHORTEST_RECORD <= far;) {
      if (!this.#load(at, SHORTEST_RECORD)) return undefined;
      const hit = this.#window
        .subarray(0, this.#to - this.#from)
        .indexOf(FIRST_MAGIC_BYTES, at - this.#from + MAGIC_AT);
      if (hit < 0) {
        at = Math.max(at + 1, this.#to - MAGIC_AT - FIRST_MAGIC_BYTES.length);
        if (this.#to >= far) return undefined;
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

  /** Overwrites what is behind the end of the log, so that no part of it is ever taken for a record again. */
  async clearBehind(end: number): Promise<void> {
    const { files } = this;
    for (const start of files.starts.filter((one) => one > end)) files.remove(start);
    const start = files.startOf(end);
    if (!files.has(start)) return;
    const fileEnd = start + files.fileSize;
    const far = this.#far(end, fileEnd);
    for (let at = end; at < far; at += WINDOW) {
      await files.clear(at, Math.min(at + WINDOW, far));
      const waiting = this.pause();
      if (waiting) await waiting;
    }
    this.#from = this.#to = 0;
  }

  /** Up to where bytes may stand behind `position`, or a window further where it is known. */
  #far(position: number, fileEnd: number): number {
    return this.files.farthestBehind(position) < fileEnd ? Math.min(position + WINDOW, fileEnd) : fileEnd;
  }

  /** Makes the window hold `length` bytes from `at` on; false where the file has not so many. */
  #load(at: number, length: number): boolean {
    if (at >= this.#from && at + length <= this.#to) return true;
    const { files } = this;
    const start = files.startOf(at);
    if (at + length > start + files.fileSize || !files.has(start)) return false;
    const wanted = Math.min(Math.max(WINDOW, length), start + files.fileSize - at, this.limit - at);
    if (wanted < length) return false;
    if (this.#window.length < wanted)
      this.#window = Buffer.allocUnsafeSlow(Math.max(wanted, Math.min(WINDOW, files.fileSize)));
    this.#from = at;
    this.#to = at + this.source.read(this.#window, 0, wanted, at);
    return this.#to - at >= length;
  }
}
