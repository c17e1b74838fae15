// Decodes the entries of a consume queue from bytes.
import { readInt } from '@nest-rocketmq/remoting/internal';
import { readLong } from '../commitlog/record.js';

/** Bytes of an entry: int64 physical offset, int32 size, int64 tags code. */
export const UNIT = 20;
/** Entries read from a file at once: what a pull looks at, at most, when it filters. */
export const VIEW_UNITS = 800;
const EMPTY = Buffer.alloc(0);

/** Entries that a read of a queue has found; good until the next read with the same view. */
export class QueueView {
  buffer: Buffer = EMPTY;
  at = 0;
  /** Entries. */
  count = 0;
  #scratch: Buffer = EMPTY;

  /** @param units entries that are read from a file at once, at most */
  constructor(readonly units: number) {}

  /** Memory for so many entries. What the view shows is lost with it. */
  scratch(units: number): Buffer {
    if (this.#scratch.length < units * UNIT) this.#scratch = Buffer.allocUnsafe(units * UNIT);
    return this.#scratch;
  }

  /** Gives away the memory of what it shows: the next read with the view uses other memory. */
  detach(): Buffer {
    this.#scratch = EMPTY;
    return this.buffer;
  }

  /** Shows `count` entries from byte `at` of the buffer on. Returns how many. */
  show(buffer: Buffer, at: number, count: number): number {
    this.buffer = buffer;
    this.at = at;
    return (this.count = count);
  }

  physicalOffset(entry: number): number {
    return readLong(this.buffer, this.at + entry * UNIT);
  }

  size(entry: number): number {
    return readInt(this.buffer, this.at + entry * UNIT + 8);
  }

  tagsCode(entry: number): number {
    return readLong(this.buffer, this.at + entry * UNIT + 12);
  }

  /** The low 32 bits of the tags code, which is all of a hash. */
  tagsHash(entry: number): number {
    return readInt(this.buffer, this.at + entry * UNIT + 16);
  }
}
