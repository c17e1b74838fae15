// Finds the first entry of a queue for which something holds that holds for all behind it, too.
import type { QueueView } from './queue-view.js';

export type EntryTest = (size: number, physicalOffset: number) => boolean;

/** Shows the entries from `index` on in the view; at most `count`, and fewer only at the end. Returns how many. */
export type EntryRead = (view: QueueView, index: number, count: number) => number | Promise<number>;

/** The first entry in [from, end) for which `test` holds, else `end`. */
export async function lowestEntry(
  read: EntryRead,
  view: QueueView,
  from: number,
  end: number,
  test: EntryTest,
): Promise<number> {
  let low = from;
  let high = end;
  // What the view shows. Few reads are made: a store may have 40,000 queues, most of them short.
  let at = low;
  let count = high - low > view.units ? await read(view, low, view.units) : 0;
  if (count > 0 && test(view.size(count - 1), view.physicalOffset(count - 1))) high = low + count;
  else low += count;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (middle < at || middle >= at + count) {
      at = high - low <= view.units ? low : middle;
      count = await read(view, at, at === low ? high - low : 1);
    }
    if (middle >= at + count) count = await read(view, (at = middle), 1);
    if (count === 0 || test(view.size(middle - at), view.physicalOffset(middle - at))) high = middle;
    else low = middle + 1;
  }
  return low;
}
