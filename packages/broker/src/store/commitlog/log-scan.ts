// Walks over the commit log from record to record, and finds the next good record behind a damaged one.
import { readInt } from '@nest-rocketmq/remoting/internal';
import type { Found } from './log-reader.js';
import { AT_PHYSICAL_OFFSET, BLANK_SIZE, MAGIC_BLANK, RecordView, SHORTEST_RECORD, readLong } from './record.js';
import type { SegmentFiles } from '../files/segment-files.js';
import type { Pause } from '../files/yield-to-event-loop.js';
import type { CommitLog } from './commit-log.js';

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
  /** A good record, whose parts are in `buffer` until the visitor returns, or the promise that it returns is settled. */
  record(record: RecordView, buffer: Buffer): void | Promise<void>;
  /** Bytes with good records before and behind them. */
  corrupt(range: CorruptRange): void;
}

export type RecordVisit = (record: RecordView, buffer: Buffer) => void;

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
  /** Up to where bytes were asked for when the window was filled: more than came where the file is shorter. */
  #askedTo = 0;
  /** Bytes that the last `advance` would have needed in the window; 0 if it stopped for another reason. */
  #lacking = 0;
  /** The bytes behind the window, on their way into the system's cache. Never rejects. */
  #ahead: Promise<unknown> | undefined;
  #aheadBuffer = Buffer.alloc(0);

  constructor(
    readonly files: SegmentFiles,
    readonly checkCrc: boolean,
    readonly largestRecord: number,
    readonly pause: Pause,
    /** What is read; its files' names and sizes are those of `files`. */
    readonly source: Pick<CommitLog, 'read'> = files,
  ) {}

  /** Walks from `position`, where a record begins. Resolves with where the log ends. */
  async walk(position: number, visitor: ScanVisitor): Promise<number> {
    try {
      return await this.#walk(position, visitor);
    } finally {
      await this.#ahead;
    }
  }

  async #walk(position: number, visitor: ScanVisitor): Promise<number> {
    let waiting: Promise<void> | undefined;
    let records = 0;
    const visit = (record: RecordView, buffer: Buffer): void =>
      void (waiting = visitor.record(record, buffer) ?? waiting);
    const enough = (): boolean => {
      if (!waiting && ++records % RECORDS_BETWEEN_PAUSES === 0) waiting = this.pause();
      return waiting !== undefined;
    };
    for (let at = position; ;) {
      at = this.advance(at, visit, enough);
      if (waiting) {
        await waiting;
        waiting = undefined;
      } else if (this.needsBytes) {
        await this.#ahead;
        await this.fill(at);
        this.#ahead = this.#readAhead();
      } else {
        const known = at < this.reached && this.reached <= this.files.end ? this.reached : undefined;
        const found = at === this.knownEnd ? undefined : ((await this.resync(at)) ?? known);
        if (found === undefined) return at;
        visitor.corrupt({ from: at, to: found });
        at = found;
      }
    }
  }

  /** Keeps the disk busy while the records of the window are looked at. */
  #readAhead(): Promise<unknown> | undefined {
    const { files } = this;
    const from = this.#to;
    const length = Math.min(WINDOW, files.startOf(from) + files.fileSize - from, this.limit - from);
    if (from < this.#askedTo || length <= 0 || !files.has(files.startOf(from))) return undefined;
    if (this.#aheadBuffer.length === 0) this.#aheadBuffer = Buffer.allocUnsafeSlow(Math.min(WINDOW, files.fileSize));
    // An error is told when the window gets there.
    return files.read(this.#aheadBuffer, 0, length, from).catch(() => undefined);
  }

  /** Walks like `advance`, and reads on as often as it takes. */
  async advanceFar(position: number, visit: RecordVisit, enough: () => boolean): Promise<number> {
    let at = this.advance(position, visit, enough);
    while (this.needsBytes) {
      await this.fill(at);
      at = this.advance(at, visit, enough);
    }
    return at;
  }

  /**
   * Walks until `enough` says so after a record, the limit, bytes that are neither record nor blank, or the end of what was
   * read: then `needsBytes` is set. Returns where.
   */
  advance(position: number, visit: RecordVisit, enough: () => boolean): number {
    this.#lacking = 0;
    let at = position;
    while (at < this.limit) {
      const next = this.#step(at, visit);
      if (next === undefined) return at;
      at = next;
      if (enough()) return at;
    }
    return at;
  }

  /** Whether the last `advance` stopped only because it needs more bytes: see `fill`. */
  get needsBytes(): boolean {
    return this.#lacking > 0;
  }

  /** Reads what the last `advance`, which stopped at `at`, needs to go on. Returns a promise unless that is in memory. */
  fill(at: number): void | Promise<void> {
    return this.#fill(at, this.#lacking);
  }

  /** Whether a good record begins at `position`. */
  async recordAt(position: number): Promise<boolean> {
    if (!(await this.#load(position, SHORTEST_RECORD))) return false;
    const size = this.#window.readInt32BE(position - this.#from);
    // Before the window moves to the end of what may be no record at all.
    if (readLong(this.#window, position - this.#from + AT_PHYSICAL_OFFSET) !== position) return false;
    if (size < SHORTEST_RECORD || size > this.largestRecord || !(await this.#load(position, size))) return false;
    return this.record.parse(this.#window, position - this.#from, this.#to - this.#from, position, this.checkCrc);
  }

  /** The position behind the record or blank at `at`; undefined if there is neither, or if more bytes are needed. */
  #step(at: number, visit: RecordVisit): number | undefined {
    const start = this.#look(at, SHORTEST_RECORD);
    if (start === 'cold') return this.#lack(SHORTEST_RECORD);
    if (start === 'none') {
      const blank = this.#look(at, BLANK_SIZE);
      if (blank !== 'here') return blank === 'cold' ? this.#lack(BLANK_SIZE) : undefined;
    }
    const inWindow = at - this.#from;
    const size = readInt(this.#window, inWindow);
    if (readInt(this.#window, inWindow + MAGIC_AT) === MAGIC_BLANK) {
      const fileEnd = this.files.startOf(at) + this.files.fileSize;
      return size === fileEnd - at ? fileEnd : undefined;
    }
    if (size < SHORTEST_RECORD || size > this.largestRecord) return undefined;
    const found = this.#look(at, size);
    if (found !== 'here') return found === 'cold' ? this.#lack(size) : undefined;
    const { record } = this;
    if (!record.parse(this.#window, inWindow, this.#to - this.#from, at, this.checkCrc)) return undefined;
    visit(record, this.#window);
    return at + size;
  }

  #lack(bytes: number): undefined {
    this.#lacking = bytes;
  }

  /** The next good record behind the bad bytes at `bad`, in the same file or a later one. */
  async resync(bad: number): Promise<number | undefined> {
    const { files } = this;
    const start = files.startOf(bad);
    if (files.has(start)) {
      const claimed = await this.#claimedEnd(bad);
      if (claimed !== undefined && (await this.recordAt(claimed))) return claimed;
      const found = await this.#search(bad + 1, start + files.fileSize);
      if (found !== undefined) return found;
    }
    for (const next of files.starts) {
      if (next <= bad) continue;
      const found = (await this.recordAt(next)) ? next : await this.#search(next + 1, next + files.fileSize);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #claimedEnd(bad: number): Promise<number | undefined> {
    if (!(await this.#load(bad, MAGIC_AT))) return undefined;
    const size = this.#window.readInt32BE(bad - this.#from);
    return size >= SHORTEST_RECORD && size <= this.largestRecord ? bad + size : undefined;
  }

  async #search(from: number, fileEnd: number): Promise<number | undefined> {
    const far = await this.#far(from, fileEnd);
    for (let at = from; at + SHORTEST_RECORD <= far;) {
      if (!(await this.#load(at, SHORTEST_RECORD))) return undefined;
      const hit = this.#window
        .subarray(0, this.#to - this.#from)
        .indexOf(FIRST_MAGIC_BYTES, at - this.#from + MAGIC_AT);
      if (hit < 0) {
        at = Math.max(at + 1, this.#to - MAGIC_AT - FIRST_MAGIC_BYTES.length);
        if (this.#to >= far) return undefined;
      } else {
        at = this.#from + hit - MAGIC_AT;
        if (await this.recordAt(at)) return at;
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
    for (const start of files.starts.filter((one) => one > end)) await files.remove(start);
    const start = files.startOf(end);
    if (!files.has(start)) return;
    const fileEnd = start + files.fileSize;
    const far = await this.#far(end, fileEnd);
    for (let at = end; at < far; at += WINDOW) {
      await files.clear(at, Math.min(at + WINDOW, far));
      const waiting = this.pause();
      if (waiting) await waiting;
    }
    this.#from = this.#to = this.#askedTo = 0;
  }

  /** Up to where bytes may stand behind `position`, or a window further where it is known. */
  async #far(position: number, fileEnd: number): Promise<number> {
    return (await this.files.farthestBehind(position)) < fileEnd ? Math.min(position + WINDOW, fileEnd) : fileEnd;
  }

  /** Makes the window hold `length` bytes from `at` on; false if the file does not have so many. */
  async #load(at: number, length: number): Promise<boolean> {
    if (this.#look(at, length) === 'cold') await this.#fill(at, length);
    return this.#look(at, length) === 'here';
  }

  /** Whether the window has these bytes, could have them, or the file does not have them. */
  #look(at: number, length: number): Found {
    if (at >= this.#from && at + length <= this.#to) return 'here';
    const start = this.files.startOf(at);
    if (at + length > Math.min(start + this.files.fileSize, this.limit) || !this.files.has(start)) return 'none';
    // They were asked for, and did not come.
    return at === this.#from && at + length <= this.#askedTo ? 'none' : 'cold';
  }

  #fill(at: number, length: number): void | Promise<void> {
    const { files } = this;
    const fileEnd = files.startOf(at) + files.fileSize;
    const wanted = Math.min(Math.max(WINDOW, length), fileEnd - at, this.limit - at);
    if (this.#window.length < wanted)
      this.#window = Buffer.allocUnsafeSlow(Math.max(wanted, Math.min(WINDOW, files.fileSize)));
    this.#from = this.#to = at;
    this.#askedTo = at + wanted;
    const read = this.source.read(this.#window, 0, wanted, at);
    if (typeof read !== 'number') return read.then((count) => void (this.#to = at + count));
    this.#to = at + read;
  }
}
