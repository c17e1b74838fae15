// Owns the options that are numbers or flags: what each means, its default and its bounds.

/** The options that are numbers, with Apache's names, defaults and the bounds we hold them to. */
export const NUMBERS = {
  /** 0, a master: there are no slaves here. */
  brokerId: [0, 0, 0],
  /** Queues of a topic that is made by sending to it, at most. */
  defaultTopicQueueNums: [8, 1, 1024],
  /** Largest body of a message, bytes. */
  maxMessageSize: [4_194_304, 1, 15_728_640],
  /** Bits 4 read, 2 write. */
  brokerPermission: [6, 0, 7],
  /** Age at which an undecided transaction is asked after first, ms. */
  transactionTimeOut: [6_000, 0, 86_400_000],
  /** Time between two rounds of asking after undecided transactions, ms. */
  transactionCheckInterval: [30_000, 100, 86_400_000],
  /** After so many unanswered questions a transaction is given up. */
  transactionCheckMax: [15, 1, 1_000_000],
  /** Time between two registrations at the name servers, ms. */
  registerNameServerPeriod: [30_000, 10_000, 60_000],
  /** Time after which a changed consumer offset is on disk, ms. */
  flushConsumerOffsetInterval: [5_000, 10, 3_600_000],
  /** Time after which a changed delay offset is on disk, ms. */
  flushDelayOffsetInterval: [10_000, 10, 3_600_000],
  /** Silence after which a client counts as gone, ms. */
  channelExpiredTimeout: [120_000, 1_000, 86_400_000],
  /** Most bytes in one answer to a pull. */
  maxTransferBytesOnMessageInMemory: [262_144, 1_024, 15_728_640],
  /** Most messages in one answer to a pull. */
  maxTransferCountOnMessageInMemory: [32, 1, 1_024],
  /** Longest that a pull may wait for messages, ms, whatever its client asks. */
  maxSuspendTimeMillis: [120_000, 0, 3_600_000],
  /** Size of a file of the commit log, bytes. */
  mappedFileSizeCommitLog: [1_073_741_824, 65_536, 0x7fffffff],
  /** Size of a file of a consume queue, bytes. */
  mappedFileSizeConsumeQueue: [6_000_000, 20, 0x7fffffff],
  /** Slots of an index file. */
  maxHashSlotNum: [5_000_000, 1, 50_000_000],
  /** Entries of an index file. */
  maxIndexNum: [20_000_000, 2, 50_000_000],
  /** Most messages that a query by key finds. */
  maxMsgsNumBatch: [64, 1, 1_024],
  /** Time between two flushes with `flush: 'async'`, ms: what a loss of power may cost. */
  flushIntervalCommitLog: [500, 10, 60_000],
  /** Time that a file of the commit log is kept after its last write, hours. */
  fileReservedTime: [72, 1, 876_000],
  /** Time between two looks at the disk and at the age of files, ms. */
  cleanResourceInterval: [10_000, 100, 3_600_000],
  /** Share of the disk in use from which old files go at any hour, percent. */
  diskMaxUsedSpaceRatio: [75, 10, 95],
  /** Share of the disk in use from which files go whatever their age, percent. */
  diskSpaceCleanForciblyRatio: [85, 30, 99],
  /** Share of the disk in use from which messages are refused too, percent. */
  diskSpaceWarningLevelRatio: [90, 30, 99],
} as const satisfies Record<string, readonly [fallback: number, min: number, max: number]>;

/** The options that are on or off, with Apache's names and defaults. */
export const FLAGS = {
  /** Whether sending to an unknown topic makes it. */
  autoCreateTopicEnable: true,
  /** Whether the heartbeat of an unknown group makes it. */
  autoCreateSubscriptionGroup: true,
  /** Whether half messages are refused. */
  rejectTransactionMessage: false,
  /** Whether consumers are told when their group's members change. */
  notifyConsumerIdsChangedEnable: true,
  /** Whether the trace topic exists. */
  traceTopicEnable: false,
  /** Whether messages are sent out with TRACE_ON=true. */
  traceOn: true,
  /** Whether keys are indexed for queries. */
  messageIndexEnable: true,
  /**
   * Whether each stored message gets a checksum over all of it, as the property `__CRC32#`; without, its body alone has
   * one. On, other than Apache's: a bit that flips in a property is not served. Records with and without one may be mixed.
   */
  enabledAppendPropCRC: true,
  /** Whether checksums are looked at on recovery, and when a message is read from the disk. */
  checkCRCOnRecover: true,
} as const satisfies Record<string, boolean>;
