// Gathers what the parts of the store count.
import type { CommitLog } from './commit-log.js';
import type { EntryRepair } from './entry-repair.js';
import type { LogReader } from './log-reader.js';
import type { CommitPipeline } from './pipeline.js';
import type { Recovered } from './recovery.js';
import type { Retention } from './retention.js';
import type { StoreMetrics } from './types.js';

export interface MeteredParts {
  log: CommitLog;
  reader: LogReader;
  repair: EntryRepair;
  pipeline: CommitPipeline;
  retention: Retention;
  recovered: Recovered;
  /** ms. */
  recoveryTime: number;
}

export function metricsOf(parts: MeteredParts): StoreMetrics {
  const { log, reader, repair, pipeline, retention, recovered, recoveryTime } = parts;
  const { lost, records, changedEntries } = recovered;
  const { flusher } = pipeline;
  return {
    corruptRanges: lost.length,
    corruptBytes: lost.reduce((sum, { from, to }) => sum + to - from, 0),
    corruptRecords: reader.corruptRecords,
    repairedEntries: repair.repaired + changedEntries,
    recoveredRecords: records,
    recoveryTime,
    writeFailures: pipeline.writeFailures,
    flushFailures: pipeline.broken ? 1 : 0,
    commits: pipeline.commits,
    flushes: flusher.flushes,
    appendedOffset: log.appended,
    committedOffset: log.committed,
    flushedOffset: flusher.flushed,
    minPhysicalOffset: log.files.first,
    diskUsedRatio: retention.used,
    diskUsage: retention.usage,
  };
}
