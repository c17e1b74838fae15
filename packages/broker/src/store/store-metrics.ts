// Collects the counters of the parts of the store.
import type { DiskUsage } from './files/file-system.js';
import type { CommitLog } from './commitlog/commit-log.js';
import type { EntryRepair } from './read/entry-repair.js';
import type { LogReader } from './commitlog/log-reader.js';
import type { CommitPipeline } from './write/pipeline.js';
import type { Recovered } from './lifecycle/recovery.js';
import type { Retention } from './lifecycle/retention.js';

/** Counters since the store was opened, and its present state. */
export interface StoreMetrics {
  /** Ranges of the log that cannot be read as records and were skipped. */
  corruptRanges: number;
  corruptBytes: number;
  /** Records that failed their check when read. */
  corruptRecords: number;
  /** Consume queue entries that were damaged, and were corrected from the log. */
  repairedEntries: number;
  /** Records found by scanning when the store was opened. */
  recoveredRecords: number;
  /** ms that opening took. */
  recoveryTime: number;
  writeFailures: number;
  flushFailures: number;
  /** Writes to the log, flushes of it. */
  commits: number;
  flushes: number;
  /** End of the log in memory; what lies beyond `committedOffset` has no queue entries yet. */
  appendedOffset: number;
  committedOffset: number;
  /** Everything below is on the disk. */
  flushedOffset: number;
  minPhysicalOffset: number;
  /** Share of the disk in use, 0 to 1; -1 unknown. */
  diskUsedRatio: number;
  /** Of that disk, bytes; undefined when unknown. */
  diskUsage: DiskUsage | undefined;
}

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
