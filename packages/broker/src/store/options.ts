// Owns the defaults of the store's options.
import { DEFAULT_MESSAGE_DELAY_LEVEL, silentLogger } from '@nest-rocketmq/remoting';
import { wholeUnits } from './consume-queues.js';
import type { StoreOptions } from './types.js';

const DEFAULTS = {
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
  logger: silentLogger,
} as const satisfies Partial<StoreOptions>;

export type StoreConfig = Required<StoreOptions>;

export function resolveStoreOptions(options: StoreOptions): StoreConfig {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const config = { ...DEFAULTS, ...given } as StoreConfig;
  config.mappedFileSizeConsumeQueue = wholeUnits(config.mappedFileSizeConsumeQueue);
  return config;
}
