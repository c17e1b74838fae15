// Declares the options that say who a broker is, and what it does with topics, pulls and transactions.
import { DEFAULT_MESSAGE_DELAY_LEVEL } from '@nest-rocketmq/remoting/internal';
import type { HostAndPort } from '@nest-rocketmq/remoting/internal';
import { checkDelayLevels } from './delay-levels.js';
import { NAME_RANGE, checkAddressList, checkListen, checkName, checkText } from './option-checks.js';
import { flag, integer, text } from './option-row.js';
import type { FlagOfOption, OptionRow } from './option-row.js';

/** Where `nest-rocketmq-broker` listens by default, `host:port`; Apache's port. An embedded broker listens nowhere. */
export const DEFAULT_LISTEN = '127.0.0.1:10911';
/** Where the name server of a broker that listens does so by default, `host:port`; Apache's port. */
export const DEFAULT_NAME_SERVER_LISTEN = '127.0.0.1:9876';
/** Default of `brokerName`, as in the broker.conf that Apache ships. */
export const DEFAULT_BROKER_NAME = 'broker-a';
/** Default of `brokerClusterName`, as Apache has it. */
export const DEFAULT_CLUSTER_NAME = 'DefaultCluster';

/** An address to listen on, or none. */
export interface ListenRow extends OptionRow<string | false, HostAndPort | undefined> {
  readonly type: 'string | false';
}

function listening(says: string, fallbackSays: string, places: { flag: FlagOfOption; conf?: string }): ListenRow {
  return {
    ...places,
    type: 'string | false',
    fallback: undefined,
    fallbackSays,
    range: 'host:port, or false',
    says,
    check: checkListen,
    parse: (_key, value) => value,
  };
}

export const addressRows = {
  listen: listening(
    'Where the broker listens. Port 0 takes a free one; a port that is named brings along the second one below it, for ' +
      'clients with a VIP channel.',
    'nowhere, only `dial` reaches the broker',
    {
      conf: 'listenPort',
      flag: { name: 'listen', argument: 'HOST:PORT', fallback: DEFAULT_LISTEN, says: 'where the broker listens' },
    },
  ),
  nameServerListen: listening(
    'Where the name server listens.',
    `\`${DEFAULT_NAME_SERVER_LISTEN}\` with \`listen\`, nowhere without`,
    {
      flag: {
        name: 'name-server-listen',
        argument: 'HOST:PORT',
        fallback: DEFAULT_NAME_SERVER_LISTEN,
        says: 'where the name server listens',
      },
    },
  ),
  brokerName: text({ fallback: DEFAULT_BROKER_NAME, range: NAME_RANGE, says: "The broker's name.", check: checkName }),
  brokerClusterName: text({
    fallback: DEFAULT_CLUSTER_NAME,
    range: NAME_RANGE,
    says: "The name of the broker's cluster.",
    check: checkName,
  }),
  clusterName: text({
    fallbackSays: 'that of `brokerClusterName`',
    range: NAME_RANGE,
    says: 'Another name for `brokerClusterName`, which comes first.',
    check: checkName,
  }),
  brokerId: integer(0, [0, 0], undefined, "The broker's id. It is always 0, a master: there are no slaves here."),
  brokerIP1: text({
    fallbackSays: 'the host of `listen`; for 0.0.0.0 the address of the first network card',
    says: 'The address that clients are told.',
    check: checkText,
  }),
  namesrvAddr: text<string[]>({
    fallback: '',
    range: 'host:port, `;` between several',
    says: 'Other name servers to register at too.',
    check: checkAddressList,
  }),
  supportActingMaster: flag(
    false,
    'Whether routes name the slave with the smallest id as the master that is away, where its brokers have ' +
      'enableSlaveActingMaster.',
  ),
  registerNameServerPeriod: integer(
    30_000,
    [10_000, 60_000],
    'ms',
    'Time between two registrations at the name servers.',
  ),
  regionId: text({
    fallback: 'DefaultRegion',
    range: NAME_RANGE,
    says: 'The MSG_REGION that a producer is told with each answer.',
    check: checkName,
  }),
} as const;

