// Owns finding the place in a queue that belongs to a time.
import type { ConsumeQueue } from './consume-queue.js';
import type { ConsumeQueues } from './consume-queues.js';
import type { LogReader } from './log-reader.js';

/** When the message at `index` was stored, ms since the epoch; undefined where there is none to be read. */
export function storeTimestampAt(
  queues: ConsumeQueues,
  queue: ConsumeQueue,
  reader: LogReader,
  index: number,
): number | undefined {
  if (index < queue.first || queue.read(queues.view, index, 1) === 0) return undefined;
  return reader.storeTimestamp(queues.view.physicalOffset(0), queues.view.size(0));
}

/**
 * `LOWER`: the first message stored at `timestamp` or later, else the end of the queue. `UPPER`: the last one stored at
 * `timestamp` or earlier, else 0.
 */
export function offsetByTimestamp(
  queues: ConsumeQueues,
  queue: ConsumeQueue,
  reader: LogReader,
  timestamp: number,
  boundary: 'LOWER' | 'UPPER',
): number {
  const wanted = boundary === 'LOWER' ? timestamp : timestamp + 1;
  let low = queue.first;
  let high = queue.next;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [at, time] = readable(queues, queue, reader, middle, high);
    if (time === undefined || time >= wanted) high = middle;
    else low = at + 1;
  }
  if (boundary === 'LOWER') return low;
  return low > queue.first ? low - 1 : 0;
}

/** The first message from `index` on that can be read, and its time. */
function readable(
  queues: ConsumeQueues,
  queue: ConsumeQueue,
  reader: LogReader,
  index: number,
  end: number,
): [index: number, time: number | undefined] {
  for (let at = index; at < end; at++) {
    const time = storeTimestampAt(queues, queue, reader, at);
    if (time !== undefined) return [at, time];
  }
  return [end, undefined];
}
