// Keeps one consume queue: 20-byte entries that say where the queue's messages are in the commit log.
import { lowestEntry } from './binary-search.js';
import { EntryBlocks } from './entry-blocks.js';
import type { EntryTest } from './binary-search.js';
import { FILLER_SIZE, QueueTail } from './queue-tail.js';
import { UNIT } from './queue-view.js';
import type { SavedQueue } from './queue-checkpoint.js';
import type { FileSum } from './queue-sums.js';
import type { QueueView } from './queue-view.js';
import { writeLong } from '../commitlog/record.js';
import type { SegmentFiles } from '../files/segment-files.js';

const EMPTY = Buffer.alloc(0);

type QueueEnds = Omit<SavedQueue, 'topic' | 'queueId' | 'files'>;

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
  #marked = { first: 0, next: 0, lastPhysical: -1, maxPhysical: 0 };

  constructor(
    readonly topic: string,
    readonly queueId: number,
    readonly files: SegmentFiles,
    /** The topic in UTF-8. */
    readonly topicBytes: Buffer = Buffer.from(topic),
    private readonly blocks = new EntryBlocks(),
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

  /**
   * Points the view at the entries from `index` on: at most `count`, and none only if there are none. Returns how many, or
   * a promise if they have to be read from a file.
   */
  readonly read = (view: QueueView, index: number, count: number): number | Promise<number> => {
    if (index >= this.next || index < 0) return view.show(EMPTY, 0, 0);
    return this.showFromMemory(view, index, count) ? view.count : this.#readFile(view, index, count);
  };

  /** The same for one who reads on: if it has to be read from a file, more entries are, and kept. */
  prefetch(view: QueueView, index: number, count: number): number | Promise<number> {
    if (index >= this.next || index < 0) return view.show(EMPTY, 0, 0);
    return this.showFromMemory(view, index, count) ? view.count : this.#readBlock(view, index);
  }

  async #readBlock(view: QueueView, index: number): Promise<number> {
    const units = await this.#readFile(view, index, view.units);
    if (units > 0) this.blocks.set(this, { index, count: units, bytes: view.buffer });
    return units;
  }

  /** Points the view at the entries from `index` on, if they are in memory. */
  showFromMemory(view: QueueView, index: number, count: number): boolean {
    const { tail } = this;
    if (index >= tail.first) return tail.show(view, index, count) > 0;
    const kept = this.blocks.get(this);
    const left = kept && index >= kept.index ? kept.index + kept.count - index : 0;
    if (!kept || left <= 0) return false;
    view.show(kept.bytes, (index - kept.index) * UNIT, Math.min(count, left));
    return true;
  }

  async #readFile(view: QueueView, index: number, count: number): Promise<number> {
    const wanted = Math.min(count, view.units, this.tail.first - index);
    const scratch = view.scratch(wanted);
    const bytes = await this.files.read(scratch, 0, wanted * UNIT, index * UNIT);
    return view.show(scratch, 0, Math.floor(bytes / UNIT));
  }

  /** Overwrites a damaged entry. */
  async correct(index: number, physicalOffset: number, size: number, tagsCode: number): Promise<void> {
    // What is in memory has never been on a disk that could damage it.
    if (index >= this.tail.first) return;
    const bytes = Buffer.alloc(UNIT);
    writeLong(bytes, physicalOffset, 0);
    bytes.writeInt32BE(size, 8);
    writeLong(bytes, tagsCode, 12);
    const start = this.files.startOf(index * UNIT);
    this.blocks.delete(this);
    await this.files.writeFully(bytes, 0, bytes.length, index * UNIT);
    this.files.unsynced.add(start);
    this.tail.sums.forget(start);
  }

  /** Starts over at entry `index`, with none before it in the files. */
  startAt(index: number): void {
    this.blocks.delete(this);
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
    for (const start of starts.toReversed()) {
      const begin = start / UNIT;
      this.tail.startAt(begin + fileSize / UNIT);
      this.tail.startAt(await this.lowest(view, begin, bad));
      if (this.next > begin) break;
    }
    await this.findFirst(view);
    this.assigned = this.next;
    await this.#measure(view);
  }

  /** Finds the first entry in the files; `trim` leaves out those whose messages are gone. */
  async findFirst(view: QueueView): Promise<void> {
    const { starts, fileSize } = this.files;
    const [firstStart] = starts;
    if (firstStart === undefined) return;
    const begin = firstStart / UNIT;
    const end = Math.min(this.next, begin + fileSize / UNIT);
    const message: EntryTest = (size, physicalOffset) => size !== FILLER_SIZE || physicalOffset !== 0;
    this.first = await this.lowest(view, begin, message, end);
    this.#setFirst(view, await this.read(view, this.first, 1));
  }

  /** Goes on as it was saved. @param files that are as they were saved: all that there are entries in */
  resume({ first, next, lastPhysical, maxPhysical }: QueueEnds, files: FileSum[]): void {
    this.startAt(next);
    this.tail.sums.files = files;
    const [firstFile] = files;
    this.first = Math.min(next, Math.max(first, firstFile ? firstFile.start / UNIT : next));
    this.lastPhysical = lastPhysical;
    this.maxPhysical = maxPhysical;
    // Or later: but if this one is there still, all are.
    if (firstFile) this.#firstPhysical = firstFile.firstPhysical;
  }

  /** Goes on behind files that are as they were saved, where those behind them are not. */
  async resumeAt(view: QueueView, index: number, first: number, files: FileSum[]): Promise<void> {
    this.resume({ first, next: index, lastPhysical: -1, maxPhysical: 0 }, files);
    this.#setFirst(view, await this.read(view, this.first, 1));
    await this.#measure(view);
  }

  /** Remembers how far the queue reaches now, for `saved`. */
  mark(): void {
    const { first, next, lastPhysical, maxPhysical } = this;
    this.#marked = { first, next, lastPhysical, maxPhysical };
    this.tail.sums.mark(this.next);
  }

  /** The queue as it was marked; the entries up to there must be in the files. */
  saved(): SavedQueue {
    const { topic, queueId, files } = this;
    return { topic, queueId, ...this.#marked, files: this.tail.sums.marked((start) => files.has(start)) };
  }

  /** What is left behind the end must not be taken for entries at the next start. Returns whether anything was. */
  async clearBehind(): Promise<boolean> {
    const { files } = this;
    const end = this.tail.flushed * UNIT;
    const start = files.startOf(end);
    const later = files.starts.filter((one) => one > start || (one === start && this.next * UNIT === one));
    for (const one of later) await files.remove(one);
    if (!files.has(start) || !(await files.clear(end, await files.farthestBehind(end)))) return later.length > 0;
    files.unsynced.add(start);
    return true;
  }

  /** The first entry in [from, end) for which `test` holds, which it does for all behind it too; else `end`. */
  lowest(view: QueueView, from: number, test: EntryTest, end = this.next): Promise<number> {
    return lowestEntry(this.read, view, from, end, test);
  }

  /** Adjusts the first entry to a log that begins at `minPhysical`. */
  async trim(view: QueueView, minPhysical: number): Promise<void> {
    if (this.#firstPhysical >= minPhysical) return;
    this.#setFirst(view, await this.read(view, this.first, 1));
    if (this.#firstPhysical >= 0 && this.#firstPhysical < minPhysical) {
      this.first = await this.lowest(view, this.first, (_, physicalOffset) => physicalOffset >= minPhysical);
      this.#setFirst(view, await this.read(view, this.first, 1));
    }
  }

  /** Removes the files of which no entry is left. */
  async removeGone(): Promise<void> {
    const { starts, fileSize } = this.files;
    for (let [first] = starts; first !== undefined && starts.length > 1; [first] = starts) {
      if (first + fileSize > this.first * UNIT) return;
      await this.files.remove(first);
    }
  }

  #setFirst(view: QueueView, shown: number): void {
    this.#firstPhysical = shown === 1 ? view.physicalOffset(0) : -1;
  }

  async #measure(view: QueueView): Promise<void> {
    this.maxPhysical = 0;
    this.lastPhysical = -1;
    if (this.next > this.first && (await this.read(view, this.next - 1, 1)) === 1) {
      this.lastPhysical = view.physicalOffset(0);
      this.maxPhysical = this.lastPhysical + view.size(0);
    }
  }
}
