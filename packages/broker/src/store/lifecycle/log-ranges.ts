// Computes which parts of the commit log are lost: its missing files, and bytes that are no record.
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import type { CorruptRange } from '../commitlog/log-scan.js';
import type { QueueView } from '../consumequeue/queue-view.js';
import type { SegmentFiles } from '../files/segment-files.js';

/** Gaps between the files, and what is missing at the end of some. */
export function missingRanges({ starts, fileSize, cut }: SegmentFiles): CorruptRange[] {
  const gaps = starts.slice(1).map((start, i) => ({ from: (starts[i] ?? 0) + fileSize, to: start }));
  return merged([...gaps.filter(({ from, to }) => from < to), ...cut]);
}

/** The same bytes in ranges that neither touch nor overlap, ascending. */
export function merged(ranges: Iterable<CorruptRange>): CorruptRange[] {
  const found: CorruptRange[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else found.push({ from, to });
  }
  return found;
}

export function bytesIn(ranges: Iterable<CorruptRange>): number {
  let sum = 0;
  for (const { from, to } of ranges) sum += to - from;
  return sum;
}

/** How many of the queue's entries lead into the range. */
export async function entriesInto(queue: ConsumeQueue, view: QueueView, { from, to }: CorruptRange): Promise<number> {
  if (queue.maxPhysical <= from) return 0;
  const begin = await queue.lowest(view, queue.first, (_, physicalOffset) => physicalOffset >= from);
  return (await queue.lowest(view, begin, (_, physicalOffset) => physicalOffset >= to)) - begin;
}
