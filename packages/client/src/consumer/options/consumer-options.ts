// Defines the options of a push consumer, with Apache's names, defaults and ranges, and what its listener gets.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue, AllocateMessageQueueStrategy } from '@nest-rocketmq/remoting/internal';
import { checkGroup, checkTopic } from '../../config/names.js';
import { integerIn, oneOf } from '../../config/options.js';
import { checkHooks } from '../../hooks/hooks.js';
import { resolveTraceOptions } from '../../trace/trace-options.js';
import type { TraceOptions } from '../../trace/trace-options.js';
import type { ConsumerHook } from './consumer-hooks.js';
import type { Outcome } from './outcome.js';
import { checkStrategy } from '../allocate/allocate-strategies.js';
import type { AllocateStrategyName } from '../allocate/allocate-strategies.js';

/** CLUSTERING: each message goes to one consumer of the group. BROADCASTING: to each of them. */
export type MessageModel = 'CLUSTERING' | 'BROADCASTING';
/**
 * CONCURRENTLY: messages in any order. ORDERLY: one message at a time of each queue, in the queue's order. KEY_ORDERED:
 * within a queue, the messages of one sharding key one at a time and in order, those of other keys meanwhile; messages
 * without one (`__SHARDINGKEY`, which our producers set and Java's do not) count as those of one key.
 */
export type ConsumeMode = 'CONCURRENTLY' | 'ORDERLY' | 'KEY_ORDERED';
/** Where a queue begins for which the group has no offset: only new messages, all of them, or those since a time. */
export type ConsumeFromWhere = 'CONSUME_FROM_LAST_OFFSET' | 'CONSUME_FROM_FIRST_OFFSET' | 'CONSUME_FROM_TIMESTAMP';
/** How a subscription filters messages: by their tag, or by a condition in SQL92 on their properties. */
export type ExpressionType = 'TAG' | 'SQL92';

/** A topic that a consumer subscribes to, and which of its messages. */
export interface Subscription {
  topic: string;
  /** '*', or tags as 'TagA || TagB'; with SQL92 a condition on properties. Default '*'. */
  expression?: string;
  /** Default 'TAG'. */
  expressionType?: ExpressionType;
}

/** What a listener is told about the messages that it gets, and may set for what becomes of them. */
export interface ConsumeContext {
  readonly messageQueue: MessageQueue;
  /**
   * Where a failed message goes: 0: the broker's usual delay, -1: to the dead-letter queue at once, 1 to 18: this level.
   * ORDERLY and KEY_ORDERED try it again in its place, unless this is -1.
   */
  delayLevelWhenNextConsume: number;
  /** Of a list, the last index that was consumed; the rest is delivered again. Default: all. */
  ackIndex: number;
  /**
   * ORDERLY and KEY_ORDERED: after how long a failed message is tried again, ms, from 10 to 30000; what is beyond counts
   * as the nearer bound. Default -1: the consumer's option of this name.
   */
  suspendCurrentQueueTimeMillis: number;
  /** Aborts when the result no longer matters: the queue went to another consumer, or shutdown's deadline has passed. */
  readonly signal: AbortSignal;
}

/**
 * RECONSUME_LATER and SUSPEND_CURRENT_QUEUE_A_MOMENT both mean failure. What follows is the consume mode's affair:
 * CONCURRENTLY, the broker delivers the message again later; ORDERLY and KEY_ORDERED, it is tried again in its place.
 */
export type ConsumeResult = 'CONSUME_SUCCESS' | 'RECONSUME_LATER' | 'SUCCESS' | 'SUSPEND_CURRENT_QUEUE_A_MOMENT';

/**
 * What a listener returns: nothing or a result for all messages of its call; a list with one for each, in their order; or a
 * Map with those that failed, all others being consumed. Where order is kept, what comes after a message that is to be tried
 * again is tried again with it, whatever its own result.
 */
export type ListenerResult =
  | ConsumeResult
  | Outcome
  | readonly (ConsumeResult | Outcome | undefined)[]
  | ReadonlyMap<MessageExt, ConsumeResult | Outcome>
  | void;

/** Returning nothing is success; a throw or a rejection is failure of all. An Outcome may be thrown as well. */
export type MessageListener = (
  messages: MessageExt[],
  context: ConsumeContext,
) => Promise<ListenerResult> | ListenerResult;

/** Called with a topic, all its queues, and those that are this consumer's now. */
export type MessageQueueListener = (topic: string, all: readonly MessageQueue[], mine: readonly MessageQueue[]) => void;

