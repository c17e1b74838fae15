// Checks the consumer settings of the module and its listeners, and turns them into the client's.
import type {
  AllocateMessageQueueStrategy,
  AllocateStrategyName,
  ConsumeFromWhere,
  ConsumeMode,
  MessageModel,
  PushConsumerOptions,
} from '@nest-rocketmq/client';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { Duration } from '../message/delay.js';
import { checkTopic } from '../message/destination.js';
import {
  MINUTES,
  checkBoolean,
  checkDuration,
  checkFolder,
  checkInteger,
  checkOneOf,
  checkTime,
  checkWhole,
} from '../option-checks.js';
import { checkBatch } from './batch-options.js';
import type { ListenerBatchOptions, CheckedBatch } from './batch-options.js';
import { checkRetry } from './retry-options.js';
import type { CheckedRetry, RetryOptions } from './retry-options.js';

/** Settings of a consumer, with rocketmq-spring's and Apache's names. */
export interface ConsumerSettings {
  /**
   * In which order messages are handled. 'CONCURRENTLY': in any. 'ORDERLY': one at a time of each queue, in the queue's
   * order. 'KEY_ORDERED': within a queue, those of one sharding key one at a time and in order, those of other keys
   * meanwhile. Default 'CONCURRENTLY'.
   */
  consumeMode?: ConsumeMode;
  /** How many messages of one group are handled at the same time, 1 to 1000. Default 20; KEY_ORDERED: 64. */
  concurrency?: number;
  /**
   * How often a message is redelivered before it goes to the dead letters, %DLQ%group. Default -1, which means 16;
   * ORDERLY: without end, as in Java.
   */
  maxReconsumeTimes?: number;
  /**
   * ORDERLY and KEY_ORDERED: after how long a failed message is tried again in its place, from 10 ms to '30s'. Default
   * '1s'.
   */
  suspendCurrentQueueTimeMillis?: Duration;
  /**
   * How long a listener may run before its message is given back to the broker, in whole minutes: '15m', or ms.
   * Default '15m'. ORDERLY and KEY_ORDERED do not use it: there the next message waits, however long that takes.
   */
  consumeTimeout?: Duration;
  /** Where a new group starts, which has no offsets yet. Default 'CONSUME_FROM_LAST_OFFSET'. */
  consumeFromWhere?: ConsumeFromWhere;
  /** For CONSUME_FROM_TIMESTAMP: a Date, or ms since the epoch. Default: half an hour before the start. */
  consumeTimestamp?: Date | number;
  /** Whether each delivery is traced in Apache's format, for mqadmin's `queryMsgTraceById` and the dashboard. Default false. */
  enableMsgTrace?: boolean;
  /** The topic that the trace goes to. Default 'RMQ_SYS_TRACE_TOPIC'. */
  customizedTraceTopic?: string;
  /**
   * What happens to a message that fails. A listener's own options go before the module's, one by one. Broadcasts have no
   * redelivery: of these options only `inPlace` has a meaning for them.
   */
  retry?: RetryOptions;
  /**
   * BROADCASTING: the folder in which each process keeps how far it is; 'memory': it begins by `consumeFromWhere` at each
   * start. Default: of the embedded broker, in its store; of a cluster, ~/.rocketmq_offsets.
   */
  localOffsetStoreDir?: string;
  /**
   * How the queues of a topic are divided among the consumers of a group: 'AVG', 'AVG_BY_CIRCLE' or 'CONSISTENT_HASH', or
   * what one of the client's `allocateBy…` functions makes, or a strategy of your own. All instances of the app must have
   * the same. Default 'AVG'.
   */
  allocateStrategy?: AllocateStrategyName | AllocateMessageQueueStrategy;
  /** Messages of one queue held in memory before its pulling pauses, 1 to 65535. Default 1000. */
  pullThresholdForQueue?: number;
  /** Their bodies, MiB, 1 to 1024. Default 100. */
  pullThresholdSizeForQueue?: number;
  /** The same for all queues of the consumer together, which share it: messages, up to 6553500. Default -1: no such limit. */
  pullThresholdForTopic?: number;
  /** And their bodies, MiB, up to 102400. Default -1: no such limit. */
  pullThresholdSizeForTopic?: number;
  /** Largest distance of the offsets held of one queue, 1 to 65535; not where order is kept. Default 2000. */
  consumeConcurrentlyMaxSpan?: number;
}

