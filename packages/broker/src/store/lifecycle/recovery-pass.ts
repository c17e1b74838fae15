// Rebuilds the consume queues from one walk over the commit log.
import type { Checkpoint } from './checkpoint.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import type { ConsumeQueues } from '../consumequeue/consume-queues.js';
import { LogScan } from '../commitlog/log-scan.js';
import type { CorruptRange, ScanVisitor } from '../commitlog/log-scan.js';
import { bytesIn, entriesInto, merged, missingRanges } from './log-ranges.js';
import type { SavedQueue, SavedQueues } from '../consumequeue/queue-checkpoint.js';
import { QueueView, VIEW_UNITS } from '../consumequeue/queue-view.js';
import { QueueRebuild } from '../consumequeue/queue-rebuild.js';
import type { QueueDamage } from '../consumequeue/queue-verification.js';
import { SHORTEST_RECORD } from '../commitlog/record.js';
import type { RecordView } from '../commitlog/record.js';
import type { SegmentFiles } from '../files/segment-files.js';
import { forEachLimit } from '../files/for-each-limit.js';
import type { TagsCodes } from '../consumequeue/tags-code.js';
import type { Pause } from '../files/yield-to-event-loop.js';

/** Entries that are compared with the files in one go. */
const MOST_WAITING = 250_000;
/** Queues whose files are read together: Node has four threads for it. */
const REBUILDS_AT_ONCE = 6;

export interface RecoveryOptions {
  log: SegmentFiles;
  queues: ConsumeQueues;
  checkpoint: Checkpoint;
  /** Whether the store was not closed cleanly. */
  aborted: boolean;
  /** The queues as the last checkpoint left them; undefined where that is not known. */
  saved: SavedQueues | undefined;
  /** Queues that are not as they were saved. */
  damaged: Map<ConsumeQueue, QueueDamage>;
  tagsCodes: TagsCodes;
  checkCrc: boolean;
  /** Bytes. */
  largestRecord: number;
  pause: Pause;
}

/** A part of the log that is lost. */
export interface LostRange extends CorruptRange {
  /** Messages whose entries lead there, by queue. */
  messages: Map<ConsumeQueue, number>;
}

export interface Recovered {
  /** Where the log ends. */
  end: number;
  /** Records that were looked at. */
  records: number;
  /** Parts of the log that are lost, with good records behind them. */
  lost: LostRange[];
  /** Queues that were compared with the log. */
  rebuilds: QueueRebuild[];
  /** Entries of theirs that were missing or other, and were rewritten. */
  changedEntries: number;
  /** Whether all queues were compared with the whole log. */
  compared: boolean;
  /** Records whose place in their queue was taken: they cannot be read by offset of the queue. */
  misplaced: number;
  lastStoreTimestamp: number;
}

/** One walk over the log, from a record up to the end. */
export class RecoveryPass implements ScanVisitor {
  records = 0;
  misplaced = 0;
  lastStoreTimestamp: number;
  readonly #ranges: CorruptRange[] = [];
  readonly #rebuilds = new Map<ConsumeQueue, QueueRebuild>();
  /** Records from here on are in no queue yet; all before are, but for those of `#rebuilds`. */
  readonly #position: number;
  #waiting = 0;

  constructor(readonly options: RecoveryOptions) {
    this.lastStoreTimestamp = options.checkpoint.physicMsgTimestamp;
    this.#position = options.saved?.position ?? 0;
  }

  /** Collects the queues that have to be compared. */
  async prepare(): Promise<void> {
    const { queues, saved, damaged, pause } = this.options;
    const before = new Map<ConsumeQueue, SavedQueue>();
    for (const one of saved?.queues ?? []) {
      const queue = queues.get(one.topic, one.queueId);
      if (queue) before.set(queue, one);
    }
    for (const queue of queues.all()) {
      const damage = damaged.get(queue);
      const one = before.get(queue);
      if (damage) this.#rebuild(queue, damage, one?.next ?? 0);
      else if (!saved) {
        const { next } = queue;
        queue.startAt(0);
        this.#rebuild(queue, { physicalOffset: 0, fromScratch: true }, next);
      } else if (!one) this.#rebuild(queue, { physicalOffset: this.#position, fromScratch: true }, 0);
      else if (this.options.aborted) await queue.clearBehind();
      await pause();
    }
  }

