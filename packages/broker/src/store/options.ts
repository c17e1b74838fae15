// Declares the options of the store, with their defaults.
import { DEFAULT_MESSAGE_DELAY_LEVEL, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import { UNIT } from './consumequeue/queue-view.js';
import type { FileSystem } from './files/file-system.js';
import type { HostAddress } from './message.js';

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
  /** `Retention.neededFrom` as long as it is not set; Infinity. */
  neededFrom?: () => number;
}

/** What a store has without options; a broker's defaults are taken from here. */
export const STORE_DEFAULTS = {
  flush: 'async',
  mappedFileSizeCommitLog: 1_073_741_824,
  mappedFileSizeConsumeQueue: 6_000_000,
  maxHashSlotNum: 5_000_000,
  maxIndexNum: 20_000_000,
  maxMessageSize: 4_194_304,
  messageIndexEnable: true,
  maxMsgsNumBatch: 64,
  enabledAppendPropCRC: false,
  checkCRCOnRecover: true,
  flushIntervalCommitLog: 500,
  checkpointInterval: 5_000,
  messageDelayLevel: DEFAULT_MESSAGE_DELAY_LEVEL,
  fileReservedTime: 72,
  deleteWhen: '04',
  cleanResourceInterval: 10_000,
  diskMaxUsedSpaceRatio: 75,
  diskSpaceCleanForciblyRatio: 85,
  diskSpaceWarningLevelRatio: 90,
  maxPendingBytes: 64 * 1024 * 1024,
  tailCacheBytes: 16 * 1024 * 1024,
  maxOpenFiles: 256,
  neededFrom: () => Infinity,
  logger: silentLogger,
} as const satisfies Partial<StoreOptions>;

export type StoreConfig = Required<StoreOptions>;

export function resolveStoreOptions(options: StoreOptions): StoreConfig {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const config = { ...STORE_DEFAULTS, ...given } as StoreConfig;
  config.mappedFileSizeConsumeQueue = wholeUnits(config.mappedFileSizeConsumeQueue);
  return config;
}

/** Apache rounds the size up to whole entries. */
function wholeUnits(bytes: number): number {
  return Math.ceil(bytes / UNIT) * UNIT;
}
