// Owns what goes into the store and what comes out of it, as types. Leaves the behaviour to store.ts.
import type { Clock, Logger } from '@nest-rocketmq/remoting';
import type { FileSystem } from './file-system.js';

/** What became of an append; the names are Apache's. */
export type PutStatus =
  | 'PUT_OK'
  | 'MESSAGE_ILLEGAL'
  | 'PROPERTIES_SIZE_EXCEEDED'
  /** Closed, disk full by the watermark, or a flush has failed: see `MessageStore.refusal`. */
  | 'SERVICE_NOT_AVAILABLE'
  /** The next file of the log could not be made. */
  | 'CREATE_MAPPED_FILE_FAILED'
  /** More is waiting for the disk than `maxPendingBytes`. */
  | 'OS_PAGE_CACHE_BUSY';

/** What a read of a queue found; the names are Apache's. */
export type GetMessageStatus =
  | 'FOUND'
  | 'NO_MATCHED_MESSAGE'
  | 'MESSAGE_WAS_REMOVING'
  | 'OFFSET_FOUND_NULL'
  | 'OFFSET_OVERFLOW_BADLY'
  | 'OFFSET_OVERFLOW_ONE'
  | 'OFFSET_TOO_SMALL'
  | 'NO_MATCHED_LOGIC_QUEUE'
  | 'NO_MESSAGE_IN_QUEUE';

export interface HostAddress {
  /** 4 or 16 bytes. */
  address: Buffer;
  port: number;
}

/** A message as it is to be stored. */
export interface MessageInner {
  /** The topic it is stored under. */
  topic: string;
  queueId: number;
  flag: number;
  /** The bits for IPv6 hosts are set by the store. */
  sysFlag: number;
  /** ms since the epoch. */
  bornTimestamp: number;
  /** 4 or 16 bytes. */
  bornHost: Buffer;
  bornPort: number;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
  body: Buffer;
  /** Encoded properties: `name 0x01 value 0x02 …`, UTF-8. */
  properties: Buffer;
  /** Java's hash of the property TAGS, 0 without. */
  tagsCode: number;
  /** On the schedule topic, ms: the consume queue then keeps the time of delivery instead of the tags. */
  deliverDelayMs?: number;
  /** Default: the broker's. */
  storeHost?: HostAddress;
  /** It was stored before: the limit of a body, which may have been lowered since, does not count. */
  again?: boolean;
}

/** One object that the store uses again for the next append: copy what you keep. */
export interface AppendResult {
  status: PutStatus;
  /** Position of the record in the commit log, bytes. */
  physicalOffset: number;
  /** Place in the queue. */
  queueOffset: number;
  /** Length of the record, bytes. */
  size: number;
  /** ms since the epoch. */
  storeTimestamp: number;
}

export interface GetResult {
  status: GetMessageStatus;
  nextBeginOffset: number;
  minOffset: number;
  /** Exclusive. */
  maxOffset: number;
  /** Whole records, several to a buffer. The caller's own. */
  body: Buffer[];
  /** Number of records in `body`. */
  count: number;
}

/** Entry of a consume queue. */
export interface QueueEntry {
  physicalOffset: number;
  size: number;
  tagsCode: number;
}

export interface QueryResult {
  /** Newest first. */
  records: Buffer[];
  lastUpdateTimestamp: number;
  lastUpdatePhyoffset: number;
}

/**
 * Decides by the low 32 bits of the tags code, and where that is not enough by the record. The record is read only
 * when asked for.
 */
export type MessageFilter = (tagsCode: number, record: () => Buffer | undefined) => boolean;

/** `failure` set: every record above the previous `upTo` was refused and is gone. */
export type CommittedListener = (upTo: number, failure?: Error) => void;
export type ArrivedListener = (topic: string, queueId: number, maxOffset: number, tagsCode: number) => void;

/** Names and defaults are Apache's where Apache has them. */
export interface StoreOptions {
  fileSystem: FileSystem;
  /** Folder of the store (Apache: storePathRootDir). */
  root: string;
  clock: Clock;
  logger?: Logger;
  /** Written into each record, and so into its message id. */
  storeHost: HostAddress;
  /** `async` (default): committed is what the system's file cache has. `sync`: what the disk has. */
  flush?: 'async' | 'sync';
  /** Bytes, 1073741824. */
  mappedFileSizeCommitLog?: number;
  /** Bytes, 6000000; rounded up to a multiple of 20. */
  mappedFileSizeConsumeQueue?: number;
  /** 5000000. */
  maxHashSlotNum?: number;
  /** 20000000. */
  maxIndexNum?: number;
  /** Largest body, bytes, 4194304. */
  maxMessageSize?: number;
  /** Whether keys are indexed, true. */
  messageIndexEnable?: boolean;
  /** Most records of one query, 64. */
  maxMsgsNumBatch?: number;
  /** Whether each record gets a checksum over all of it, as the property `__CRC32#`; false. A broker has it on. */
  enabledAppendPropCRC?: boolean;
  /** Whether bodies are checked on recovery and when read from disk, true. */
  checkCRCOnRecover?: boolean;
  /** ms between background flushes with `async`, 500. */
  flushIntervalCommitLog?: number;
  /** ms between checkpoints, 5000: a killed store scans no more than was written since the last one. */
  checkpointInterval?: number;
  /** Needed to rebuild the consume queue of delayed messages; Apache's 18 levels. */
  messageDelayLevel?: string;
  /** Hours that a file of the log is kept after its last write, 72. */
  fileReservedTime?: number;
  /** Hours of the day (local) in which old files are deleted, `;` between several: `04`. */
  deleteWhen?: string;
  /** ms between two looks at the disk, 10000. */
  cleanResourceInterval?: number;
  /** Percent of the disk used from which old files go at any hour, 75. */
  diskMaxUsedSpaceRatio?: number;
  /** Percent of the disk used from which files go whatever their age, 85. */
  diskSpaceCleanForciblyRatio?: number;
  /** Percent of the disk used from which messages are refused too, 90. */
  diskSpaceWarningLevelRatio?: number;
  /** Bytes that may wait for the disk before appends are refused, 67108864. */
  maxPendingBytes?: number;
  /** Bytes of the newest records that are served without touching the disk, 16777216. */
  tailCacheBytes?: number;
  /** Files held open at once, 256. */
  maxOpenFiles?: number;
}

/** Counters since the store was opened, and its present state. */
export interface StoreMetrics {
  /** Ranges of the log that cannot be read as records and were set aside. */
  corruptRanges: number;
  corruptBytes: number;
  /** Records that failed their check when read. */
  corruptRecords: number;
  /** Consume queue entries that were damaged, and were put right from the log. */
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
  diskUsage: { total: number; free: number } | undefined;
}
