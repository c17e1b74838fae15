// Declares the options that limit what peers can ask of a broker and its name server.
import { STORE_DEFAULTS } from '../store/options.js';
import { integer } from './option-row.js';
import type { LimitOfOption } from './option-row.js';

const messages = (says: string): LimitOfOption => ({ chapter: 'Topics, groups, messages', says });
const connections = (says: string): LimitOfOption => ({ chapter: 'Connections and memory', says });
const nameServer = (says: string): LimitOfOption => ({ chapter: 'Name server', says });

export const limitRows = {
  maxTopicQueueNums: integer(
    1_024,
    [1, 65_535],
    'queues',
    'Most queues of one topic, and most retry queues of one group.',
    messages(
      "queues of one topic, retry queues of one group. A topic in topics.json may have up to 65,535 and is named in the log; more is cut to that. A group's number beyond it becomes Apache's default",
    ),
  ),
  maxTopics: integer(
    10_000,
    [1, 10_000_000],
    'topics',
    'Most topics. Retry and dead-letter topics count for their groups. A store that has more opens, and gets no others.',
    messages(
      'topics: neither messages nor administrators create another one. Retry and dead-letter topics count for their groups',
    ),
  ),
  maxSubscriptionGroups: integer(
    10_000,
    [1, 10_000_000],
    'groups',
    'Most consumer groups, and most groups of producers that are online.',
    messages(
      'consumer groups, and groups of producers online: no further one is created. There may be twice as many retry and dead-letter topics',
    ),
  ),
  maxMessageSize: integer(
    STORE_DEFAULTS.maxMessageSize,
    [1, 15_728_640],
    'bytes',
    'Largest body of a message.',
    messages('bytes of a body, and of a whole batch: code 13'),
  ),
  maxBatchMessages: integer(
    16_384,
    [1, 16_384],
    'messages',
    'Most messages of one batch: the answer names each of them, in a header of 1 MiB at most.',
    messages('messages of one batch: code 13'),
  ),
  maxMsgsNumBatch: integer(
    STORE_DEFAULTS.maxMsgsNumBatch,
    [1, 1_024],
    'messages',
    'Most messages that a query by key finds.',
    messages('messages that a query by key finds, of 15 MiB in all'),
  ),
  maxFilterLength: integer(
    10_240,
    [1, 1_000_000],
    'characters',
    'Longest expression that a subscription filters by.',
    messages("characters of a subscription's expression: code 23. A subscription has half as many tags"),
  ),
  maxFilterDepth: integer(
    100,
    [1, 500],
    'levels',
    'Most parentheses, NOTs and signs inside each other in an SQL92 expression.',
    messages('parentheses, NOTs and signs inside each other in an SQL92 expression: code 23'),
  ),
  // Operators in a row are nested in each other: 2,700 of them overflow the stack.
  maxFilterTerms: integer(
    512,
    [1, 1_024],
    'terms',
    'Most values and operators of an SQL92 expression: each is evaluated for each message.',
    messages('values and operators of an SQL92 expression: code 23. An IN counts as one, however long its list'),
  ),
  maxFilterTimePerPull: integer(
    20,
    [1, 10_000],
    'ms',
    'Longest time that one pull evaluates an SQL92 expression; then it is answered with what it has found.',
    messages('ms that one pull evaluates an SQL92 expression; then it is answered, and the next pull goes on there'),
  ),
  maxGroupsPerClient: integer(
    1_024,
    [1, 1_000_000],
    'groups',
    'Most groups in the heartbeats of one client.',
    messages('groups in the heartbeats of one client'),
  ),
  maxSubscriptionsPerGroup: integer(
    1_024,
    [1, 1_000_000],
    'topics',
    'Most topics that one group subscribes to.',
    messages("topics in a heartbeat's subscriptions of one group"),
  ),
  maxLockQueues: integer(
    16_384,
    [1, 10_000_000],
    'queues',
    'Most queues in one request for locks.',
    messages('queues in one request for locks. Of queues and groups that do not exist no lock is given'),
  ),
  maxTotalQueueLocks: integer(
    250_000,
    [1, 10_000_000],
    'locks',
    'Most queues that the consumers of all groups have locked at a time.',
    messages(
      'queues that the consumers of all groups have locked: no further one is locked, and the log tells of it; its consumer asks again',
    ),
  ),
  maxPendingTimers: integer(
    10_000_000,
    [1, 100_000_000],
    'messages',
    'Most pending messages with a delivery time of their own. Each takes 20 bytes of memory.',
    messages('pending messages with a delivery time of their own, 20 bytes of memory each: code 1'),
  ),
  maxPendingRecalls: integer(
    1_024,
    [1, 1_000_000],
    'recalls',
    'Most recalls that look for their messages at a time.',
    messages('recalls that look for their messages: code 2 (SYSTEM_BUSY), and the client tries again'),
  ),
  maxHeldPulls: integer(
    100_000,
    [1, 100_000_000],
    'pulls',
    'Most pulls that wait for messages at a time.',
    messages('pulls that wait for messages: code 2 (SYSTEM_BUSY), and the client asks again later'),
  ),
  maxPendingReplies: integer(
    10_000,
    [1, 1_000_000],
    'replies',
    'Most replies at a time that their requesters have not confirmed yet.',
    messages('replies that their requesters have not confirmed yet: code 2 (SYSTEM_BUSY), and the replier sends again'),
  ),
  maxConnections: integer(
    10_000,
    [1, 1_000_000],
    'connections',
    'Most connections at a time, of the broker and of its name server each.',
    connections('another one is closed at once'),
  ),
  serverChannelMaxIdleTimeSeconds: integer(
    120,
    [1, 86_400],
    's',
    'Time without a byte in or out after which a connection is closed.',
    connections('s without a byte in or out: closed'),
  ),
  firstFrameTimeout: integer(
    10_000,
    [100, 86_400_000],
    'ms',
    'Time without a byte after which a connection that has not sent its first frame is closed.',
    connections('ms without a byte of a first frame: closed'),
  ),
  frameTimeout: integer(
    30_000,
    [100, 86_400_000],
    'ms',
    'Time that a frame which has begun may stand still; as a whole it may take that and 1 s for each 16 kB.',
    connections('ms that a frame may stand still, or may take on top of 1 s for each 16 kB: closed'),
  ),
  writeTimeout: integer(
    30_000,
    [100, 86_400_000],
    'ms',
    'Time in which a peer reads nothing of what waits for it, after which its connection is closed.',
    connections('ms in which a peer reads nothing of what waits for it: closed'),
  ),
  writeBufferHighWaterMark: integer(
    1_048_576,
    [65_536, 0x7fffffff],
    'bytes',
    'Bytes that wait for one peer, from which on it is neither read from nor sent messages.',
    connections('bytes that wait for a peer: its socket is not read, and its pulls wait, until half is left'),
  ),
  maxUnsentBytes: integer(
    67_108_864,
    [65_536, 0x7fffffff],
    'bytes',
    'Most bytes that wait for one peer, before its connection is closed.',
    connections('bytes that wait for a peer: closed'),
  ),
  maxTotalUnsentBytes: integer(
    67_108_864,
    [65_536, 0x7fffffff],
    'bytes',
    'Bytes that wait for all peers, from which on pulls wait too.',
    connections('bytes that wait for all peers: pulls wait, and a peer that has read nothing for 1 s is closed'),
  ),
  maxUnfinishedFrameBytes: integer(
    67_108_864,
    [65_536, 0x7fffffff],
    'bytes',
    'Bytes of half-received frames of all connections, from which on only the one with the least to come goes on.',
    connections(
      'bytes of half-received frames: only the one that lacks the fewest bytes is read on, and a peer that stands still for 1 s is closed',
    ),
  ),
  maxRequestsPerConnection: integer(
    1_024,
    [1, 1_000_000],
    'requests',
    'Most requests of one connection that are served at a time.',
    connections('requests of one connection that are served at a time: its socket is not read'),
  ),
  maxRegisteredBrokers: integer(
    1_024,
    [1, 1_000_000],
    'brokers',
    'Most brokers that the name server knows.',
    nameServer('brokers: no other one is registered'),
  ),
  maxRegisteredTopics: integer(
    100_000,
    [1, 10_000_000],
    'topics',
    'Most topics that the name server knows.',
    nameServer('topics: no registration that brings more is taken'),
  ),
  maxKVConfigs: integer(
    10_000,
    [1, 10_000_000],
    'entries',
    'Most key-value entries that the name server keeps.',
    nameServer('entries: no other key-value entry is taken; a value has 262,144 characters at most'),
  ),
} as const;
