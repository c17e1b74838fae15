// Owns one consume queue: a row of 20-byte entries that say where the queue's messages are in the commit log. Leaves
// those that are not in its files yet to queue-tail.ts.
import { lowestEntry } from './entry-search.js';
import type { EntryTest } from './entry-search.js';
import { FILLER_SIZE, QueueTail } from './queue-tail.js';
import { UNIT } from './queue-view.js';
import type { QueueView } from './queue-view.js';
import { writeLong } from './record.js';
import { isZero } from './segment.js';
import type { SegmentFiles } from './segment-files.js';
import { WarmUp } from './warm-up.js';

export class ConsumeQueue {
  /** First entry whose message is still there. */
  first = 0;
  /** The offset of the next message that is appended. */
  assigned = 0;
  /** Where the last message that has an entry begins in the commit log; -1 with none. */
  lastPhysical = -1;
  /** Where it ends; 0 with none. */
  maxPhysical = 0;
  /** The first entry that was left out when the queue was loaded after a crash; -1 where none was. */
  leftOut = -1;
  readonly tail: QueueTail;
  /** Where the first message begins in the commit log; -1 where that is not known. */
  #firstPhysical = -1;
  #warmUp: WarmUp | undefined;

  constructor(
    readonly topic: string,
    readonly queueId: number,
    readonly files: SegmentFiles,
  ) {
    this.tail = new QueueTail(files);
  }

  /** Entries so far: the offset of the next message that becomes visible. */
  get next(): number {
    return this.tail.next;
  }

  append(physicalOffset: number, size: number, tagsCode: number): void {
    this.tail.append(physicalOffset, size, tagsCode);
    this.lastPhysical = physicalOffset;
    this.maxPhysical = physicalOffset + size;
  }

  /** Points the view at the entries from `index` on; it has at most `count`, and none only where there are none. */
  read(view: QueueView, index: number, count: number): number {
    view.count = 0;
    if (index >= this.next || index < 0) return 0;
    const { tail } = this;
    if (index >= tail.first) return tail.show(view, index, count);
    const wanted = Math.min(count, view.units, tail.first - index);
    view.buffer = view.scratch;
    view.at = 0;
    view.count = Math.floor(this.files.read(view.scratch, 0, wanted * UNIT, index * UNIT) / UNIT);
    return view.count;
  }

  /** The same off the thread. */
  async readAside(view: QueueView, index: number, count: number): Promise<number> {
    if (index >= this.next || index < 0 || index >= this.tail.first) return this.read(view, index, count);
    const wanted = Math.min(count, view.units, this.tail.first - index);
    const bytes = await this.files.readAside(view.scratch, 0, wanted * UNIT, index * UNIT);
    view.buffer = view.scratch;
    view.at = 0;
    view.count = Math.floor(bytes / UNIT);
    return view.count;
  }

  /** Resolves when the entries can be read without the disk; undefined where they can be now. Never rejects. */
  warmUp(index: number, count: number): Promise<unknown> | undefined {
    if (index >= this.tail.first) return undefined;
    this.#warmUp ??= new WarmUp(this.files);
    return this.#warmUp.bring(index * UNIT, Math.min(index + count, this.tail.first) * UNIT);
  }

  /** Overwrites where the message of a damaged entry is. */
  correct(index: number, physicalOffset: number, size: number): void {
    // What is in memory has never been on a disk that could damage it.
    if (index >= this.tail.first) return;
    const bytes = Buffer.alloc(12);
    writeLong(bytes, physicalOffset, 0);
    bytes.writeInt32BE(size, 8);
    this.files.write(bytes, 0, bytes.length, index * UNIT);
    this.files.noteUnsynced(this.files.startOf(index * UNIT));
  }

  /** Starts over at entry `index`, with none before it in the files. */
  startAt(index: number): void {
    this.first = this.assigned = index;
    this.tail.startAt(index);
    this.maxPhysical = 0;
    this.lastPhysical = this.#firstPhysical = -1;
  }

