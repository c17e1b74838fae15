// Owns one consume queue: a row of 20-byte entries that say where the queue's messages are in the commit log. New
// entries stay in memory until they are written out in batches: after a crash they are rebuilt from the log.
import { UNIT } from './queue-view.js';
import type { QueueView } from './queue-view.js';
import { writeLong } from './record.js';
import { isZero } from './segment.js';
import type { SegmentFiles } from './segment-files.js';
import { WarmUp } from './warm-up.js';

/** Size in an entry that stands before the queue's first message in its first file. */
const FILLER_SIZE = 0x7fffffff;
const FIRST_UNITS = 16;
/** Entries that wait before they are written out, and while a sync would make the write wait. */
const MANY_UNITS = 8_192;
const MOST_UNITS = 65_536;
const EMPTY = Buffer.alloc(0);

export class ConsumeQueue {
  /** First entry whose message is still there. */
  first = 0;
  /** Entries so far: the offset of the next message that becomes visible. */
  next = 0;
  /** The offset of the next message that is appended. */
  assigned = 0;
  /** Where the last message that has an entry begins in the commit log; -1 with none. */
  lastPhysical = -1;
  /** Where it ends; 0 with none. */
  maxPhysical = 0;
  /** Entries below are in the files. */
  flushed = 0;
  /** Files written to since they were last synced. */
  readonly unsynced = new Set<number>();
  /** The first entry that was left out when the queue was loaded after a crash; -1 where none was. */
  leftOut = -1;
  /** Why the last batch could not be written out; the entries wait in memory. */
  failure: unknown;
  #memory = EMPTY;
  /** The entry at the beginning of `#memory`; all from there to `next` are in it. */
  #memoryFirst = 0;
  /** Where the first message begins in the commit log; -1 where that is not known. */
  #firstPhysical = -1;
  #warmUp: WarmUp | undefined;

  constructor(
    readonly topic: string,
    readonly queueId: number,
    readonly files: SegmentFiles,
  ) {}