/** Settings of a listener's consumer. Listeners of one group share it, and must not contradict each other. */
export interface SharedConsumerOptions extends ConsumerSettings {
  /** Whether each message goes to one consumer of the group (CLUSTERING) or to all (BROADCASTING). Default 'CLUSTERING'. */
  messageModel?: MessageModel;
  /**
   * Hands the listener a list, `Message<T>[]`, and lets it answer for each message: what it returns, throws or says with
   * `message.fail(error)`. All listeners of a group have it, or none. Default: one message at a time.
   */
  batch?: ListenerBatchOptions;
}

type ConsumerTime = 'consumeTimeout' | 'suspendCurrentQueueTimeMillis' | 'consumeTimestamp';

/** The checked settings, with times as the client takes them: `consumeTimeout` in minutes, the others in ms. */
export type CheckedConsumerSettings = Omit<SharedConsumerOptions, ConsumerTime | 'retry' | 'batch'> &
  Pick<PushConsumerOptions, ConsumerTime> & { retry?: CheckedRetry; batch?: CheckedBatch };

export const CONSUMER_SETTINGS = [
  'consumeMode',
  'concurrency',
  'maxReconsumeTimes',
  'suspendCurrentQueueTimeMillis',
  'consumeTimeout',
  'consumeFromWhere',
  'consumeTimestamp',
  'enableMsgTrace',
  'customizedTraceTopic',
  'retry',
  'localOffsetStoreDir',
  'allocateStrategy',
  'pullThresholdForQueue',
  'pullThresholdSizeForQueue',
  'pullThresholdForTopic',
  'pullThresholdSizeForTopic',
  'consumeConcurrentlyMaxSpan',
] as const satisfies readonly (keyof ConsumerSettings)[];

const CONSUME_FROM_WHERE = ['CONSUME_FROM_LAST_OFFSET', 'CONSUME_FROM_FIRST_OFFSET', 'CONSUME_FROM_TIMESTAMP'] as const;
const CONSUME_MODES = ['CONCURRENTLY', 'ORDERLY', 'KEY_ORDERED'] as const;
const ALLOCATE_STRATEGIES = ['AVG', 'AVG_BY_CIRCLE', 'CONSISTENT_HASH'] as const satisfies AllocateStrategyName[];
const MESSAGE_MODELS = ['CLUSTERING', 'BROADCASTING'] as const;
const HIGHEST_CONCURRENCY = 1000;
/** Apache's bounds. */
const SUSPEND_MS = { min: 10, max: 30_000 } as const;
const HIGHEST_THRESHOLD = 65_535;
const HIGHEST_INTEGER = 0x7fffffff;
/** A week. */
const LONGEST_CONSUME_TIMEOUT_MINUTES = 10_080;

function checkAllocateStrategy(value: unknown): AllocateStrategyName | AllocateMessageQueueStrategy {
  const named = ALLOCATE_STRATEGIES.find((name) => name === value);
  if (named) return named;
  const { name, allocate } = (value ?? {}) as Partial<AllocateMessageQueueStrategy>;
  if (typeof name === 'string' && typeof allocate === 'function') return value as AllocateMessageQueueStrategy;
  const names = ALLOCATE_STRATEGIES.map((each) => `'${each}'`).join(', ');
  throw new InvalidOptionError(
    'allocateStrategy',
    value,
    `${names}, what an allocateBy… function makes, or { name, allocate(group, clientId, queues, clientIds) }`,
  );
}

