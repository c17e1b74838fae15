// Owns finding the first entry of a queue for which something holds that holds for all behind it, too. Leaves reading
// the entries to whoever runs it, who may do so on the thread or off it.
import type { QueueView } from './queue-view.js';

export type EntryTest = (size: number, physicalOffset: number) => boolean;

/**
 * Asks for entries, as [index, count], to be shown in the view, and to be told how many are: fewer only at the end.
 * Ends with the first entry in [from, end) for which `test` holds, else with `end`.
 */
export type EntrySearch = Generator<[index: number, count: number], number, number>;

export function* lowestEntry(view: QueueView, from: number, end: number, test: EntryTest): EntrySearch {
  let low = from;
  let high = end;
  // What the view shows. Few reads are made: a store may have 40,000 queues, most of them short.
  let at = low;
  let count = high - low > view.units ? yield [low, view.units] : 0;
  if (count > 0 && test(view.size(count - 1), view.physicalOffset(count - 1))) high = low + count;
  else low += count;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (middle < at || middle >= at + count) {
      at = high - low <= view.units ? low : middle;
      count = yield [at, at === low ? high - low : 1];
    }
    if (middle >= at + count) count = yield [(at = middle), 1];
    if (count === 0 || test(view.size(middle - at), view.physicalOffset(middle - at))) high = middle;
    else low = middle + 1;
  }
  return low;
}
