// Owns finding a message again whose consume queue entry is damaged: its record lies between those of its neighbours.
import type { CommitLog } from './commit-log.js';
import { QueueView } from './queue-view.js';
import type { ConsumeQueue } from './consume-queue.js';
import { LogScan } from './log-scan.js';
import type { RecordView } from './record.js';

/** Bytes of the log that are searched for one message, at most: some ms. */
const FARTHEST = 16 * 1024 * 1024;

export class EntryRepair {
  /** Entries that were put right. */
  repaired = 0;
  readonly #log: CommitLog;
  readonly #scan: LogScan;
  readonly #view = new QueueView(1);
  /** Entries whose record is not there: not searched for again. */
  readonly #hopeless = new WeakMap<ConsumeQueue, Set<number>>();

  /** @param largestRecord bytes */
  constructor(log: CommitLog, checkCrc: boolean, largestRecord: number) {
    this.#log = log;
    this.#scan = new LogScan(log.files, checkCrc, largestRecord, () => undefined);
  }

  /** Puts the entry right, if its record is there. */
  repair(queue: ConsumeQueue, index: number): boolean {
    const hopeless = this.#hopeless.get(queue) ?? new Set();
    if (hopeless.has(index)) return false;
    const found = this.#search(queue, index);
    if (found) {
      queue.correct(index, found.physicalOffset, found.size);
      this.repaired++;
      return true;
    }
    this.#hopeless.set(queue, hopeless.add(index));
    return false;
  }

  #search(queue: ConsumeQueue, index: number): { physicalOffset: number; size: number } | undefined {
    const { files, committed } = this.#log;
    const view = this.#view;
    const from = index > queue.first && queue.read(view, index - 1, 1) === 1 ? view.physicalOffset(0) : files.first;
    const to = queue.read(view, index + 1, 1) === 1 ? view.physicalOffset(0) : committed;
    if (from < files.first || to > committed || to - from > FARTHEST) return undefined;
    let found: { physicalOffset: number; size: number } | undefined;
    const visit = (record: RecordView, buffer: Buffer): void => {
      if (!record.queued || record.queueOffset !== index || record.queueId !== queue.queueId) return;
      if (buffer.toString('utf8', record.topicAt, record.topicAt + record.topicLength) !== queue.topic) return;
      found = { physicalOffset: record.physicalOffset, size: record.size };
    };
    this.#scan.limit = to;
    this.#scan.advance(from, visit, () => found !== undefined);
    return found;
  }
}
