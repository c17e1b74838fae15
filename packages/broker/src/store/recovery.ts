// Owns making the parts agree when a store is opened: where the log ends, which records lack their queue entry, which
// entries lack their record. The log is the truth; the rest is derived from it.
import type { Checkpoint } from './checkpoint.js';
import type { ConsumeQueue } from './consume-queue.js';
import { LogScan } from './log-scan.js';
import type { CorruptRange, ScanVisitor } from './log-scan.js';
import { findStart } from './recovery-start.js';
import type { StartClues } from './recovery-start.js';
import type { RecordView } from './record.js';
import { SHORTEST_RECORD } from './record.js';
import type { TagsCodes } from './tags-code.js';
import type { Pause } from './time-slices.js';

export interface RecoveryOptions extends StartClues {
  tagsCodes: TagsCodes;
  checkCrc: boolean;
  /** Bytes. */
  largestRecord: number;
  pause: Pause;
}

export interface Recovered {
  /** Where the log ends. */
  end: number;
  /** Records that were looked at. */
  records: number;
  /** Parts of the log that are lost, with good records behind them. */
  corrupt: CorruptRange[];
  /** Whether all queues were built anew from the whole log. */
  rebuilt: boolean;
  /** Records whose place in their queue was taken: they cannot be read by offset of the queue. */
  misplaced: number;
  lastStoreTimestamp: number;
}

/** The queues do not fit the log, and the part that was scanned cannot tell why. */
class QueuesDamaged extends Error {}

export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { log, queues, checkpoint } = options;
  if (log.starts.length === 0) {
    await lower(checkpoint, 0);
    for (const queue of queues.all()) queue.files.removeAll();
    for (const queue of queues.all()) queue.startAt(0);
    return { end: 0, records: 0, corrupt: [], rebuilt: false, misplaced: 0, lastStoreTimestamp: 0 };
  }
  const scan = new LogScan(log, options.checkCrc, options.largestRecord, options.pause);
  if (!options.aborted) scan.knownEnd = checkpoint.cleanEnd;
  if (checkpoint.whole) scan.reached = options.aborted ? checkpoint.logicsPhysicalOffset : checkpoint.cleanEnd;
  const sure = findStart(scan, options);
  const from = sure ?? log.first;
  let pass = new Pass(options, sure === undefined);
  await lower(checkpoint, sure ?? 0);
  let end: number;
  try {
    end = await pass.run(scan, from);
  } catch (error) {
    if (!(error instanceof QueuesDamaged)) throw error;
    pass = new Pass(options, true);
    await lower(checkpoint, 0);
    end = await pass.run(scan, log.first);
  }
  if (options.aborted || end !== checkpoint.cleanEnd) await scan.clearBehind(end);
  await queues.trim(log.first);
  await queues.removeGone();
  return pass.result(end);
}

/** What the queues have from there on may be changed now: a crash before the next checkpoint must not trust it. */
async function lower(checkpoint: Checkpoint, position: number): Promise<void> {
  if (position >= checkpoint.logicsPhysicalOffset) return;
  checkpoint.logicsPhysicalOffset = position;
  await checkpoint.save();
}

/** One walk over the log, from a record up to the end. */
class Pass implements ScanVisitor {
  records = 0;
  misplaced = 0;
  lastStoreTimestamp: number;
  readonly corruptRanges: CorruptRange[] = [];
  /** Per queue: behind its last entry that this walk has seen the record of. */
  readonly #confirmed = new Map<ConsumeQueue, number>();
  /** Offsets of queues that are built anew, in case that no record tells them. */
  readonly #before = new Map<ConsumeQueue, number>();
  #from = 0;
  #lost = 0;

  constructor(
    readonly options: RecoveryOptions,
    readonly whole: boolean,
  ) {
    this.lastStoreTimestamp = options.checkpoint.physicMsgTimestamp;
  }

  async run(scan: LogScan, from: number): Promise<number> {
    const { queues, log, pause } = this.options;
    this.#from = from;
    if (this.whole) {
      for (const queue of queues.all()) {
        this.#before.set(queue, queue.next);
        queue.files.removeAll();
        queue.startAt(0);
        await pause();
      }
    }
    const end = await scan.walk(from, this);
    for (const queue of queues.all()) {
      this.#finish(queue);
      await pause();
    }
    if (end > log.end) throw new Error(`the log ends at ${end}, behind its last file`);
    return end;
  }