export const topicRows = {
  autoCreateTopicEnable: flag(true, 'Whether a topic is created by sending to it.'),
  defaultTopicQueueNums: integer(8, [1, 1024], undefined, 'Most queues of a topic that is created by sending to it.'),
  autoCreateSubscriptionGroup: flag(true, 'Whether a consumer group is created by its first heartbeat.'),
  brokerPermission: integer(6, [0, 7], undefined, 'What the broker permits: bit 4 to read, bit 2 to write.'),
  storeReplyMessageEnable: flag(true, 'Whether a reply is stored, beside being pushed to its requester.'),
  litePullMessageEnable: flag(true, 'Whether consumers that poll are served (LITE_PULL_MESSAGE).'),
  // Apache has it off. On, who does not use it pays nothing for it.
  enablePropertyFilter: flag(true, 'Whether consumers may filter by SQL92 expressions. Apache has it off.'),
  traceTopicEnable: flag(false, 'Whether the trace topic exists from the start.'),
  msgTraceTopicName: text({
    fallback: 'RMQ_SYS_TRACE_TOPIC',
    range: NAME_RANGE,
    says: 'The name of that topic.',
    check: checkName,
  }),
  traceOn: flag(true, 'Whether producers are told TRACE_ON=true.'),
  notifyConsumerIdsChangedEnable: flag(true, 'Whether consumers are told when the members of their group change.'),
  channelExpiredTimeout: integer(
    120_000,
    [1_000, 86_400_000],
    'ms',
    'Time without a heartbeat after which a client counts as gone.',
  ),
  flushConsumerOffsetInterval: integer(
    5_000,
    [10, 3_600_000],
    'ms',
    'Longest time until a changed consumer offset is on disk.',
  ),
} as const;

export const deliveryRows = {
  maxTransferCountOnMessageInMemory: integer(32, [1, 1_024], 'messages', 'Most messages in one answer to a pull.', {
    chapter: 'Topics, groups, messages',
    says: 'messages in one answer to a pull; the others come with the next pull',
  }),
  maxTransferBytesOnMessageInMemory: integer(
    262_144,
    [1_024, 15_728_640],
    'bytes',
    'Most bytes in one answer to a pull, which has one message at least.',
    { chapter: 'Topics, groups, messages', says: 'bytes in one answer to a pull, which has one message at least' },
  ),
  maxSuspendTimeMillis: integer(
    120_000,
    [0, 86_400_000],
    'ms',
    'Longest time that a pull or a pop waits for messages, whatever its client asks for.',
    {
      chapter: 'Topics, groups, messages',
      says: 'ms that a pull or a pop waits for messages in all: it is answered then, whatever its client asked for',
    },
  ),
  messageDelayLevel: text({
    fallback: DEFAULT_MESSAGE_DELAY_LEVEL,
    range: 'up to 128 lengths, such as "1s 5s 10m 2h 1d"',
    says: 'Lengths of the delay levels, the first is level 1.',
    check: checkDelayLevels,
  }),
  flushDelayOffsetInterval: integer(
    10_000,
    [10, 3_600_000],
    'ms',
    'Longest time until a changed offset of a delay level is on disk.',
  ),
  timerWheelEnable: flag(true, 'Whether messages with a delivery time of their own are accepted.'),
  recallMessageEnable: flag(
    true,
    "Whether a message with a delivery time of its own can be recalled. On by default, unlike Apache's.",
  ),
  timerMaxDelaySec: integer(
    259_200,
    [1, 1_123_200],
    's',
    "Longest delay of a message with a delivery time of its own. Apache's timer wheel reaches 14 days.",
    {
      chapter: 'Topics, groups, messages',
      says: 's of a delay that is not a level: code 13',
    },
  ),
  rejectTransactionMessage: flag(false, 'Whether half messages are refused.'),
  transactionTimeOut: integer(
    6_000,
    [0, 86_400_000],
    'ms',
    'Age at which an undecided transaction is checked for the first time.',
  ),
  transactionCheckInterval: integer(
    30_000,
    [100, 86_400_000],
    'ms',
    'Time between two checks of undecided transactions.',
  ),
  transactionCheckMax: integer(
    15,
    [1, 1_000_000],
    'checks',
    'A transaction that is undecided after so many checks is given up.',
  ),
} as const;
