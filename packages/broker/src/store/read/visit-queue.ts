// Reads a consume queue in long runs, off the event loop: for whoever has to know all of its entries.
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import { QueueView } from '../consumequeue/queue-view.js';

/** Entries read at once: 128 KiB. */
const ENTRIES_AT_ONCE = 6_553;

export type EntryVisitor = (physicalOffset: number, size: number, tagsCode: number, index: number) => void;

/** Visits the entries from the first whose message is at `position` of the log or behind it. */
export async function visitQueue(
  queue: ConsumeQueue | undefined,
  position: number,
  visit: EntryVisitor,
): Promise<void> {
  if (!queue) return;
  const view = new QueueView(ENTRIES_AT_ONCE);
  const from = await queue.lowest(view, queue.first, (_, physicalOffset) => physicalOffset >= position);
  for (let at = from, count = 1; count > 0; at += count) {
    count = await queue.read(view, at, ENTRIES_AT_ONCE);
    for (let entry = 0; entry < count; entry++)
      visit(view.physicalOffset(entry), view.size(entry), view.tagsCode(entry), at + entry);
  }
}
