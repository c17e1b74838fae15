// Compares the entries of one consume queue with what the commit log says, and writes those that differ.
import type { ConsumeQueue } from './consume-queue.js';
import type { QueueDamage } from './queue-verification.js';
import { SHORTEST_RECORD } from '../commitlog/record.js';

/** Offsets of a queue, the second exclusive. */
export interface OffsetRange {
  from: number;
  to: number;
}

export class QueueRebuild {
  /** Entries that were missing or other. */
  readonly changed: OffsetRange[] = [];
  /** Entries whose records the log has no more. */
  readonly lost: OffsetRange[] = [];
  /** Records that begin before are in the queue. */
  readonly from: number;
  #fromScratch: boolean;
  /** Entries from here on need not have been in the files. */
  #newFrom = Infinity;

  /** @param expected entries that the queue had; so many it has again, whatever became of their records */
  constructor(
    readonly queue: ConsumeQueue,
    { physicalOffset, fromScratch }: Pick<QueueDamage, 'physicalOffset' | 'fromScratch'>,
    public expected: number,
  ) {
    this.from = physicalOffset;
    this.#fromScratch = fromScratch;
    queue.tail.onDifference = (index, count) => this.#differs(index, count);
  }

  /** Whether it has no entry yet, and may begin at any. */
  get startsAnew(): boolean {
    return this.#fromScratch;
  }

  /** Makes the queue ready for an entry at `index`, where none is yet. */
  reach(index: number, lostAt: number): void {
    if (this.#fromScratch && index > this.queue.next) this.queue.startAt(index);
    else this.fill(index, lostAt);
    this.#fromScratch = false;
  }

  /** Entries up to `end` lead to lost bytes: reading them finds no record, and goes on to the next. */
  fill(end: number, lostAt: number): void {
    const { queue } = this;
    if (queue.next >= end) return;
    this.lost.push({ from: queue.next, to: end });
    while (queue.next < end) queue.append(lostAt, SHORTEST_RECORD, 0);
  }

  /** The topic was deleted and made again: what came before does not count. */
  beginAgain(): void {
    this.queue.startAt(0);
    this.changed.length = this.lost.length = 0;
    this.expected = 0;
    this.#fromScratch = false;
  }

  /** Records from here on were stored behind the last checkpoint. */
  markNew(): void {
    this.#newFrom = Math.min(this.#newFrom, this.queue.next);
  }

  async writeOut(): Promise<void> {
    const { tail } = this.queue;
    await tail.writeOut();
    if (tail.failure !== undefined) throw tail.failure;
    tail.release();
  }

  /** @param lostAt where lost bytes of the log are, for entries whose records did not come */
  async finish(lostAt: number): Promise<void> {
    const { queue } = this;
    if (this.#fromScratch && this.expected > queue.next) queue.startAt(this.expected);
    else this.fill(this.expected, lostAt);
    if (queue.next === 0) await queue.files.removeAll();
    // A store may have 40,000 queues: those without files get them later, together.
    else if (queue.files.starts.length === 0) this.#differs(queue.tail.first, queue.next - queue.tail.first);
    else {
      await this.writeOut();
      await queue.clearBehind();
    }
    queue.tail.onDifference = undefined;
    queue.assigned = queue.next;
    for (const range of this.changed) range.to = Math.min(range.to, this.#newFrom);
  }

  #differs(index: number, count: number): void {
    if (index >= this.#newFrom) return;
    const last = this.changed.at(-1);
    if (last?.to === index) last.to += count;
    else if (count > 0) this.changed.push({ from: index, to: index + count });
  }
}