  /**
   * Finds out from the files how far they reach.
   * @param limit after a crash, entries of records from there on in the log are not trusted: parts may be missing
   */
  async load(view: QueueView, limit: number | undefined): Promise<void> {
    await this.files.load(limit !== undefined);
    this.startAt(0);
    const { starts, fileSize } = this.files;
    if (starts.length === 0) return;
    const trusted = limit ?? Number.MAX_SAFE_INTEGER;
    const bad: EntryTest = (size, physicalOffset) => size <= 0 || physicalOffset >= trusted;
    for (let i = starts.length - 1; i >= 0; i--) {
      const begin = starts[i] / UNIT;
      this.tail.startAt(begin + fileSize / UNIT);
      this.tail.startAt(await this.#lowestAside(view, begin, bad));
      if (this.next > begin) break;
    }
    const begin = starts[0] / UNIT;
    const end = Math.min(this.next, begin + fileSize / UNIT);
    const message: EntryTest = (size, physicalOffset) => size !== FILLER_SIZE || physicalOffset !== 0;
    // Of the only file these entries have just been read.
    this.first =
      starts.length > 1 ? await this.#lowestAside(view, begin, message, end) : this.lowest(view, begin, message, end);
    this.assigned = this.next;
    if (limit !== undefined && this.#hasEntry(view)) this.leftOut = this.next;
    if (limit !== undefined) await this.#clearBehind();
    this.#noteFirst(view, this.read(view, this.first, 1));
    this.#measure(view);
  }

  /** Whether there is an entry behind the last one that is trusted; a damaged one may have any size. */
  #hasEntry({ scratch }: QueueView): boolean {
    return this.files.read(scratch, 0, UNIT, this.next * UNIT) === UNIT && !isZero(scratch, UNIT);
  }

  /** What is left behind the end must not be taken for entries at the next start. */
  async #clearBehind(): Promise<void> {
    const { files } = this;
    const end = this.next * UNIT;
    const start = files.startOf(end);
    for (const later of files.starts.filter((one) => one > start)) files.remove(later);
    if (!files.has(start)) return;
    if (await files.clear(end, files.farthestBehind(end))) files.noteUnsynced(start);
  }

  /** Forgets the entries from `index` on; they are overwritten with zeros, for the files' end is where zeros begin. */
  truncate(view: QueueView, index: number): void {
    if (index >= this.next) return;
    this.tail.writeOut();
    if (this.tail.failure !== undefined) throw this.tail.failure;
    for (const start of this.files.starts.slice()) {
      const begin = start / UNIT;
      if (begin >= index) this.files.remove(start);
      else this.#zeroFrom(start, Math.max(begin, index), Math.min(this.next, begin + this.files.fileSize / UNIT));
    }
    this.tail.startAt(index);
    this.assigned = index;
    this.first = Math.min(this.first, index);
    this.#firstPhysical = -1;
    this.#measure(view);
  }

  /** The first entry in [from, end) for which `test` holds, which it does for all behind it too; else `end`. */
  lowest(view: QueueView, from: number, test: EntryTest, end = this.next): number {
    const search = lowestEntry(view, from, end, test);
    let step = search.next();
    while (!step.done) step = search.next(this.read(view, ...step.value));
    return step.value;
  }

  async #lowestAside(view: QueueView, from: number, test: EntryTest, end = this.next): Promise<number> {
    const search = lowestEntry(view, from, end, test);
    let step = search.next();
    while (!step.done) step = search.next(await this.readAside(view, ...step.value));
    return step.value;
  }

  /** Adjusts the first entry to a log that begins at `minPhysical`. */
  async trim(view: QueueView, minPhysical: number): Promise<void> {
    if (this.#firstPhysical >= minPhysical) return;
    this.#noteFirst(view, await this.readAside(view, this.first, 1));
    if (this.#firstPhysical >= 0 && this.#firstPhysical < minPhysical) {
      this.first = await this.#lowestAside(view, this.first, (_, physicalOffset) => physicalOffset >= minPhysical);
      this.#noteFirst(view, await this.readAside(view, this.first, 1));
    }
  }

  /** Removes the files of which no entry is left. */
  async removeGone(): Promise<void> {
    const { starts, fileSize } = this.files;
    while (starts.length > 1 && starts[0] + fileSize <= this.first * UNIT) await this.files.removeAside(starts[0]);
  }

  #noteFirst(view: QueueView, shown: number): void {
    this.#firstPhysical = shown === 1 ? view.physicalOffset(0) : -1;
  }

  #measure(view: QueueView): void {
    this.maxPhysical = 0;
    this.lastPhysical = -1;
    if (this.next > this.first && this.read(view, this.next - 1, 1) === 1) {
      this.lastPhysical = view.physicalOffset(0);
      this.maxPhysical = this.lastPhysical + view.size(0);
    }
  }

  #zeroFrom(start: number, from: number, to: number): void {
    if (from >= to) return;
    this.files.zero(from * UNIT, (to - from) * UNIT);
    this.files.noteUnsynced(start);
  }
}
