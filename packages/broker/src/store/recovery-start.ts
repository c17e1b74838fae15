// Owns where recovery begins: behind what needs no look. Leaves the walk from there to recovery.ts.
import type { Checkpoint } from './checkpoint.js';
import type { ConsumeQueues } from './consume-queues.js';
import type { LogScan } from './log-scan.js';
import type { SegmentFiles } from './segment-files.js';

/** What says where to begin. */
export interface StartClues {
  log: SegmentFiles;
  queues: ConsumeQueues;
  checkpoint: Checkpoint;
  /** Whether the store was not closed cleanly. */
  aborted: boolean;
}

const ignore = (): void => {};
const goOn = (): boolean => false;

/**
 * A place in the log where a record begins, or the log ends, with all that is before in the queues. Undefined where
 * there is none that can be relied on: then the queues are to be built anew.
 */
export function findStart(scan: LogScan, options: StartClues): number | undefined {
  return options.aborted ? startAfterCrash(scan, options) : startAfterStop(scan, options);
}

function startAfterCrash(scan: LogScan, { log, queues, checkpoint }: StartClues): number | undefined {
  const limit = checkpoint.logicsPhysicalOffset;
  if (limit <= log.first || limit > log.end) return undefined;
  if (scan.recordAt(limit)) return limit;
  // Nothing was stored since the checkpoint: it is at the end of the log, if records lead exactly there.
  const { position } = lastOf(queues, limit);
  const from = position < log.first ? log.startOf(limit) : position;
  scan.limit = limit;
  const reached = scan.advance(from, ignore, goOn);
  scan.limit = Number.MAX_SAFE_INTEGER;
  if (reached === limit) return limit;
  return position >= log.first && scan.recordAt(position) ? position : undefined;
}

function startAfterStop(scan: LogScan, { log, queues, checkpoint }: StartClues): number | undefined {
  const { position, size } = lastOf(queues, Number.MAX_SAFE_INTEGER);
  const good = position >= log.first && scan.recordAt(position) && scan.record.size === size;
  const { cleanEnd } = checkpoint;
  // Apache keeps the rest of the checkpoint as it is: where it has gone on, there is a record at our end.
  if (cleanEnd <= log.first || cleanEnd > log.end || scan.recordAt(cleanEnd)) return good ? position : undefined;
  const { queueCount, entryCount } = queues.census();
  const complete = queueCount === checkpoint.queueCount && entryCount === checkpoint.entryCount;
  return complete && (good || position < log.first) ? cleanEnd : undefined;
}

/** The last record before `limit` that a queue has. */
function lastOf(queues: ConsumeQueues, limit: number): { position: number; size: number } {
  const { view } = queues;
  const last = { position: -1, size: 0 };
  for (const queue of queues.all()) {
    if (queue.lastPhysical <= last.position) continue;
    if (queue.lastPhysical < limit) {
      last.position = queue.lastPhysical;
      last.size = queue.maxPhysical - queue.lastPhysical;
      continue;
    }
    const behind = queue.lowest(view, queue.first, (_, physicalOffset) => physicalOffset >= limit);
    if (behind === queue.first || queue.read(view, behind - 1, 1) === 0) continue;
    if (view.physicalOffset(0) <= last.position) continue;
    last.position = view.physicalOffset(0);
    last.size = view.size(0);
  }
  return last;
}