  append(physicalOffset: number, size: number, tagsCode: number): void {
    let at = (this.next - this.#memoryFirst) * UNIT;
    if (at === this.#memory.length) {
      this.#makeRoom();
      at = (this.next - this.#memoryFirst) * UNIT;
    }
    const memory = this.#memory;
    writeLong(memory, physicalOffset, at);
    memory[at + 8] = size >>> 24;
    memory[at + 9] = size >>> 16;
    memory[at + 10] = size >>> 8;
    memory[at + 11] = size;
    writeLong(memory, tagsCode, at + 12);
    this.next++;
    this.lastPhysical = physicalOffset;
    this.maxPhysical = physicalOffset + size;
  }

  /** Points the view at the entries from `index` on; it has at most `count`, and none only where there are none. */
  read(view: QueueView, index: number, count: number): number {
    view.count = 0;
    if (index >= this.next || index < 0) return 0;
    if (index >= this.#memoryFirst) {
      view.buffer = this.#memory;
      view.at = (index - this.#memoryFirst) * UNIT;
      view.count = Math.min(count, this.next - index);
      return view.count;
    }
    const wanted = Math.min(count, view.units, this.#memoryFirst - index);
    view.buffer = view.scratch;
    view.at = 0;
    view.count = Math.floor(this.files.read(view.scratch, 0, wanted * UNIT, index * UNIT) / UNIT);
    return view.count;
  }

  /** Resolves when the entries can be read without the disk; undefined where they can be now. Never rejects. */
  warmUp(index: number, count: number): Promise<unknown> | undefined {
    if (index >= this.#memoryFirst) return undefined;
    this.#warmUp ??= new WarmUp(this.files);
    return this.#warmUp.bring(index * UNIT, Math.min(index + count, this.#memoryFirst) * UNIT);
  }

  /** Writes the entries that wait. What fails is kept, and `failure` says why. */
  writeOut(): void {
    try {
      while (this.flushed < this.next) this.#writeToEndOfFile();
      this.failure = undefined;
    } catch (error) {
      this.failure = error;
    }
  }

  /** Overwrites where the message of a damaged entry is. */
  correct(index: number, physicalOffset: number, size: number): void {
    // What is in memory has never been on a disk that could damage it.
    if (index >= this.#memoryFirst) return;
    const bytes = Buffer.alloc(12);
    writeLong(bytes, physicalOffset, 0);
    bytes.writeInt32BE(size, 8);
    this.files.write(bytes, 0, bytes.length, index * UNIT);
    this.unsynced.add(this.files.startOf(index * UNIT));
  }

  /** Gives back the memory of a queue that has nothing to write. */
  release(): void {
    if (this.flushed < this.next || this.#memory.length === 0) return;
    this.#memory = EMPTY;
    this.#memoryFirst = this.next;
  }

  /** Starts over at entry `index`, with none before it in the files. */
  startAt(index: number): void {
    this.first = this.next = this.assigned = this.flushed = this.#memoryFirst = index;
    this.#memory = EMPTY;
    this.maxPhysical = 0;
    this.lastPhysical = this.#firstPhysical = -1;
  }

  /**
   * Finds out from the files how far they reach.
   * @param limit after a crash, entries of records from there on in the log are not trusted: parts may be missing
   */
  load(view: QueueView, limit: number | undefined): void {
    this.files.load(limit !== undefined);
    this.startAt(0);
    const { starts, fileSize } = this.files;
    if (starts.length === 0) return;
    const trusted = limit ?? Number.MAX_SAFE_INTEGER;
    const bad = (size: number, physicalOffset: number): boolean => size <= 0 || physicalOffset >= trusted;
    this.#memoryFirst = Number.MAX_SAFE_INTEGER;
    for (let i = starts.length - 1; i >= 0; i--) {
      const begin = starts[i] / UNIT;
      this.next = begin + fileSize / UNIT;
      this.next = this.lowest(view, begin, bad);
      if (this.next > begin) break;
    }
    const begin = starts[0] / UNIT;
    const end = Math.min(this.next, begin + fileSize / UNIT);
    this.first = this.lowest(view, begin, (size, physical) => size !== FILLER_SIZE || physical !== 0, end);
    this.assigned = this.flushed = this.#memoryFirst = this.next;
    if (limit !== undefined && this.#hasEntry(view)) this.leftOut = this.next;
    if (limit !== undefined) this.#clearBehind();
    this.#readFirst(view);
    this.#measure(view);
  }

  /** Whether there is an entry behind the last one that is trusted; a damaged one may have any size. */
  #hasEntry({ scratch }: QueueView): boolean {
    return this.files.read(scratch, 0, UNIT, this.next * UNIT) === UNIT && !isZero(scratch, UNIT);
  }

  /** What is left behind the end must not be taken for entries at the next start. */
  #clearBehind(): void {
    const { files } = this;
    const end = this.next * UNIT;
    const start = files.startOf(end);
    for (const later of files.starts.filter((one) => one > start)) files.remove(later);
    if (!files.has(start)) return;
    if (files.clear(end, files.farthestBehind(end))) this.unsynced.add(start);
  }

  /** Forgets the entries from `index` on; they are overwritten with zeros, for the files' end is where zeros begin. */
  truncate(view: QueueView, index: number): void {
    if (index >= this.next) return;
    this.writeOut();
    if (this.failure !== undefined) throw this.failure;
    for (const start of this.files.starts.slice()) {
      const begin = start / UNIT;
      if (begin >= index) this.files.remove(start);
      else this.#zeroFrom(start, Math.max(begin, index), Math.min(this.next, begin + this.files.fileSize / UNIT));
    }
    this.#memory = EMPTY;
    this.next = this.assigned = this.flushed = this.#memoryFirst = index;
    this.first = Math.min(this.first, index);
    this.#firstPhysical = -1;
    this.#measure(view);
  }

  /** The first entry in [from, end) for which `test` holds, which it does for all behind it too; else `end`. */
  lowest(
    view: QueueView,
    from: number,
    test: (size: number, physicalOffset: number) => boolean,
    end = this.next,
  ): number {
    let low = from;
    let high = end;
    // What the view shows. Few reads are made: a store may have 40,000 queues, most of them short.
    let at = low;
    let count = high - low > view.units ? this.read(view, low, view.units) : 0;
    if (count > 0 && test(view.size(count - 1), view.physicalOffset(count - 1))) high = low + count;
    else low += count;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (middle < at || middle >= at + count) {
        at = high - low <= view.units ? low : middle;
        count = this.read(view, at, at === low ? high - low : 1);
      }
      if (middle >= at + count) count = this.read(view, (at = middle), 1);
      if (count === 0 || test(view.size(middle - at), view.physicalOffset(middle - at))) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Adjusts the first entry to a log that begins at `minPhysical`, and removes files that have none left. */
  trim(view: QueueView, minPhysical: number): void {
    if (this.#firstPhysical >= minPhysical) return;
    if (this.#readFirst(view) && this.#firstPhysical < minPhysical) {
      this.first = this.lowest(view, this.first, (_, physicalOffset) => physicalOffset >= minPhysical);
      this.#readFirst(view);
    }
    const { starts, fileSize } = this.files;
    while (starts.length > 1 && starts[0] + fileSize <= this.first * UNIT) this.files.remove(starts[0]);
  }

  #readFirst(view: QueueView): boolean {
    const there = this.read(view, this.first, 1) === 1;
    this.#firstPhysical = there ? view.physicalOffset(0) : -1;
    return there;
  }

  #measure(view: QueueView): void {
    this.maxPhysical = 0;
    this.lastPhysical = -1;
    if (this.next > this.first && this.read(view, this.next - 1, 1) === 1) {
      this.lastPhysical = view.physicalOffset(0);
      this.maxPhysical = this.lastPhysical + view.size(0);
    }
  }

  #writeToEndOfFile(): void {
    const { fileSize } = this.files;
    const position = this.flushed * UNIT;
    const start = this.files.startOf(position);
    if (!this.files.has(start)) {
      this.files.ensure(start);
      this.#fill(start, position);
    }
    const count = Math.min(this.next - this.flushed, (start + fileSize - position) / UNIT);
    this.files.write(this.#memory, (this.flushed - this.#memoryFirst) * UNIT, count * UNIT, position);
    this.flushed += count;
    this.unsynced.add(start);
  }

  /** Entries before the first one of a queue that begins within a file. */
  #fill(start: number, position: number): void {
    if (position === start) return;
    const fill = Buffer.alloc(position - start);
    for (let at = 0; at < fill.length; at += UNIT) fill.writeInt32BE(FILLER_SIZE, at + 8);
    this.files.write(fill, 0, fill.length, start);
  }

  #zeroFrom(start: number, from: number, to: number): void {
    if (from >= to) return;
    this.files.zero(from * UNIT, (to - from) * UNIT);
    this.unsynced.add(start);
  }

  #makeRoom(): void {
    const waiting = this.next - this.#memoryFirst;
    if (waiting >= MOST_UNITS || (waiting >= MANY_UNITS && !this.files.synced())) {
      this.writeOut();
      if (this.failure === undefined) {
        this.#memoryFirst = this.next;
        return;
      }
    }
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_UNITS * UNIT, this.#memory.length * 2));
    this.#memory.copy(larger);
    this.#memory = larger;
  }
}