/** Apache's limits of which -1 means none. */
function checkLimit(option: string, given: unknown, max: number): number {
  return given === -1 ? -1 : checkInteger(option, given, 1, max, 'or -1: no limit');
}

/** @param given may have other options, which are ignored @throws InvalidOptionError */
export function checkConsumerSettings(given: SharedConsumerOptions): CheckedConsumerSettings {
  const checks: { [K in keyof CheckedConsumerSettings]-?: (value: unknown) => CheckedConsumerSettings[K] } = {
    consumeMode: (value) => checkOneOf('consumeMode', value, CONSUME_MODES),
    concurrency: (value) => checkInteger('concurrency', value, 1, HIGHEST_CONCURRENCY),
    maxReconsumeTimes: (value) => checkInteger('maxReconsumeTimes', value, -1, HIGHEST_INTEGER),
    suspendCurrentQueueTimeMillis: (value) =>
      checkDuration('suspendCurrentQueueTimeMillis', value, SUSPEND_MS.min, SUSPEND_MS.max),
    consumeTimeout: (value) => checkWhole('consumeTimeout', value, MINUTES, LONGEST_CONSUME_TIMEOUT_MINUTES),
    consumeFromWhere: (value) => checkOneOf('consumeFromWhere', value, CONSUME_FROM_WHERE),
    consumeTimestamp: (value) => checkTime('consumeTimestamp', value),
    enableMsgTrace: (value) => checkBoolean('enableMsgTrace', value),
    customizedTraceTopic: (value) => checkTopic('customizedTraceTopic', value),
    localOffsetStoreDir: (value) => checkFolder('localOffsetStoreDir', value),
    allocateStrategy: (value) => checkAllocateStrategy(value),
    pullThresholdForQueue: (value) => checkInteger('pullThresholdForQueue', value, 1, HIGHEST_THRESHOLD),
    pullThresholdSizeForQueue: (value) => checkInteger('pullThresholdSizeForQueue', value, 1, 1024, 'MiB'),
    pullThresholdForTopic: (value) => checkLimit('pullThresholdForTopic', value, 6_553_500),
    pullThresholdSizeForTopic: (value) => checkLimit('pullThresholdSizeForTopic', value, 102_400),
    consumeConcurrentlyMaxSpan: (value) => checkInteger('consumeConcurrentlyMaxSpan', value, 1, HIGHEST_THRESHOLD),
    messageModel: (value) => checkOneOf('messageModel', value, MESSAGE_MODELS),
    retry: checkRetry,
    batch: checkBatch,
  };
  const checked: Record<string, unknown> = {};
  for (const [option, check] of Object.entries(checks)) {
    const value = given[option as keyof SharedConsumerOptions];
    if (value !== undefined) checked[option] = check(value);
  }
  const most = mostReconsumeTimes(given);
  return { ...checked, ...(most !== undefined && { maxReconsumeTimes: most }) };
}

/** The option stands in two places, which must not contradict each other. @throws InvalidOptionError */
function mostReconsumeTimes({
  maxReconsumeTimes,
  suspendCurrentQueueTimeMillis,
  retry,
}: SharedConsumerOptions): number | undefined {
  if (retry?.backoff !== undefined && suspendCurrentQueueTimeMillis !== undefined) {
    const allowed = 'this or suspendCurrentQueueTimeMillis, not both: in order it is the same pause';
    throw new InvalidOptionError('retry.backoff', retry.backoff, allowed);
  }
  const inner = retry?.maxReconsumeTimes;
  if (inner === undefined) return maxReconsumeTimes;
  if (maxReconsumeTimes !== undefined && maxReconsumeTimes !== inner) {
    throw new InvalidOptionError(
      'retry.maxReconsumeTimes',
      inner,
      `the same as maxReconsumeTimes, which is ${maxReconsumeTimes}; set one of them`,
    );
  }
  return checkInteger('retry.maxReconsumeTimes', inner, -1, HIGHEST_INTEGER);
}
