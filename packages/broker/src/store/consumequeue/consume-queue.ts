// Owns one consume queue: a row of 20-byte entries that say where the queue's messages are in the commit log. Leaves
// those that are not in its files yet to queue-tail.ts.
import { lowestEntry } from './binary-search.js';
import type { EntryTest } from './binary-search.js';
import { FILLER_SIZE, QueueTail } from './queue-tail.js';
import { UNIT } from './queue-view.js';
import type { NotedQueue } from './queue-checkpoint.js';
import type { FileSum } from './queue-sums.js';
import type { QueueView } from './queue-view.js';
import { writeLong } from '../commitlog/record.js';
import type { SegmentFiles } from '../files/segment-files.js';
import { Prefetch } from '../files/prefetch.js';

type QueueEnds = Omit<NotedQueue, 'topic' | 'queueId' | 'files'>;

export class ConsumeQueue {
  /** First entry whose message is still there. */
  first = 0;
  /** The offset of the next message that is appended. */
  assigned = 0;
  /** Where the last message that has an entry begins in the commit log; -1 with none. */
  lastPhysical = -1;
  /** Where it ends; 0 with none. */
  maxPhysical = 0;
  readonly tail: QueueTail;
  /** Where the first message begins in the commit log; -1 where that is not known. */
  #firstPhysical = -1;
  #warmUp: Prefetch | undefined;
  #marked = { first: 0, next: 0, lastPhysical: -1, maxPhysical: 0 };

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
    this.#warmUp ??= new Prefetch(this.files);
    return this.#warmUp.bring(index * UNIT, Math.min(index + count, this.tail.first) * UNIT);
  }

  /** Overwrites a damaged entry. */
  correct(index: number, physicalOffset: number, size: number, tagsCode: number): void {
    // What is in memory has never been on a disk that could damage it.
    if (index >= this.tail.first) return;
    const bytes = Buffer.alloc(UNIT);
    writeLong(bytes, physicalOffset, 0);
    bytes.writeInt32BE(size, 8);
    writeLong(bytes, tagsCode, 12);
    const start = this.files.startOf(index * UNIT);
    this.files.write(bytes, 0, bytes.length, index * UNIT);
    this.files.noteUnsynced(start);
    this.tail.sums.forget(start);
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
   * @param mend whether a file that is shorter than the others is damaged
   * @param shorten whether a longer one is, too
   */
  async load(view: QueueView, mend: boolean, shorten = false): Promise<void> {
    await this.files.load(mend, shorten);
    this.startAt(0);
    const { starts, fileSize } = this.files;
    if (starts.length === 0) return;
    const bad: EntryTest = (size) => size <= 0;
    for (let i = starts.length - 1; i >= 0; i--) {
      const begin = starts[i] / UNIT;
      this.tail.startAt(begin + fileSize / UNIT);
      this.tail.startAt(await this.#lowestAside(view, begin, bad));
      if (this.next > begin) break;
    }
    await this.findFirst(view);
    this.assigned = this.next;
    this.#measure(view);
  }

  /** Finds the first entry in the files; `trim` leaves out those whose messages are gone. */
  async findFirst(view: QueueView): Promise<void> {
    const { starts, fileSize } = this.files;
    if (starts.length === 0) return;
    const begin = starts[0] / UNIT;
    const end = Math.min(this.next, begin + fileSize / UNIT);
    const message: EntryTest = (size, physicalOffset) => size !== FILLER_SIZE || physicalOffset !== 0;
    // Of the only file these entries have just been read.
    this.first =
      starts.length > 1 ? await this.#lowestAside(view, begin, message, end) : this.lowest(view, begin, message, end);
    this.#noteFirst(view, this.read(view, this.first, 1));
  }

  /** Goes on as noted. @param files that are as they were noted: all that there are entries in */
  resume({ first, next, lastPhysical, maxPhysical }: QueueEnds, files: FileSum[]): void {
    this.startAt(next);
    this.tail.sums.files = files;
    this.first = Math.min(next, Math.max(first, files.length > 0 ? files[0].start / UNIT : next));
    this.lastPhysical = lastPhysical;
    this.maxPhysical = maxPhysical;
    // Or later: but if this one is there still, all are.
    if (files.length > 0) this.#firstPhysical = files[0].firstPhysical;
  }

  /** Goes on behind files that are as they were noted, where those behind them are not. */
  resumeAt(view: QueueView, index: number, first: number, files: FileSum[]): void {
    this.resume({ first, next: index, lastPhysical: -1, maxPhysical: 0 }, files);
    this.#noteFirst(view, this.read(view, this.first, 1));
    this.#measure(view);
  }

  /** Remembers how far the queue reaches now, for `noted`. */
  mark(): void {
    const { first, next, lastPhysical, maxPhysical } = this;
    this.#marked = { first, next, lastPhysical, maxPhysical };
    this.tail.sums.mark(this.next);
  }

  /** The queue as it was marked; the entries up to there must be in the files. */
  noted(): NotedQueue {
    const { topic, queueId, files } = this;
    return { topic, queueId, ...this.#marked, files: this.tail.sums.marked((start) => files.has(start)) };
  }

  /** What is left behind the end must not be taken for entries at the next start. Returns whether anything was. */
  async clearBehind(): Promise<boolean> {
    const { files } = this;
    const end = this.tail.flushed * UNIT;
    const start = files.startOf(end);
    const later = files.starts.filter((one) => one > start || (one === start && this.next * UNIT === one));
    for (const one of later) files.remove(one);
    if (!files.has(start) || !(await files.clear(end, files.farthestBehind(end)))) return later.length > 0;
    files.noteUnsynced(start);
    return true;
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
}
