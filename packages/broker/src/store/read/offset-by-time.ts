// Owns finding the place in a queue that belongs to a time. What it looks at is brought into the system's cache first: a
// search of a backlog goes to the disk some 20 times.
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import type { LogReader } from '../commitlog/log-reader.js';
import type { QueueView } from '../consumequeue/queue-view.js';
import type { Prefetch } from '../files/prefetch.js';

export class OffsetByTime {
  /** @param log of the log */
  constructor(
    private readonly view: QueueView,
    private readonly reader: LogReader,
    private readonly log: Prefetch,
  ) {}

  /** When the message at `index` was stored, ms since the epoch; undefined where there is none to be read. */
  async at(queue: ConsumeQueue, index: number): Promise<number | undefined> {
    const { view, reader } = this;
    await queue.warmUp(index, 1);
    if (index < queue.first || queue.read(view, index, 1) === 0) return undefined;
    const position = view.physicalOffset(0);
    const size = view.size(0);
    await this.log.bring(position, position + size);
    return reader.storeTimestamp(position, size);
  }

  /**
   * `LOWER`: the first message stored at `timestamp` or later, else the end of the queue. `UPPER`: the last one stored at
   * `timestamp` or earlier, else 0.
   */
  async offset(queue: ConsumeQueue, timestamp: number, boundary: 'LOWER' | 'UPPER'): Promise<number> {
    const wanted = boundary === 'LOWER' ? timestamp : timestamp + 1;
    let low = queue.first;
    let high = queue.next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [at, time] = await this.#readable(queue, middle, high);
      if (time === undefined || time >= wanted) high = middle;
      else low = at + 1;
    }
    if (boundary === 'LOWER') return low;
    return low > queue.first ? low - 1 : 0;
  }

  /** The first message from `index` on that can be read, and its time. */
  async #readable(queue: ConsumeQueue, index: number, end: number): Promise<[index: number, time: number | undefined]> {
    for (let at = index; at < end; at++) {
      const time = await this.at(queue, at);
      if (time !== undefined) return [at, time];
    }
    return [end, undefined];
  }
}
