// Finds the offset of a queue that belongs to a time.
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import type { LogReader } from '../commitlog/log-reader.js';
import { QueueView } from '../consumequeue/queue-view.js';

/** When the message at `index` was stored, ms since the epoch; undefined if there is none to be read. */
export async function storeTimestampAt(
  queue: ConsumeQueue,
  reader: LogReader,
  index: number,
): Promise<number | undefined> {
  const view = new QueueView(1);
  if (index < queue.first || (await queue.read(view, index, 1)) === 0) return undefined;
  return reader.storeTimestamp(view.physicalOffset(0), view.size(0));
}

/**
 * `LOWER`: the first message stored at `timestamp` or later, else the end of the queue. `UPPER`: the last one stored at
 * `timestamp` or earlier, else 0.
 */
export async function offsetByTime(
  queue: ConsumeQueue,
  reader: LogReader,
  timestamp: number,
  boundary: 'LOWER' | 'UPPER',
): Promise<number> {
  const wanted = boundary === 'LOWER' ? timestamp : timestamp + 1;
  let low = queue.first;
  let high = queue.next;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [at, time] = await readable(queue, reader, middle, high);
    if (time === undefined || time >= wanted) high = middle;
    else low = at + 1;
  }
  if (boundary === 'LOWER') return low;
  return low > queue.first ? low - 1 : 0;
}

/** The first message from `index` on that can be read, and its time. */
async function readable(
  queue: ConsumeQueue,
  reader: LogReader,
  index: number,
  end: number,
): Promise<[index: number, time: number | undefined]> {
  for (let at = index; at < end; at++) {
    const time = await storeTimestampAt(queue, reader, at);
    if (time !== undefined) return [at, time];
  }
  return [end, undefined];
}
