// Lists the options of a broker, as a user sees them. Written from the rows in option-rows.ts (UPDATE_DOCS=1 npm test -- config/option-docs).
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import type { FileSystem } from '../store/files/file-system.js';

/** Every option has Apache's name and default where Apache has one. */
export interface BrokerOptions {
  /**
   * Where the broker listens. Port 0 takes a free one; a port that is named brings along the second one below it, for
   * clients with a VIP channel. Default: nowhere, only `dial` reaches the broker; allowed: host:port, or false. In
   * broker.conf: listenPort.
   */
  listen?: string | false;
  /**
   * Where the name server listens. Default: `127.0.0.1:9876` with `listen`, nowhere without; allowed: host:port, or
   * false.
   */
  nameServerListen?: string | false;
  /** The broker's name. Default: `broker-a`; allowed: 1 to 100 letters, digits, "-" and "_". */
  brokerName?: string;
  /** The name of the broker's cluster. Default: `DefaultCluster`; allowed: 1 to 100 letters, digits, "-" and "_". */
  brokerClusterName?: string;
  /**
   * Another name for `brokerClusterName`, which comes first. Default: that of `brokerClusterName`; allowed: 1 to 100
   * letters, digits, "-" and "_".
   */
  clusterName?: string;
  /** The broker's id. It is always 0, a master: there are no slaves here. Default: `0`; allowed: 0 to 0. */
  brokerId?: number;
  /**
   * The address that clients are told. Default: the host of `listen`; for 0.0.0.0 the address of the first network
   * card.
   */
  brokerIP1?: string;
  /** Other name servers to register at too. Default: none; allowed: host:port, `;` between several. */
  namesrvAddr?: string;
  /** Time between two registrations at the name servers. Default: `30000`; allowed: ms, 10000 to 60000. */
  registerNameServerPeriod?: number;
  /**
   * The MSG_REGION that a producer is told with each answer. Default: `DefaultRegion`; allowed: 1 to 100 letters,
   * digits, "-" and "_".
   */
  regionId?: string;
  /** Whether a topic is created by sending to it. Default: `true`. */
  autoCreateTopicEnable?: boolean;
  /** Most queues of a topic that is created by sending to it. Default: `8`; allowed: 1 to 1024. */
  defaultTopicQueueNums?: number;
  /** Whether a consumer group is created by its first heartbeat. Default: `true`. */
  autoCreateSubscriptionGroup?: boolean;
  /** What the broker permits: bit 4 to read, bit 2 to write. Default: `6`; allowed: 0 to 7. */
  brokerPermission?: number;
  /** Whether a reply is stored, beside being pushed to its requester. Default: `true`. */
  storeReplyMessageEnable?: boolean;
  /** Whether consumers that poll are served (LITE_PULL_MESSAGE). Default: `true`. */
  litePullMessageEnable?: boolean;
  /** Whether consumers may filter by SQL92 expressions. Apache has it off. Default: `true`. */
  enablePropertyFilter?: boolean;
  /** Whether the trace topic exists from the start. Default: `false`. */
  traceTopicEnable?: boolean;
  /** The name of that topic. Default: `RMQ_SYS_TRACE_TOPIC`; allowed: 1 to 100 letters, digits, "-" and "_". */
  msgTraceTopicName?: string;
  /** Whether producers are told TRACE_ON=true. Default: `true`. */
  traceOn?: boolean;
  /** Whether consumers are told when the members of their group change. Default: `true`. */
  notifyConsumerIdsChangedEnable?: boolean;
  /** Time without a heartbeat after which a client counts as gone. Default: `120000`; allowed: ms, 1000 to 86400000. */
  channelExpiredTimeout?: number;
  /** Longest time until a changed consumer offset is on disk. Default: `5000`; allowed: ms, 10 to 3600000. */
  flushConsumerOffsetInterval?: number;
  /** Most messages in one answer to a pull. Default: `32`; allowed: messages, 1 to 1024. */
  maxTransferCountOnMessageInMemory?: number;
  /**
   * Most bytes in one answer to a pull, which has one message at least. Default: `262144`; allowed: bytes, 1024 to
   * 15728640.
   */
  maxTransferBytesOnMessageInMemory?: number;
  /**
   * Longest time that a pull waits for messages, whatever its client asks for. Default: `120000`; allowed: ms, 0 to
   * 86400000.
   */
  maxSuspendTimeMillis?: number;
  /**
   * Lengths of the delay levels, the first is level 1. Default: `1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m
   * 1h 2h`; allowed: up to 128 lengths, such as "1s 5s 10m 2h 1d".
   */
  messageDelayLevel?: string;
  /** Longest time until a changed offset of a delay level is on disk. Default: `10000`; allowed: ms, 10 to 3600000. */
  flushDelayOffsetInterval?: number;
  /** Whether messages with a delivery time of their own are accepted. Default: `true`. */
  timerWheelEnable?: boolean;
  /**
   * Whether a message with a delivery time of its own can be recalled. On by default, unlike Apache's. Default: `true`.
   */
  recallMessageEnable?: boolean;
  /**
   * Longest delay of a message with a delivery time of its own. Apache's timer wheel reaches 14 days. Default:
   * `259200`; allowed: s, 1 to 1123200.
   */
  timerMaxDelaySec?: number;
  /** Whether half messages are refused. Default: `false`. */
  rejectTransactionMessage?: boolean;
  /**
   * Age at which an undecided transaction is checked for the first time. Default: `6000`; allowed: ms, 0 to 86400000.
   */
  transactionTimeOut?: number;
  /** Time between two checks of undecided transactions. Default: `30000`; allowed: ms, 100 to 86400000. */
  transactionCheckInterval?: number;
  /** A transaction that is undecided after so many checks is given up. Default: `15`; allowed: checks, 1 to 1000000. */
  transactionCheckMax?: number;
  /**
   * The folder of the store, or `memory` for one that is gone with the process. Default: `.rocketmq`; allowed: a path,
   * or `memory`. In broker.conf: storePathRootDir.
   */
  store?: string;
  /**
   * `async`: a message is acknowledged when the file cache of the system has it. `sync`: when the disk has it. Default:
   * `async`. In broker.conf: flushDiskType.
   */
  flush?: 'async' | 'sync';
  /**
   * Time between two flushes with `flush: async`, which is what a loss of power may cost. Default: `500`; allowed: ms,
   * 10 to 60000.
   */
  flushIntervalCommitLog?: number;
  /** Size of a file of the commit log. Default: `1073741824`; allowed: bytes, 65536 to 2147483647. */
  mappedFileSizeCommitLog?: number;
  /** Size of a file of a consume queue. Default: `6000000`; allowed: bytes, 20 to 2147483647. */
  mappedFileSizeConsumeQueue?: number;
  /**
   * Size of a file of timerlog, the list of pending messages that is written for Apache's broker. Default: `104857600`;
   * allowed: bytes, 65536 to 2147483647.
   */
  mappedFileSizeTimerLog?: number;
  /** Whether keys are indexed, so that messages are found by them. Default: `true`. */
  messageIndexEnable?: boolean;
  /** Slots of an index file. Default: `5000000`; allowed: slots, 1 to 50000000. */
  maxHashSlotNum?: number;
  /** Entries of an index file. Default: `20000000`; allowed: entries, 2 to 50000000. */
  maxIndexNum?: number;
  /**
   * Whether each record gets a checksum over all of it, as the property `__CRC32#`; without, its body alone has one.
   * Apache has it off. Records with and without one may be mixed. Default: `true`.
   */
  enabledAppendPropCRC?: boolean;
  /** Whether checksums are verified on recovery, and when a message is read from the disk. Default: `true`. */
  checkCRCOnRecover?: boolean;
  /** Time that a file of the commit log is kept after its last write. Default: `72`; allowed: hours, 1 to 876000. */
  fileReservedTime?: number;
  /**
   * Hours of the day, in local time, in which files that are old enough are deleted. Default: `04`; allowed: hours from
   * 0 to 23, ";" between several.
   */
  deleteWhen?: string;
  /**
   * Time between two looks at the age of files and at the space on the disk. Default: `10000`; allowed: ms, 100 to
   * 3600000.
   */
  cleanResourceInterval?: number;
  /**
   * Share of the disk in use from which old files are deleted at any hour. Default: `75`; allowed: percent, 10 to 95.
   */
  diskMaxUsedSpaceRatio?: number;
  /**
   * Share of the disk in use from which files are deleted whatever their age. Default: `85`; allowed: percent, 30 to
   * 99.
   */
  diskSpaceCleanForciblyRatio?: number;
  /** Share of the disk in use from which messages are refused too. Default: `90`; allowed: percent, 30 to 99. */
  diskSpaceWarningLevelRatio?: number;
  /** Most queues of one topic, and most retry queues of one group. Default: `1024`; allowed: queues, 1 to 65535. */
  maxTopicQueueNums?: number;
  /**
   * Most topics. Retry and dead-letter topics count for their groups. A store that has more opens, and gets no others.
   * Default: `10000`; allowed: topics, 1 to 10000000.
   */
  maxTopics?: number;
  /**
   * Most consumer groups, and most groups of producers that are online. Default: `10000`; allowed: groups, 1 to
   * 10000000.
   */
  maxSubscriptionGroups?: number;
  /** Largest body of a message. Default: `4194304`; allowed: bytes, 1 to 15728640. */
  maxMessageSize?: number;
  /**
   * Most messages of one batch: the answer names each of them, in a header of 1 MiB at most. Default: `16384`; allowed:
   * messages, 1 to 16384.
   */
  maxBatchMessages?: number;
  /** Most messages that a query by key finds. Default: `64`; allowed: messages, 1 to 1024. */
  maxMsgsNumBatch?: number;
  /** Longest expression that a subscription filters by. Default: `10240`; allowed: characters, 1 to 1000000. */
  maxFilterLength?: number;
  /**
   * Most parentheses, NOTs and signs inside each other in an SQL92 expression. Default: `100`; allowed: levels, 1 to
   * 500.
   */
  maxFilterDepth?: number;
  /**
   * Most values and operators of an SQL92 expression: each is evaluated for each message. Default: `512`; allowed:
   * terms, 1 to 4096.
   */
  maxFilterTerms?: number;
  /**
   * Longest time that one pull evaluates an SQL92 expression; then it is answered with what it has found. Default:
   * `20`; allowed: ms, 1 to 10000.
   */
  maxFilterTimePerPull?: number;
  /** Most groups in the heartbeats of one client. Default: `1024`; allowed: groups, 1 to 1000000. */
  maxGroupsPerClient?: number;
  /** Most topics that one group subscribes to. Default: `1024`; allowed: topics, 1 to 1000000. */
  maxSubscriptionsPerGroup?: number;
  /** Most queues in one request for locks. Default: `16384`; allowed: queues, 1 to 10000000. */
  maxLockQueues?: number;
  /**
   * Most pending messages with a delivery time of their own. Each takes 20 bytes of memory. Default: `10000000`;
   * allowed: messages, 1 to 100000000.
   */
  maxPendingTimers?: number;
  /** Most pulls that wait for messages at a time. Default: `100000`; allowed: pulls, 1 to 100000000. */
  maxHeldPulls?: number;
  /**
   * Most replies at a time that their requesters have not confirmed yet. Default: `10000`; allowed: replies, 1 to
   * 1000000.
   */
  maxPendingReplies?: number;
  /**
   * Most connections at a time, of the broker and of its name server each. Default: `10000`; allowed: connections, 1 to
   * 1000000.
   */
  maxConnections?: number;
  /** Time without a byte in or out after which a connection is closed. Default: `120`; allowed: s, 1 to 86400. */
  serverChannelMaxIdleTimeSeconds?: number;
  /**
   * Time without a byte after which a connection that has not sent its first frame is closed. Default: `10000`;
   * allowed: ms, 100 to 86400000.
   */
  firstFrameTimeout?: number;
  /**
   * Time that a frame which has begun may stand still; as a whole it may take that and 1 s for each 16 kB. Default:
   * `30000`; allowed: ms, 100 to 86400000.
   */
  frameTimeout?: number;
  /**
   * Time in which a peer reads nothing of what waits for it, after which its connection is closed. Default: `30000`;
   * allowed: ms, 100 to 86400000.
   */
  writeTimeout?: number;
  /**
   * Bytes that wait for one peer, from which on it is neither read from nor sent messages. Default: `1048576`; allowed:
   * bytes, 65536 to 2147483647.
   */
  writeBufferHighWaterMark?: number;
  /**
   * Most bytes that wait for one peer, before its connection is closed. Default: `67108864`; allowed: bytes, 65536 to
   * 2147483647.
   */
  maxUnsentBytes?: number;
  /**
   * Bytes that wait for all peers, from which on pulls wait too. Default: `67108864`; allowed: bytes, 65536 to
   * 2147483647.
   */
  maxTotalUnsentBytes?: number;
  /**
   * Bytes of half-received frames of all connections, from which on only the one with the least to come goes on.
   * Default: `67108864`; allowed: bytes, 65536 to 2147483647.
   */
  maxUnfinishedFrameBytes?: number;
  /** Most requests of one connection that are served at a time. Default: `1024`; allowed: requests, 1 to 1000000. */
  maxRequestsPerConnection?: number;
  /** Most brokers that the name server knows. Default: `1024`; allowed: brokers, 1 to 1000000. */
  maxRegisteredBrokers?: number;
  /** Most topics that the name server knows. Default: `100000`; allowed: topics, 1 to 10000000. */
  maxRegisteredTopics?: number;
  /** Most key-value entries that the name server keeps. Default: `10000`; allowed: entries, 1 to 10000000. */
  maxKVConfigs?: number;
  /** Default: the machine's. */
  clock?: Clock;
  /** Default: none, nothing is logged. */
  logger?: Logger;
  /** Instead of the machine's files, for tests. */
  fileSystem?: FileSystem;
}
