// Walks over what the commit log held when the store was opened, to find out what became of messages before.
import type { CommitLog } from './commit-log.js';
import type { LogReader } from './log-reader.js';
import { LogScan } from './log-scan.js';
import { readLong } from './record.js';
import type { RecordView } from './record.js';
import type { Pause } from '../files/yield-to-event-loop.js';

/** Bytes from the field preparedTransactionOffset to the body. */
const PREPARED_OFFSET_TO_BODY = 12;

export interface LogHistoryOptions {
  log: CommitLog;
  reader: LogReader;
  /** Whether the store was not closed cleanly the last time. */
  aborted: boolean;
  /** Bytes. */
  largestRecord: number;
  pause: Pause;
}

/** A record of the log; its parts are in `buffer` until the visitor is done. */
export interface PastRecord {
  readonly buffer: Buffer;
  /** Where the record begins in `buffer`. */
  readonly start: number;
  readonly view: RecordView;
  readonly preparedTransactionOffset: number;
}

export class LogHistory {
  readonly aborted: boolean;
  /** Where the log ended. */
  readonly end: number;

  constructor(private readonly options: LogHistoryOptions) {
    this.aborted = options.aborted;
    this.end = options.log.committed;
  }

  /** Where the log begins. */
  get first(): number {
    return this.options.log.files.first;
  }

  /**
   * Visits the records from `position` on, where one begins, in slices that leave the event loop its turns. The walk goes
   * on when the promise is settled that `visit` may return.
   */
  async visit(position: number, visit: (record: PastRecord) => void | Promise<void>): Promise<void> {
    const { log, largestRecord, pause } = this.options;
    const from = Math.max(position, this.first);
    if (from >= this.end) return;
    const scan = new LogScan(log.files, false, largestRecord, pause);
    scan.knownEnd = this.end;
    await scan.walk(from, {
      record: (view, buffer) => {
        const start = view.propertiesAt + view.propertiesLength - view.size;
        return visit({
          buffer,
          start,
          view,
          preparedTransactionOffset: readLong(buffer, view.bodyAt - PREPARED_OFFSET_TO_BODY),
        });
      },
      // Recovery has named what is damaged.
      corrupt: () => {},
    });
  }

  /** Where a file of the log begins before which everything was stored before `timestamp` (ms since the epoch). */
  async positionBefore(timestamp: number): Promise<number> {
    const { log, reader } = this.options;
    for (const start of log.files.starts.toReversed()) {
      const record = await reader.read(start);
      const stored = record && (await reader.storeTimestamp(start, record.length));
      if (stored !== undefined && stored < timestamp) return start;
    }
    return this.first;
  }
}
