// Keeps a checksum of each file of a consume queue, as far as entries were written to it. The next start finds out by
// it whether a file is as it was left.
import { crc32 } from 'node:zlib';
import type { FileStat } from '../files/file-system.js';
import { UNIT } from './queue-view.js';

export interface FileSum {
  /** Where the file begins, bytes. */
  start: number;
  /** Entries from its beginning on that the checksum covers; 0 where the file must be compared with the log. */
  units: number;
  crc: number;
  /** Where in the commit log the first message begins whose entry was written to it. */
  firstPhysical: number;
  /** Of a full file: when it was last changed, ms since the epoch, and its number. 0 where that is not known. */
  changed: number;
  inode: number;
}

/**
 * ms that a file must not have been changed for before its time is trusted to tell the next change: systems round it, by
 * 2 s at most.
 */
const SETTLED = 2_000;

export class QueueSums {
  /** Ascending. */
  files: FileSum[] = [];
  /** Entries that the next `marked` covers; -1 without a mark. */
  #mark = -1;
  /** Checksum of the file that the mark is in, up to the mark; undefined while no more was written. */
  #crcAtMark: number | undefined;

  has(start: number): boolean {
    return this.files.some((file) => file.start === start);
  }

  /** A file of which nothing is known yet. @param prefix its bytes before the first entry that is written now */
  begin(start: number, prefix: Buffer, firstPhysical: number): void {
    this.files.push({ start, units: prefix.length / UNIT, crc: crc32(prefix), firstPhysical, changed: 0, inode: 0 });
  }

  /** Entries were written at `position`, all to the file that begins at `start`. */
  wrote(start: number, position: number, entries: Buffer): void {
    const file = this.files[this.files.length - 1];
    const end = position + entries.length;
    // The checksum does not cover what was corrected in the middle.
    if (!file || file.start !== start || start + file.units * UNIT !== position) return;
    const mark = this.#mark * UNIT;
    if (position <= mark && mark < end && mark > start)
      this.#crcAtMark = crc32(entries.subarray(0, mark - position), file.crc);
    file.crc = crc32(entries, file.crc);
    file.units = (end - start) / UNIT;
  }

  /** The file was changed elsewhere than at its end. */
  forget(start: number): void {
    for (const file of this.files) if (file.start === start) file.units = file.crc = file.changed = 0;
  }

  /** Forgets files, and files behind them, that the queue goes on without. */
  cutAt(index: number): void {
    this.files = this.files.filter((file) => file.start < index * UNIT);
    const last = this.files.at(-1);
    if (last && last.start + last.units * UNIT > index * UNIT) last.units = last.crc = last.changed = 0;
  }

  /** Full files whose times are not known. */
  unsettled(unitsPerFile: number): FileSum[] {
    return this.files.filter(({ units, changed }) => units === unitsPerFile && changed === 0);
  }

  /** Remembers what `marked` will tell: the state at this number of entries. */
  mark(next: number): void {
    this.#mark = next;
    this.#crcAtMark = undefined;
  }

  /** The files as they were, or will have been, with as many entries as were marked. @param has whether the file is there */
  marked(has: (start: number) => boolean): FileSum[] {
    const mark = this.#mark * UNIT;
    const files = this.files.filter(({ start }) => start < mark && has(start)).map((file) => ({ ...file }));
    const last = files.at(-1);
    if (!last || last.start + last.units * UNIT <= mark) return files;
    last.units = this.#crcAtMark === undefined ? 0 : this.#mark - last.start / UNIT;
    last.crc = this.#crcAtMark ?? 0;
    return files;
  }
}

/** Remembers when a file was last changed, unless that was just now. */
export function settle(file: FileSum, stat: FileStat | undefined): void {
  if (!stat || stat.changed + SETTLED > Date.now()) return;
  file.changed = stat.changed;
  file.inode = stat.inode;
}

/** Whether nobody has changed the file since. */
export function isUnchanged(file: FileSum, stat: FileStat | undefined): boolean {
  return file.changed > 0 && file.changed === stat?.changed && file.inode === stat.inode;
}