/** Options of `RocketMQClient.createPushConsumer`. All but `group`, `subscriptions` and `listener` have a default. */
export interface PushConsumerOptions extends TraceOptions {
  group: string;
  /** All consumers of one group must subscribe to the same. */
  subscriptions: Subscription[];
  listener: MessageListener;
  /** CLUSTERING: each message to one consumer of the group; BROADCASTING: to each. Default 'CLUSTERING'. */
  messageModel?: MessageModel;
  /** In which order messages come to the listener. Default 'CONCURRENTLY'. */
  consumeMode?: ConsumeMode;
  /**
   * ORDERLY and KEY_ORDERED: after how long a failed message is tried again in its place, ms, from 10 to 30000. Default
   * 1000.
   */
  suspendCurrentQueueTimeMillis?: number;
  /** Where a queue starts that the group has no offset for. Default 'CONSUME_FROM_LAST_OFFSET'. */
  consumeFromWhere?: ConsumeFromWhere;
  /** For CONSUME_FROM_TIMESTAMP, ms since the epoch. Default: half an hour before start. */
  consumeTimestamp?: number;
  /** Listener calls at the same time. Default 20 (Apache's consumeThreadMin); KEY_ORDERED: 64. */
  consumeConcurrency?: number;
  /** Messages per pull. Default 32. */
  pullBatchSize?: number;
  /** Bytes per pull. Default 262144. */
  pullBatchSizeInBytes?: number;
  /** Pause after a pull that found messages, ms. Default 0. */
  pullInterval?: number;
  /** Messages of one queue held here before pulling pauses. Default 1000. */
  pullThresholdForQueue?: number;
  /** Their bodies, MiB. Default 100. */
  pullThresholdSizeForQueue?: number;
  /**
   * Messages of all its queues held here, divided among them: then this decides, not pullThresholdForQueue. Up to 6553500;
   * default -1: no such limit.
   */
  pullThresholdForTopic?: number;
  /** The same for their bodies, MiB, up to 102400. Default -1: no such limit. */
  pullThresholdSizeForTopic?: number;
  /** Largest distance between the first and the last offset held. Default 2000. */
  consumeConcurrentlyMaxSpan?: number;
  /** Wait after a pull that failed, ms. Default 1000. */
  pullTimeDelayMillsWhenException?: number;
  /**
   * How long the broker may hold a pull that finds nothing, ms. Default 15000 (Apache's value). The broker's own
   * `maxSuspendTimeMillis` is the upper limit.
   */
  brokerSuspendMaxTimeMillis?: number;
  /** Deliveries after the first before a message goes to %DLQ%group. Default -1: 16; ORDERLY: no limit, as in Java. */
  maxReconsumeTimes?: number;
  /**
   * A message whose listener runs longer is given back to the broker, minutes. Default 15. Not where order is kept: there
   * the next message has to wait, however long that takes.
   */
  consumeTimeout?: number;
  /** Largest list handed to the listener. Default 1. */
  consumeMessageBatchMaxSize?: number;
  /**
   * How long a message may wait for others of its queue to fill such a list, ms, from 0 to 60000. Default 0: the listener
   * gets what one pull has brought. Apache's client has no such option.
   */
  consumeMessageBatchMaxWait?: number;
  /**
   * How queues are divided among the group's consumers: Apache's name of a strategy, what an `allocateBy…` function makes,
   * or one of your own. All consumers of the group must have the same. Default 'AVG'.
   */
  allocateMessageQueueStrategy?: AllocateStrategyName | AllocateMessageQueueStrategy;
  /** Called when the consumer has got or lost queues of a topic (Apache's MessageQueueListener). Default: nobody. */
  messageQueueListener?: MessageQueueListener;
  /** BROADCASTING: the folder for its offsets; 'memory': they are not kept. Default: the client's option of this name. */
  localOffsetStoreDir?: string;
  /** Called around its listener, in this order. Default: none. */
  hooks?: readonly ConsumerHook[];
}

/** Apache's bounds of the pause before a message is tried again in its place. */
export const SUSPEND_RANGE_MS = { min: 10, max: 30_000 } as const;

export type ResolvedPushConsumerOptions = Required<
  Omit<
    PushConsumerOptions,
    'consumeTimestamp' | 'localOffsetStoreDir' | 'messageQueueListener' | 'allocateMessageQueueStrategy' | 'hooks'
  >
> &
  Pick<PushConsumerOptions, 'consumeTimestamp' | 'localOffsetStoreDir' | 'messageQueueListener' | 'hooks'> & {
    allocateMessageQueueStrategy: AllocateMessageQueueStrategy;
  };

