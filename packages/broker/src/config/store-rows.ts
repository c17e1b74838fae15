// Declares the options of the broker's store; their defaults are the store's own.
import { STORE_DEFAULTS } from '../store/options.js';
import { HOURS_RANGE, checkHours, checkText } from './option-checks.js';
import { choice, flag, integer, text } from './option-row.js';

export const DEFAULT_STORE = '.rocketmq';

const { flush, deleteWhen } = STORE_DEFAULTS;

export const storeRows = {
  store: text({
    fallback: DEFAULT_STORE,
    range: 'a path, or `memory`',
    says: 'The folder of the store, or `memory` for one that is gone with the process.',
    conf: 'storePathRootDir',
    flag: { name: 'store', argument: 'DIR', fallback: DEFAULT_STORE, says: 'folder of the store, or "memory"' },
    check: checkText,
  }),
  flush: choice(['async', 'sync'], {
    fallback: flush,
    says: '`async`: a message is acknowledged when the file cache of the system has it. `sync`: when the disk has it.',
    conf: 'flushDiskType',
    confWords: new Map([
      ['ASYNC_FLUSH', 'async'],
      ['SYNC_FLUSH', 'sync'],
    ]),
    flag: {
      name: 'flush',
      argument: 'async|sync',
      fallback: flush,
      says: 'acknowledge a message when the system has it, or when the disk has it',
    },
  }),
  flushIntervalCommitLog: integer(
    STORE_DEFAULTS.flushIntervalCommitLog,
    [10, 60_000],
    'ms',
    'Time between two flushes with `flush: async`, which is what a loss of power may cost.',
  ),
  mappedFileSizeCommitLog: integer(
    STORE_DEFAULTS.mappedFileSizeCommitLog,
    [65_536, 0x7fffffff],
    'bytes',
    'Size of a file of the commit log.',
  ),
  mappedFileSizeConsumeQueue: integer(
    STORE_DEFAULTS.mappedFileSizeConsumeQueue,
    [20, 0x7fffffff],
    'bytes',
    'Size of a file of a consume queue.',
  ),
  mappedFileSizeTimerLog: integer(
    104_857_600,
    [65_536, 0x7fffffff],
    'bytes',
    "Size of a file of timerlog, the list of pending messages that is written for Apache's broker.",
  ),
  messageIndexEnable: flag(
    STORE_DEFAULTS.messageIndexEnable,
    'Whether keys are indexed, so that messages are found by them.',
  ),
  maxHashSlotNum: integer(STORE_DEFAULTS.maxHashSlotNum, [1, 50_000_000], 'slots', 'Slots of an index file.'),
  maxIndexNum: integer(STORE_DEFAULTS.maxIndexNum, [2, 50_000_000], 'entries', 'Entries of an index file.'),
  // Apache has it off. On, a bit that flips in a property is not served either.
  enabledAppendPropCRC: flag(
    true,
    'Whether each record gets a checksum over all of it, as the property `__CRC32#`; without, its body alone has one. ' +
      'Apache has it off. Records with and without one may be mixed.',
  ),
  checkCRCOnRecover: flag(
    STORE_DEFAULTS.checkCRCOnRecover,
    'Whether checksums are verified on recovery, and when a message is read from the disk.',
  ),
} as const;

export const retentionRows = {
  fileReservedTime: integer(
    STORE_DEFAULTS.fileReservedTime,
    [1, 876_000],
    'hours',
    'Time that a file of the commit log is kept after its last write.',
  ),
  deleteWhen: text({
    fallback: deleteWhen,
    range: HOURS_RANGE,
    says: 'Hours of the day, in local time, in which files that are old enough are deleted.',
    check: checkHours,
  }),
  cleanResourceInterval: integer(
    STORE_DEFAULTS.cleanResourceInterval,
    [100, 3_600_000],
    'ms',
    'Time between two looks at the age of files and at the space on the disk.',
  ),
  diskMaxUsedSpaceRatio: integer(
    STORE_DEFAULTS.diskMaxUsedSpaceRatio,
    [10, 95],
    'percent',
    'Share of the disk in use from which old files are deleted at any hour.',
  ),
  diskSpaceCleanForciblyRatio: integer(
    STORE_DEFAULTS.diskSpaceCleanForciblyRatio,
    [30, 99],
    'percent',
    'Share of the disk in use from which files are deleted whatever their age.',
  ),
  diskSpaceWarningLevelRatio: integer(
    STORE_DEFAULTS.diskSpaceWarningLevelRatio,
    [30, 99],
    'percent',
    'Share of the disk in use from which messages are refused too.',
  ),
} as const;
