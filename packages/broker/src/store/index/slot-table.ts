// Says where the parts of an index file are, and reads and writes its table of slots in large parts.
import { ENTRY, SLOT } from './pending-entries.js';
import type { OpenFiles } from '../files/open-files.js';
import { readFully, writeFully } from '../files/segment.js';
import type { Pause } from '../files/yield-to-event-loop.js';

export const HEADER = 40;
/** Bytes of the table that are read and written at once. */
export const TABLE_PART = 262_144;

export interface IndexLayout {
  maxHashSlotNum: number;
  maxIndexNum: number;
}

export function indexFileSize({ maxHashSlotNum, maxIndexNum }: IndexLayout): number {
  return HEADER + maxHashSlotNum * SLOT + maxIndexNum * ENTRY;
}

/** Where the entry of that number is in the file; they begin at 1. */
export function entryAt({ maxHashSlotNum }: IndexLayout, number: number): number {
  return HEADER + maxHashSlotNum * SLOT + number * ENTRY;
}

/** A part of the table, by bytes from its beginning. */
export interface Piece {
  from: number;
  length: number;
}

export class SlotTable {
  /** @param pause lets the event loop run now and then */
  constructor(
    readonly open: OpenFiles,
    readonly path: string,
    readonly layout: IndexLayout,
    readonly pause: Pause,
  ) {}

  /** Where the hash's slot is, bytes from the beginning of the table. */
  at(hash: number): number {
    return (hash % this.layout.maxHashSlotNum) * SLOT;
  }

  /** All of the table, piece by piece. */
  *pieces(): Iterable<Piece> {
    const size = this.layout.maxHashSlotNum * SLOT;
    for (let from = 0; from < size; from += TABLE_PART) yield { from, length: Math.min(TABLE_PART, size - from) };
  }

  /** Shows the pieces to `change`; one that it says it has changed goes back to the file. Returns whether any did. */
  async each<P extends Piece>(pieces: Iterable<P>, change: (bytes: Buffer, piece: P) => boolean): Promise<boolean> {
    const bytes = Buffer.allocUnsafeSlow(TABLE_PART);
    let changed = false;
    for (const piece of pieces) {
      const position = HEADER + piece.from;
      const read = await this.open.use(this.path, (file) => readFully(file, bytes, 0, piece.length, position));
      bytes.fill(0, read, piece.length);
      if (change(bytes, piece)) {
        await this.open.use(this.path, (file) => writeFully(file, bytes, 0, piece.length, position));
        changed = true;
      }
      await this.pause();
    }
    return changed;
  }
}