  result(end: number): Recovered {
    const { records, misplaced, lastStoreTimestamp, corruptRanges: corrupt, whole: rebuilt } = this;
    return { end, records, corrupt, rebuilt, misplaced, lastStoreTimestamp };
  }

  corrupt(range: CorruptRange): void {
    this.corruptRanges.push(range);
    this.#lost += range.to - range.from;
  }

  record(record: RecordView, buffer: Buffer): void {
    this.records++;
    this.lastStoreTimestamp = Math.max(this.lastStoreTimestamp, record.storeTimestamp);
    if (!record.queued) return;
    const { queues, tagsCodes } = this.options;
    const name = buffer.toString('utf8', record.topicAt, record.topicAt + record.topicLength);
    const topic = queues.topic(name);
    if (!topic) {
      this.misplaced++;
      return;
    }
    const queue = queues.queue(topic, record.queueId);
    if (!this.#place(queue, record)) return;
    queue.append(record.physicalOffset, record.size, tagsCodes.of(name, record, buffer));
    this.#confirmed.set(queue, queue.next);
  }

  /** Makes the queue ready for the record's entry; false where it has it, or must not have it. */
  #place(queue: ConsumeQueue, record: RecordView): boolean {
    const { queueOffset } = record;
    if (queueOffset === queue.next) return true;
    return queueOffset > queue.next ? this.#bridge(queue, record) : this.#compare(queue, record);
  }

  /** The queue lacks entries before the record's. */
  #bridge(queue: ConsumeQueue, { queueOffset, physicalOffset }: RecordView): boolean {
    const missing = queueOffset - queue.next;
    if (queue.next === 0 && this.whole) {
      queue.startAt(queueOffset);
      return true;
    }
    if (!this.whole && this.#lost === 0) throw new QueuesDamaged();
    if (missing > (physicalOffset - this.options.log.first) / SHORTEST_RECORD) {
      // No log of that length has held so many: the field itself is damaged.
      this.misplaced++;
      return false;
    }
    this.#fill(queue, queueOffset, physicalOffset);
    return true;
  }

  /** Gives the queue entries up to `end` that lead to the damaged bytes: reading them finds no record, and goes on to the next. */
  #fill(queue: ConsumeQueue, end: number, otherwise = 0): void {
    const from = this.corruptRanges.at(-1)?.from ?? otherwise;
    while (queue.next < end) queue.append(from, SHORTEST_RECORD, 0);
  }

  /** The queue has an entry at the record's place. */
  #compare(queue: ConsumeQueue, { queueOffset, physicalOffset, size }: RecordView): boolean {
    const { view } = this.options.queues;
    const found = queueOffset >= queue.first && queue.read(view, queueOffset, 1) === 1;
    if (found && view.physicalOffset(0) === physicalOffset && view.size(0) === size) {
      this.#confirmed.set(queue, queueOffset + 1);
      return false;
    }
    const stale = queueOffset >= (this.#confirmed.get(queue) ?? 0) && (!found || view.physicalOffset(0) >= this.#from);
    if (stale) queue.truncate(view, queueOffset);
    else if (queueOffset === 0) this.#beginAgain(queue);
    else if (!this.whole) throw new QueuesDamaged();
    else this.misplaced++;
    return stale || queueOffset === 0;
  }

  /** The topic was deleted and made anew. */
  #beginAgain(queue: ConsumeQueue): void {
    queue.files.removeAll();
    queue.startAt(0);
  }

  /** Removes entries whose records are not there. */
  #finish(queue: ConsumeQueue): void {
    const { view } = this.options.queues;
    const before = this.#before.get(queue) ?? 0;
    if (this.whole && queue.next === 0 && before > 0) queue.startAt(before);
    else if (before - queue.next <= this.#lost / SHORTEST_RECORD) this.#fill(queue, before);
    // Its record was not behind the checkpoint: the entry is damaged, and its record may be anywhere.
    if (!this.whole && queue.leftOut >= queue.next) throw new QueuesDamaged();
    if (!this.whole && queue.maxPhysical > this.#from) {
      const unseen = queue.lowest(view, queue.first, (_, physicalOffset) => physicalOffset >= this.#from);
      queue.truncate(view, Math.max(unseen, this.#confirmed.get(queue) ?? 0));
    }
    queue.assigned = queue.next;
  }
}
