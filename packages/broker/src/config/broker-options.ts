// Lists the options of a broker, as a user sees them. Written from the rows in option-rows.ts (UPDATE_DOCS=1 npm test -- config/option-docs).
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import type { FileSystem } from '../store/files/file-system.js';
import type { LimitOptions } from './limit-options.js';

/** Every option has Apache's name and default where Apache has one. */
export interface BrokerOptions extends LimitOptions {
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
  /**
   * Whether routes name the slave with the smallest id as the master that is away, where its brokers have
   * enableSlaveActingMaster. Default: `false`.
   */
  supportActingMaster?: boolean;
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
   * Longest time that a pull or a pop waits for messages, whatever its client asks for. Default: `120000`; allowed: ms,
   * 0 to 86400000.
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
   * How often a pop looks for messages to be tried again before it looks for others; else after it. Default: `20`;
   * allowed: %, 0 to 100.
   */
  popFromRetryProbability?: number;
  /**
   * Whether messages that are popped and not acknowledged go to a topic named with + (%RETRY%group+topic) instead of _.
   * Default: `false`.
   */
  enableRetryTopicV2?: boolean;
  /**
   * Whether, with enableRetryTopicV2, every other pop looks into the topic with _, for what is left there. Default:
   * `true`.
   */
  retrieveMessageFromPopRetryTopicV1?: boolean;
  /**
   * Whether consumers that ask for an assignment get a share of the queues; else each gets all of them. Default:
   * `true`.
   */
  serverLoadBalancerEnable?: boolean;
  /** How consumers that ask for an assignment get messages, where setConsumeMode has not said so. Default: `PULL`. */
  defaultMessageRequestMode?: 'PULL' | 'POP';
  /**
   * With defaultMessageRequestMode POP: how many further consumers share the queues of each; 0 or less: all share all.
   * Default: `-1`; allowed: consumers, -1 to 2147483647.
   */
  defaultPopShareQueueNum?: number;
  /**
   * Popped messages of one queue and group that are neither acknowledged nor visible again, from which on it is not
   * popped. Default: `10000`; allowed: messages, 1 to 10000000.
   */
  popInflightMessageThreshold?: number;
  /**
   * Most pops whose acknowledgements are remembered in memory. Of further ones the log alone knows. Default: `200000`;
   * allowed: pops, 0 to 10000000.
   */
  popCkMaxBufferSize?: number;
  /** Most pops of one group and queue that wait for messages. Default: `1024`; allowed: pops, 1 to 1000000. */
  popPollingSize?: number;
  /** Most pops in all that wait for messages. Default: `100000`; allowed: pops, 1 to 100000000. */
  maxPopPollingSize?: number;
  /** Most messages that one batch acknowledges. Default: `16384`; allowed: messages, 1 to 1000000. */
  maxBatchAcks?: number;
  /** Most topics and groups that setConsumeMode has set. Default: `10000`; allowed: entries, 1 to 1000000. */
  maxRequestModes?: number;
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
  /** Default: the machine's. */
  clock?: Clock;
  /** Default: none, nothing is logged. */
  logger?: Logger;
  /** Instead of the machine's files, for tests. */
  fileSystem?: FileSystem;
}
