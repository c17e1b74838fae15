// Keeps the newest entries of one consume queue in memory, and writes them out in batches: after a crash they are rebuilt
// from the commit log.
import { QueueSums } from './queue-sums.js';
import { UNIT } from './queue-view.js';
import type { QueueView } from './queue-view.js';
import { readLong, writeLong } from '../commitlog/record.js';
import type { SegmentFiles } from '../files/segment-files.js';

/** Size in an entry that stands before the queue's first message in its first file. */
export const FILLER_SIZE = 0x7fffffff;
const FIRST_UNITS = 16;
/** Entries that wait before they are written out. */
const MANY_UNITS = 8_192;
const EMPTY = Buffer.alloc(0);

/** Told of entries that a file had otherwise than the log says. */
export type DifferenceListener = (index: number, count: number) => void;

export class QueueTail {
  readonly sums = new QueueSums();
  /**
   * Set while the queue is compared with the log: entries are appended that the files may have already. What is
   * written then is compared first.
   */
  onDifference: DifferenceListener | undefined;
  /** Entries so far. */
  next = 0;
  /** Entries below are in the files. */
  flushed = 0;
  /** Why the last batch could not be written out; the entries wait in memory. */
  failure: unknown;
  #memory = EMPTY;
  /** The entry at the beginning of `#memory`; all from there to `next` are in it. */
  #first = 0;
  /** While `#memory` is being written, and must stay as it is. */
  #writing: Promise<void> | undefined;
  #removed = false;

  constructor(private readonly files: SegmentFiles) {}

  append(physicalOffset: number, size: number, tagsCode: number): void {
    let at = (this.next - this.#first) * UNIT;
    if (at === this.#memory.length) {
      this.#makeRoom();
      at = (this.next - this.#first) * UNIT;
    }
    const memory = this.#memory;
    writeLong(memory, physicalOffset, at);
    memory[at + 8] = size >>> 24;
    memory[at + 9] = size >>> 16;
    memory[at + 10] = size >>> 8;
    memory[at + 11] = size;
    writeLong(memory, tagsCode, at + 12);
    this.next++;
  }

  /** The first entry that is in memory; all behind it are. */
  get first(): number {
    return this.#first;
  }

  /** Points the view at the entries from `index` on, which is not below `first`. */
  show(view: QueueView, index: number, count: number): number {
    return view.show(this.#memory, (index - this.#first) * UNIT, Math.min(count, this.next - index));
  }

  /** Whether there are entries to write, and no topic was deleted under them. */
  get waits(): boolean {
    return this.flushed < this.next && !this.#removed;
  }

  /** Writes the entries that wait. What fails is kept, and `failure` says why. Never rejects. */
  async writeOut(): Promise<void> {
    // What came since it began is not in it.
    while (this.#writing) await this.#writing;
    if (!this.waits) return;
    this.#writing = this.#write(this.next).finally(() => (this.#writing = undefined));
    await this.#writing;
  }

  async #write(end: number): Promise<void> {
    try {
      while (this.flushed < end && !this.#removed) await this.#writeToEndOfFile(end);
      this.failure = undefined;
    } catch (error) {
      this.failure = this.#removed ? undefined : error;
    }
  }

  /** Gives back the memory of a queue that has nothing to write. */
  release(): void {
    if (this.flushed < this.next || this.#memory.length === 0) return;
    this.#memory = EMPTY;
    this.#first = this.next;
  }

  /** Forgets all, and goes on at entry `index`: those below are in the files. */
  startAt(index: number): void {
    this.next = this.flushed = this.#first = index;
    this.#memory = EMPTY;
    this.sums.cutAt(index);
  }

  /** Removes the files, as soon as nothing is written to them any more. */
  async remove(): Promise<void> {
    this.#removed = true;
    await this.#writing;
    await this.files.removeAll();
  }

  async #writeToEndOfFile(end: number): Promise<void> {
    const position = this.flushed * UNIT;
    const start = this.files.startOf(position);
    const entries = this.#entriesToEndOfFile(start, end);
    const same = this.onDifference !== undefined && (await this.#isInFile(start, position, entries));
    if (!this.files.has(start)) {
      await this.files.ensure(start);
      await this.#fillTo(position, start);
    }
    if (!same) await this.files.writeFully(entries, 0, entries.length, position);
    await this.#wrote(start, entries);
  }

  /** Whether the file has the entries already; reports those that differ. */
  async #isInFile(start: number, position: number, entries: Buffer): Promise<boolean> {
    const found = Buffer.alloc(entries.length);
    if (this.files.has(start)) {
      if (position > start && !this.sums.has(start)) await this.#mendPrefix(position, start);
      const count = await this.files.read(found, 0, found.length, position);
      found.fill(0, count);
    }
    if (found.equals(entries)) return true;
    for (let at = 0; at < entries.length; at += UNIT)
      if (entries.compare(found, at, at + UNIT, at, at + UNIT) !== 0) this.onDifference?.((position + at) / UNIT, 1);
    return false;
  }

  /** Zeros before the first entry would be taken for the end of the queue. */
  async #mendPrefix(position: number, start: number): Promise<void> {
    const prefix = Buffer.alloc(position - start);
    await this.files.read(prefix, 0, prefix.length, start);
    for (let at = 0; at < prefix.length; at += UNIT)
      if (prefix.readInt32BE(at + 8) <= 0) return this.#fillTo(position, start);
  }

  #entriesToEndOfFile(start: number, end: number): Buffer {
    const from = (this.flushed - this.#first) * UNIT;
    const length = Math.min((end - this.flushed) * UNIT, start + this.files.fileSize - this.flushed * UNIT);
    return this.#memory.subarray(from, from + length);
  }

  async #wrote(start: number, entries: Buffer): Promise<void> {
    const position = this.flushed * UNIT;
    if (!this.sums.has(start)) {
      const prefix = Buffer.alloc(position - start);
      await this.files.read(prefix, 0, prefix.length, start);
      this.sums.begin(start, prefix, readLong(entries, 0));
    }
    this.sums.wrote(start, position, entries);
    this.flushed += entries.length / UNIT;
    this.files.unsynced.add(start);
  }

  /** Entries before the first one of a queue that begins within a file. */
  async #fillTo(position: number, start: number): Promise<void> {
    if (position === start) return;
    const fill = Buffer.alloc(position - start);
    for (let at = 0; at < fill.length; at += UNIT) fill.writeInt32BE(FILLER_SIZE, at + 8);
    try {
      await this.files.writeFully(fill, 0, fill.length, start);
    } catch (error) {
      // Zeros before its first entry would be taken for its end.
      await this.files.remove(start);
      throw error;
    }
  }

  #makeRoom(): void {
    // While it is compared with the log, the rebuild writes it out.
    if (!this.onDifference && !this.#writing && this.next - this.#first >= MANY_UNITS) void this.writeOut();
    // A new buffer even where the old one has room again: it may be on its way to the disk.
    const kept = this.next - this.flushed;
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_UNITS, kept * 2) * UNIT);
    this.#memory.copy(larger, 0, (this.flushed - this.#first) * UNIT);
    this.#memory = larger;
    this.#first = this.flushed;
  }
}
