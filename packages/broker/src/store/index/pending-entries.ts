// Keeps the entries of an index file in memory that its table of slots does not point to yet. They are linked many at a
// time, part after part of the table: the table is 20 MB, and keeping it in memory, or writing 4 bytes of it for each key,
// would cost more than the messages.
import { readInt, writeInt } from '@nest-rocketmq/remoting/internal';
import { readLong, writeLong } from '../commitlog/record.js';

/** Bytes: int32 hash, int64 physical offset, int32 seconds, int32 number of the entry before it in its slot. */
export const ENTRY = 20;
export const SLOT = 4;
const FIRST_ENTRIES = 256;
export const SECONDS_AT = 12;
export const PREVIOUS_AT = 16;

/** A part of the table of slots, and the entries that belong to it. */
export interface TablePart {
  /** Bytes from the beginning of the table. */
  from: number;
  length: number;
  /** Number of the first of the entries; `PendingEntries.after` has the others, ascending. */
  first: number;
}

export class PendingEntries {
  /** Number of the first entry that waits. */
  first = 1;
  count = 0;
  bytes: Buffer = Buffer.alloc(0);
  /** Of each entry that `parts` has looked at, the number of the next one in its part; 0 behind the last. */
  #followers = new Int32Array(0);

  add(hash: number, physicalOffset: number, seconds: number): void {
    const at = this.count++ * ENTRY;
    if (at === this.bytes.length) this.#makeRoom();
    writeInt(this.bytes, hash, at);
    writeLong(this.bytes, physicalOffset, at + 4);
    writeInt(this.bytes, seconds, at + SECONDS_AT);
    writeInt(this.bytes, 0, at + PREVIOUS_AT);
  }

  hash(number: number): number {
    return readInt(this.bytes, (number - this.first) * ENTRY);
  }

  physicalOffset(number: number): number {
    return readLong(this.bytes, (number - this.first) * ENTRY + 4);
  }

  seconds(number: number): number {
    return readInt(this.bytes, (number - this.first) * ENTRY + SECONDS_AT);
  }

  /** Known once the entry's part of the table has been looked at. */
  previous(number: number): number {
    return readInt(this.bytes, (number - this.first) * ENTRY + PREVIOUS_AT);
  }

  setPrevious(number: number, previous: number): void {
    writeInt(this.bytes, previous, (number - this.first) * ENTRY + PREVIOUS_AT);
  }

  /**
   * The parts of the table that the first `count` entries belong to, in order; all of them before `parts` is called again.
   * @param part bytes of a part
   */
  *parts(count: number, slots: number, part: number): Iterable<TablePart> {
    const table = slots * SLOT;
    const heads = new Int32Array(Math.ceil(table / part));
    const followers = new Int32Array(count);
    this.#followers = followers;
    for (let i = count - 1; i >= 0; i--) {
      const at = Math.floor(((this.hash(this.first + i) % slots) * SLOT) / part);
      followers[i] = heads[at]!;
      heads[at] = this.first + i;
    }
    for (let i = 0; i < heads.length; i++) {
      if (heads[i] === 0) continue;
      const from = i * part;
      yield { from, length: Math.min(part, table - from), first: heads[i]! };
    }
  }

  /** Number of the entry behind this one in its part of the table; 0 with none. */
  after(number: number): number {
    return this.#followers[number - this.first]!;
  }

  /** Forgets the first `count` entries, which are linked. */
  shift(count: number): void {
    this.bytes.copyWithin(0, count * ENTRY, this.count * ENTRY);
    this.first += count;
    this.count -= count;
  }

  /** Gives the memory of an empty batch back. */
  release(): void {
    if (this.count === 0) this.bytes = Buffer.alloc(0);
  }

  #makeRoom(): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_ENTRIES * ENTRY, this.bytes.length * 2));
    this.bytes.copy(larger);
    this.bytes = larger;
  }
}