  #rebuild(
    queue: ConsumeQueue,
    damage: Pick<QueueDamage, 'physicalOffset' | 'fromScratch'>,
    expected: number,
  ): QueueRebuild {
    const rebuild = new QueueRebuild(queue, damage, expected);
    this.#rebuilds.set(queue, rebuild);
    return rebuild;
  }

  /** Where the walk has to begin. */
  async begin(scan: LogScan): Promise<number> {
    let from = this.#position;
    for (const rebuild of this.#rebuilds.values()) from = Math.min(from, rebuild.from);
    const newest = this.#newest();
    if (!newest || newest.lastPhysical < this.options.log.first) return from;
    const good = (await scan.recordAt(newest.lastPhysical)) && scan.record.queueOffset === newest.next - 1;
    return good ? from : Math.min(from, newest.lastPhysical);
  }

  /** The queue with the newest message that was there at the last checkpoint. */
  #newest(): SavedQueue | undefined {
    let newest: SavedQueue | undefined;
    for (const one of this.options.saved?.queues ?? [])
      if (!newest || one.lastPhysical > newest.lastPhysical) newest = one;
    return newest;
  }

  corrupt(range: CorruptRange): void {
    this.#ranges.push(range);
  }

  record(record: RecordView, buffer: Buffer): void {
    this.records++;
    this.lastStoreTimestamp = Math.max(this.lastStoreTimestamp, record.storeTimestamp);
    if (!record.queued) return;
    const { queues, tagsCodes, saved } = this.options;
    const name = buffer.toString('utf8', record.topicAt, record.topicAt + record.topicLength);
    const isNew = record.physicalOffset >= this.#position;
    // Before the checkpoint only queues that were there then count: others were deleted.
    const queue = isNew || !saved ? this.#queue(name, record) : queues.get(name, record.queueId);
    if (!queue) {
      if (isNew) this.misplaced++;
      return;
    }
    const rebuild = this.#rebuilds.get(queue);
    if (rebuild ? record.physicalOffset < rebuild.from : !isNew) return;
    if (saved && isNew) rebuild?.markNew();
    if (!this.#place(queue, rebuild, record)) return;
    queue.append(record.physicalOffset, record.size, tagsCodes.of(name, record, buffer));
    this.#waiting++;
  }

  #queue(name: string, { queueId }: RecordView): ConsumeQueue | undefined {
    const { queues, saved } = this.options;
    const topic = queues.topic(name);
    if (!topic) return undefined;
    const queue = queues.queue(topic, queueId);
    if (!saved && !this.#rebuilds.has(queue)) this.#rebuild(queue, { physicalOffset: 0, fromScratch: true }, 0);
    return queue;
  }

  /** Makes the queue ready for the record's entry; false where it has it, or must not have it. */
  #place(queue: ConsumeQueue, rebuild: QueueRebuild | undefined, record: RecordView): boolean {
    const { queueOffset, physicalOffset } = record;
    if (queueOffset === queue.next || (queue.next === 0 && !rebuild)) {
      if (rebuild) rebuild.reach(queueOffset, 0);
      else if (queueOffset > queue.next) queue.startAt(queueOffset);
      return true;
    }
    if (queueOffset > queue.next) return this.#bridge(queue, rebuild, record);
    if (queueOffset > 0) {
      this.misplaced++;
      return false;
    }
    // The topic was deleted and made again.
    const again = rebuild ?? this.#rebuild(queue, { physicalOffset, fromScratch: true }, 0);
    again.beginAgain();
    return true;
  }

  /** The queue lacks entries before the record's. */
  #bridge(queue: ConsumeQueue, known: QueueRebuild | undefined, { queueOffset, physicalOffset }: RecordView): boolean {
    const { log } = this.options;
    const missing = queueOffset - queue.next;
    const rebuild = known ?? this.#rebuild(queue, { physicalOffset, fromScratch: false }, queue.next);
    if (
      !rebuild.startsAnew &&
      queueOffset > rebuild.expected &&
      missing > (physicalOffset - log.first) / SHORTEST_RECORD
    ) {
      // No log of that length has held so many: the field itself is damaged.
      this.misplaced++;
      return false;
    }
    rebuild.reach(queueOffset, this.#lostAt(queue, physicalOffset));
    return true;
  }

  /** Where the queue's next entries lead, whose records are lost. */
  #lostAt({ maxPhysical }: ConsumeQueue, otherwise = maxPhysical): number {
    const last = this.#ranges.at(-1);
    return last && last.to > maxPhysical ? Math.max(last.from, maxPhysical) : otherwise;
  }

  /** Lets what waits be compared and written, if it is much. */
  pause(): Promise<void> | undefined {
    if (this.#waiting < MOST_WAITING) return this.options.pause();
    this.#waiting = 0;
    return this.#writeOut();
  }

  async #writeOut(): Promise<void> {
    for (const rebuild of this.#rebuilds.values()) await rebuild.writeOut();
  }

  /** Gives every queue the entries that it had, and removes those whose records are not there. */
  async finish(): Promise<void> {
    const { queues, saved, log, pause } = this.options;
    const lost = bytesIn(this.#ranges) + bytesIn(missingRanges(log));
    await forEachLimit(this.#rebuilds.values(), REBUILDS_AT_ONCE, async (rebuild) => {
      const { queue, expected } = rebuild;
      // What only the queue's own files say is believed as far as the log has lost so much.
      if (!saved && !rebuild.startsAnew && expected - queue.next > lost / SHORTEST_RECORD) rebuild.expected = 0;
      await rebuild.finish(this.#lostAt(queue));
      await pause();
    });
    for (const queue of queues.all()) queue.assigned = queue.next;
  }

  /** All that is known to be lost of the log, and what led there. */
  async lost(): Promise<LostRange[]> {
    const { log, saved, checkpoint, queues } = this.options;
    const known = saved?.lost.filter(({ to }) => to > log.first) ?? [];
    // Where Apache RocketMQ has gone on since, it may have removed old files.
    const before =
      saved && checkpoint.whole && saved.logFirst < log.first ? [{ from: saved.logFirst, to: log.first }] : [];
    const missing = missingRanges(log).filter(({ from }) => from < Math.max(this.#position, log.starts.at(-1) ?? 0));
    const view = new QueueView(VIEW_UNITS);
    const lost: LostRange[] = [];
    for (const range of merged([...before, ...known, ...missing, ...this.#ranges])) {
      const messages = new Map<ConsumeQueue, number>();
      for (const queue of queues.all()) {
        const count = await entriesInto(queue, view, range);
        if (count > 0) messages.set(queue, count);
      }
      lost.push({ ...range, messages });
    }
    return lost;
  }

  result(end: number, lost: LostRange[]): Recovered {
    const { records, misplaced, lastStoreTimestamp } = this;
    const compared = this.options.saved === undefined;
    const rebuilds = [...this.#rebuilds.values()];
    const changedEntries = rebuilds.reduce((sum, { changed }) => sum + bytesIn(changed), 0);
    return { end, records, lost, rebuilds, changedEntries, compared, misplaced, lastStoreTimestamp };
  }
}