/** @throws InvalidOptionError or InvalidNameError naming the option */
export function resolvePushConsumerOptions(options: PushConsumerOptions): ResolvedPushConsumerOptions {
  checkGroup(options.group, 'DEFAULT_CONSUMER');
  if (typeof options.listener !== 'function') {
    throw new InvalidOptionError('listener', options.listener, 'a function (messages, context)');
  }
  if (!Array.isArray(options.subscriptions) || options.subscriptions.length === 0) {
    throw new InvalidOptionError('subscriptions', options.subscriptions, 'at least one { topic }');
  }
  checkSubscribedTopics(options.subscriptions);
  const consumeMode = oneOf('consumeMode', options.consumeMode, 'CONCURRENTLY', [
    'CONCURRENTLY',
    'ORDERLY',
    'KEY_ORDERED',
  ]);
  const number = (name: NumberOption, byDefault: number, min: number, max: number, unit = ''): number =>
    integerIn(name, options[name], byDefault, min, max, unit);
  return {
    group: options.group,
    subscriptions: options.subscriptions,
    listener: options.listener,
    messageModel: oneOf('messageModel', options.messageModel, 'CLUSTERING', ['CLUSTERING', 'BROADCASTING']),
    consumeFromWhere: oneOf('consumeFromWhere', options.consumeFromWhere, 'CONSUME_FROM_LAST_OFFSET', [
      'CONSUME_FROM_LAST_OFFSET',
      'CONSUME_FROM_FIRST_OFFSET',
      'CONSUME_FROM_TIMESTAMP',
    ]),
    consumeTimestamp: checkTimestamp(options.consumeTimestamp),
    consumeMode,
    suspendCurrentQueueTimeMillis: number(
      'suspendCurrentQueueTimeMillis',
      1000,
      SUSPEND_RANGE_MS.min,
      SUSPEND_RANGE_MS.max,
      ' (ms)',
    ),
    consumeConcurrency: checkConcurrency(options.consumeConcurrency, consumeMode === 'KEY_ORDERED' ? 64 : 20),
    pullBatchSize: number('pullBatchSize', 32, 1, 1024),
    pullBatchSizeInBytes: number('pullBatchSizeInBytes', 262_144, 1, 0x7fffffff, ' (bytes)'),
    pullInterval: number('pullInterval', 0, 0, 65_535, ' (ms)'),
    pullThresholdForQueue: number('pullThresholdForQueue', 1000, 1, 65_535),
    pullThresholdSizeForQueue: number('pullThresholdSizeForQueue', 100, 1, 1024, ' (MiB)'),
    pullThresholdForTopic: limitOrNone('pullThresholdForTopic', options.pullThresholdForTopic, 6_553_500),
    pullThresholdSizeForTopic: limitOrNone('pullThresholdSizeForTopic', options.pullThresholdSizeForTopic, 102_400),
    consumeConcurrentlyMaxSpan: number('consumeConcurrentlyMaxSpan', 2000, 1, 65_535),
    pullTimeDelayMillsWhenException: number('pullTimeDelayMillsWhenException', 1000, 1, 3_600_000, ' (ms)'),
    brokerSuspendMaxTimeMillis: number('brokerSuspendMaxTimeMillis', 15_000, 1, 86_400_000, ' (ms)'),
    maxReconsumeTimes: number('maxReconsumeTimes', -1, -1, 0x7fffffff),
    consumeTimeout: number('consumeTimeout', 15, 1, 10_080, ' (minutes)'),
    consumeMessageBatchMaxSize: number('consumeMessageBatchMaxSize', 1, 1, 1024),
    consumeMessageBatchMaxWait: number('consumeMessageBatchMaxWait', 0, 0, 60_000, ' (ms)'),
    allocateMessageQueueStrategy: checkStrategy(
      'allocateMessageQueueStrategy',
      options.allocateMessageQueueStrategy ?? 'AVG',
    ),
    messageQueueListener: checkQueueListener(options.messageQueueListener),
    localOffsetStoreDir: options.localOffsetStoreDir,
    hooks: checkHooks(options.hooks),
    ...resolveTraceOptions(options),
  };
}

/** @throws InvalidOptionError, InvalidNameError */
export function checkSubscribedTopics(subscriptions: readonly Subscription[]): void {
  for (const one of subscriptions) {
    if (typeof one !== 'object' || one === null) {
      throw new InvalidOptionError('subscriptions', subscriptions, 'a list of { topic }');
    }
    checkTopic(one.topic);
  }
}

/** @throws InvalidOptionError */
export function checkConcurrency(given: number | undefined, byDefault = NaN): number {
  return integerIn('consumeConcurrency', given, byDefault, 1, 1000);
}

function checkQueueListener(given: MessageQueueListener | undefined): MessageQueueListener | undefined {
  if (given === undefined || typeof given === 'function') return given;
  throw new InvalidOptionError('messageQueueListener', given, 'a function (topic, all, mine)');
}

function checkTimestamp(given: number | undefined): number | undefined {
  if (given === undefined || (Number.isSafeInteger(given) && given >= 0)) return given;
  throw new InvalidOptionError('consumeTimestamp', given, 'ms since the epoch');
}

/** -1: no limit, as in Java, where 0 is refused too. */
function limitOrNone(name: string, given: number | undefined, max: number): number {
  if (given === undefined || given === -1) return -1;
  if (Number.isInteger(given) && given >= 1 && given <= max) return given;
  throw new InvalidOptionError(name, given, `-1 (no limit), or an integer from 1 to ${max}`);
}

type NumberOption =
  | 'suspendCurrentQueueTimeMillis'
  | 'pullBatchSize'
  | 'pullBatchSizeInBytes'
  | 'pullInterval'
  | 'pullThresholdForQueue'
  | 'pullThresholdSizeForQueue'
  | 'consumeConcurrentlyMaxSpan'
  | 'pullTimeDelayMillsWhenException'
  | 'brokerSuspendMaxTimeMillis'
  | 'maxReconsumeTimes'
  | 'consumeTimeout'
  | 'consumeMessageBatchMaxSize'
  | 'consumeMessageBatchMaxWait';
