// Lists the options that limit what peers can ask of a broker. Written from the rows in limit-rows.ts (UPDATE_DOCS=1 npm test -- config/option-docs).

/** What happens beyond each limit is in LIMITS.md. */
export interface LimitOptions {
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
   * terms, 1 to 1024.
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
   * Most queues that the consumers of all groups have locked at a time. Default: `250000`; allowed: locks, 1 to
   * 10000000.
   */
  maxTotalQueueLocks?: number;
  /**
   * Most pending messages with a delivery time of their own. Each takes 20 bytes of memory. Default: `10000000`;
   * allowed: messages, 1 to 100000000.
   */
  maxPendingTimers?: number;
  /** Most recalls that look for their messages at a time. Default: `1024`; allowed: recalls, 1 to 1000000. */
  maxPendingRecalls?: number;
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
}
