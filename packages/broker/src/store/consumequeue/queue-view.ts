// Owns how an entry of a consume queue is read from bytes.
import { readLong } from '../commitlog/record.js';

/** Bytes of an entry: int64 physical offset, int32 size, int64 tags code. */
export const UNIT = 20;
const EMPTY = Buffer.alloc(0);

/** Where the last `read` of any queue found its entries; good until the next one. */
export class QueueView {
  buffer: Buffer = EMPTY;
  at = 0;
  /** Entries. */
  count = 0;
  readonly scratch: Buffer;

  /** @param units entries that are read from a file at once, at most */
  constructor(readonly units: number) {
    this.scratch = Buffer.allocUnsafeSlow(units * UNIT);
  }

  physicalOffset(entry: number): number {
    return readLong(this.buffer, this.at + entry * UNIT);
  }

  size(entry: number): number {
    return this.buffer.readInt32BE(this.at + entry * UNIT + 8);
  }

  tagsCode(entry: number): number {
    return readLong(this.buffer, this.at + entry * UNIT + 12);
  }

  /** The low 32 bits of the tags code, which is all of a hash. */
  tagsHash(entry: number): number {
    return this.buffer.readInt32BE(this.at + entry * UNIT + 16);
  }
}
