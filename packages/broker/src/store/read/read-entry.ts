// Reads one entry of a consume queue, and has it repaired if it leads to no record.
import { SHORTEST_RECORD } from '../commitlog/record.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import { QueueView } from '../consumequeue/queue-view.js';
import type { EntryRepair } from './entry-repair.js';
import type { QueueEntry } from '../message.js';

/** Returns a promise only if something has to be read from the disk. */
export function readConsumeQueue(
  queue: ConsumeQueue,
  index: number,
  repair: EntryRepair,
): QueueEntry | undefined | Promise<QueueEntry | undefined> {
  if (index < queue.first) return undefined;
  const view = new QueueView(1);
  const read = queue.read(view, index, 1);
  return typeof read === 'number' ? entryOf(view) : readRepaired(queue, index, repair, view, read);
}

/** What is in memory is not damaged. */
async function readRepaired(
  queue: ConsumeQueue,
  index: number,
  repair: EntryRepair,
  view: QueueView,
  read: Promise<number>,
): Promise<QueueEntry | undefined> {
  if ((await read) === 0) return undefined;
  if (view.size(0) < SHORTEST_RECORD && (await repair.repair(queue, index))) await queue.read(view, index, 1);
  return entryOf(view);
}

function entryOf(view: QueueView): QueueEntry | undefined {
  if (view.count === 0) return undefined;
  return { physicalOffset: view.physicalOffset(0), size: view.size(0), tagsCode: view.tagsCode(0) };
}
