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
  /** Longest delay of a message with a time of its own, s: one that asks for more is refused. */
  timerMaxDelaySec: [259_200, 1, 1_123_200],
  /** Messages with a time of their own that wait, at most: each takes 20 bytes of memory. */
  maxPendingTimers: [10_000_000, 1, 100_000_000],
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
  /** Size of a file of the list of messages with a time of their own that is left for Apache's broker, bytes. */
  mappedFileSizeTimerLog: [104_857_600, 65_536, 0x7fffffff],
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
  /** Queues of one topic, and retry queues of one group, at most. */
  maxTopicQueueNums: [1_024, 1, 65_535],
  /** Topics, at most; retry and dead-letter topics count for their groups. A store that has more opens, and gets no others. */
  maxTopics: [10_000, 1, 10_000_000],
  /** Consumer groups, at most; and groups of producers that are online. */
  maxSubscriptionGroups: [10_000, 1, 10_000_000],
  /** Groups in the heartbeats of one client, at most. */
  maxGroupsPerClient: [1_024, 1, 1_000_000],
  /** Topics that one group subscribes to, at most. */
  maxSubscriptionsPerGroup: [1_024, 1, 1_000_000],
  /** Characters of the expression that a subscription filters by, at most. */
  maxFilterLength: [10_240, 1, 1_000_000],
  /** Queues in one request for locks, at most. */
  maxLockQueues: [16_384, 1, 10_000_000],
  /** Pulls that wait for messages at a time, at most. */
  maxHeldPulls: [100_000, 1, 100_000_000],
  /** Messages of one batch, at most: the answer names each, in a header of at most 1 MiB. */
  maxBatchMessages: [16_384, 1, 16_384],
  /** Brokers that the name server knows, at most. */
  maxRegisteredBrokers: [1_024, 1, 1_000_000],
  /** Topics that the name server knows, at most. */
  maxRegisteredTopics: [100_000, 1, 10_000_000],
  /** Key-values that the name server keeps, at most. */
  maxKVConfigs: [10_000, 1, 10_000_000],
  /** Connections at a time, at most, of the broker and of its name server. */
  maxConnections: [10_000, 1, 1_000_000],
  /** Time without a byte in or out after which a connection is closed, s. */
  serverChannelMaxIdleTimeSeconds: [120, 1, 86_400],
  /** Time that a connection may take to send its first frame, without a byte, ms. */
  firstFrameTimeout: [10_000, 100, 3_600_000],
  /** Time that a frame which has begun may stand still, ms; as a whole it may take that and 1 s for each 16 kB. */
  frameTimeout: [30_000, 100, 3_600_000],
  /** Time that a peer may read nothing of what waits for it, ms, before its connection is closed. */
  writeTimeout: [30_000, 100, 3_600_000],
  /** Bytes that wait for one peer, from which on it is neither read from nor sent messages. */
  writeBufferHighWaterMark: [1_048_576, 65_536, 0x7fffffff],
  /** Bytes that may wait for one peer before its connection is closed. */
  maxUnsentBytes: [67_108_864, 65_536, 0x7fffffff],
  /** Bytes that wait for all peers, from which on pulls wait too. */
  maxTotalUnsentBytes: [67_108_864, 65_536, 0x7fffffff],
  /** Bytes of half-received frames of all connections, from which on only the oldest goes on. */
  maxUnfinishedFrameBytes: [67_108_864, 65_536, 0x7fffffff],
  /** Requests of one connection that are served at a time. */
  maxRequestsPerConnection: [1_024, 1, 1_000_000],
} as const satisfies Record<string, readonly [fallback: number, min: number, max: number]>;

/** The options that are on or off, with Apache's names and defaults. */
export const FLAGS = {
  /** Whether sending to an unknown topic makes it. */
  autoCreateTopicEnable: true,
  /** Whether the heartbeat of an unknown group makes it. */
  autoCreateSubscriptionGroup: true,
  /** Whether messages with a time of their own are taken. */
  timerWheelEnable: true,
  /** Whether a message with a time of its own can be recalled. On, other than Apache's. */
  recallMessageEnable: true,
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
