// Repairs the table of slots of an index file after a crash: slots may point to entries that the header does not count, and
// whose numbers are assigned again. They are pointed at the entries before these.
import { ENTRY, PREVIOUS_AT, SLOT } from './pending-entries.js';
import { entryAt, TABLE_PART } from './slot-table.js';
import type { SlotTable } from './slot-table.js';
import { readFully } from '../files/segment.js';

/** Entries that are read at once. One by one, they kept the event loop for 40 ms at a time after a restart. */
const ENTRIES_PART = 8_192;

/** @param uncounted number of the first entry that the header does not count */
export async function repairSlots(table: SlotTable, uncounted: number): Promise<void> {
  let highest = 0;
  const empty = Buffer.alloc(TABLE_PART);
  // Most of a table is empty, and comparing whole pieces is far faster than reading each slot.
  const isEmpty = (bytes: Buffer, length: number) => bytes.compare(empty, 0, length, 0, length) === 0;
  await table.each(table.pieces(), (bytes, { length }) => {
    if (isEmpty(bytes, length)) return false;
    for (let at = 0; at < length; at += SLOT) highest = Math.max(highest, bytes.readInt32BE(at));
    return false;
  });
  const previous = await previousFrom(table, uncounted, Math.min(highest, table.layout.maxIndexNum - 1));
  const counted = (number: number): number => {
    let known = number;
    while (known >= uncounted) {
      const before = previous[known - uncounted] ?? 0;
      known = before < known ? before : 0;
    }
    return Math.max(0, known);
  };
  const changed = await table.each(table.pieces(), (bytes, { length }) => {
    if (isEmpty(bytes, length)) return false;
    let different = false;
    for (let at = 0; at < length; at += SLOT) {
      const number = bytes.readInt32BE(at);
      if (number >= 0 && number < uncounted) continue;
      bytes.writeInt32BE(counted(number), at);
      different = true;
    }
    return different;
  });
  if (changed) await table.open.sync(table.path);
}

/** Of each entry from number `first` to `last`, the number of the one before it in its slot. */
async function previousFrom(
  { open, path, layout, pause }: SlotTable,
  first: number,
  last: number,
): Promise<Int32Array> {
  const previous = new Int32Array(Math.max(0, last + 1 - first));
  const part = Buffer.allocUnsafeSlow(ENTRIES_PART * ENTRY);
  for (let from = 0; from < previous.length; from += ENTRIES_PART) {
    const count = Math.min(ENTRIES_PART, previous.length - from);
    const read = await open.use(path, (file) => readFully(file, part, 0, count * ENTRY, entryAt(layout, first + from)));
    part.fill(0, read, count * ENTRY);
    for (let i = 0; i < count; i++) previous[from + i] = part.readInt32BE(i * ENTRY + PREVIOUS_AT);
    await pause();
  }
  return previous;
}
