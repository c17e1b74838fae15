// Defines the options of consumers that pull, with the names, defaults and ranges of Apache's DefaultLitePullConsumer.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { checkGroup } from '../../config/names.js';
import { integerIn, oneOf } from '../../config/options.js';
import { checkHooks } from '../../hooks/hooks.js';
import { resolveTraceOptions } from '../../trace/trace-options.js';
import type { TraceOptions } from '../../trace/trace-options.js';
import type { AllocateMessageQueueStrategy } from '@nest-rocketmq/remoting/internal';
import { checkStrategy } from '../allocate/allocate-strategies.js';
import type { ConsumerHook } from '../options/consumer-hooks.js';
import type { AllocateStrategyName } from '../allocate/allocate-strategies.js';
import { checkSubscribedTopics } from '../options/consumer-options.js';
import type { ConsumeFromWhere, MessageModel, Subscription } from '../options/consumer-options.js';

/** The options of a consumer that pulls, with the names and defaults of Apache's DefaultLitePullConsumer. */
export interface LitePullConsumerOptions extends TraceOptions {
  /** The consumer group. */
  group: string;
  /** Topics whose queues are shared with the group. Without, `subscribe` or `assign` says later what is consumed. */
  subscriptions?: Subscription[];
  /** CLUSTERING: each message to one consumer of the group; BROADCASTING: to each. Default 'CLUSTERING'. */
  messageModel?: MessageModel;
  /** Where a queue starts that the group has no offset for. Default 'CONSUME_FROM_LAST_OFFSET'. */
  consumeFromWhere?: ConsumeFromWhere;
  /** For CONSUME_FROM_TIMESTAMP, ms since the epoch. Default: half an hour before start. */
  consumeTimestamp?: number;
  /** How queues are divided among the group's consumers, as for a push consumer. Default 'AVG'. */
  allocateMessageQueueStrategy?: AllocateStrategyName | AllocateMessageQueueStrategy;
  /** Store by itself how far the messages are consumed. Default true; with false only `commit` stores it. */
  autoCommit?: boolean;
  /** How often, ms. Default 5000, at least 1000. */
  autoCommitIntervalMillis?: number;
  /** Keep offsets at all. With false each start begins by consumeFromWhere, and `commit` does nothing. Default true. */
  storeOffsets?: boolean;
  /** Messages per pull, and of a poll that names no number. Default 10. */
  pullBatchSize?: number;
  /** Messages of one queue held here before pulling it pauses. Default 1000. */
  pullThresholdForQueue?: number;
  /** Their bodies, MiB. Default 100. */
  pullThresholdSizeForQueue?: number;
  /** Messages of all queues held here before pulling pauses. Default 10000. */
  pullThresholdForAll?: number;
  /** Largest distance between the first and the last offset held of one queue. Default 2000. */
  consumeMaxSpan?: number;
  /** How long a poll waits that names no time, ms. Default 5000. */
  pollTimeoutMillis?: number;
  /** How long the broker may hold a pull that finds nothing, ms. Default 20000. */
  brokerSuspendMaxTimeMillis?: number;
  /** How long the answer to such a pull is waited for, ms; at least brokerSuspendMaxTimeMillis. Default 30000. */
  consumerTimeoutMillisWhenSuspend?: number;
  /** Wait after a pull that failed, ms. Default 1000. */
  pullTimeDelayMillsWhenException?: number;
  /** BROADCASTING: the folder for its offsets; 'memory': they are not kept. Default: the client's option of this name. */
  localOffsetStoreDir?: string;
  /** Called around what it hands out, in this order. Default: none. */
  hooks?: readonly ConsumerHook[];
}

export type ResolvedLitePullOptions = Required<
  Omit<LitePullConsumerOptions, 'consumeTimestamp' | 'localOffsetStoreDir' | 'allocateMessageQueueStrategy' | 'hooks'>
> &
  Pick<LitePullConsumerOptions, 'consumeTimestamp' | 'localOffsetStoreDir' | 'hooks'> & {
    allocateMessageQueueStrategy: AllocateMessageQueueStrategy;
  };

type NumberOption = {
  [K in keyof LitePullConsumerOptions]-?: LitePullConsumerOptions[K] extends number | undefined ? K : never;
}[keyof LitePullConsumerOptions];

/** @throws InvalidOptionError or InvalidNameError naming the option */
export function resolveLitePullOptions(options: LitePullConsumerOptions): ResolvedLitePullOptions {
  checkGroup(options.group, 'DEFAULT_CONSUMER');
  const subscriptions = options.subscriptions ?? [];
  if (!Array.isArray(subscriptions))
    throw new InvalidOptionError('subscriptions', subscriptions, 'a list of { topic }');
  checkSubscribedTopics(subscriptions);
  const number = (name: NumberOption, byDefault: number, min: number, max: number, unit = ''): number =>
    integerIn(name, options[name], byDefault, min, max, unit);
  const suspend = number('brokerSuspendMaxTimeMillis', 20_000, 1, 3_600_000, ' (ms)');
  return {
    group: options.group,
    subscriptions,
    messageModel: oneOf('messageModel', options.messageModel, 'CLUSTERING', ['CLUSTERING', 'BROADCASTING']),
    consumeFromWhere: oneOf('consumeFromWhere', options.consumeFromWhere, 'CONSUME_FROM_LAST_OFFSET', [
      'CONSUME_FROM_LAST_OFFSET',
      'CONSUME_FROM_FIRST_OFFSET',
      'CONSUME_FROM_TIMESTAMP',
    ]),
    consumeTimestamp: options.consumeTimestamp,
    allocateMessageQueueStrategy: checkStrategy(
      'allocateMessageQueueStrategy',
      options.allocateMessageQueueStrategy ?? 'AVG',
    ),
    autoCommit: options.autoCommit ?? true,
    autoCommitIntervalMillis: number('autoCommitIntervalMillis', 5_000, 1_000, 3_600_000, ' (ms)'),
    storeOffsets: options.storeOffsets ?? true,
    pullBatchSize: number('pullBatchSize', 10, 1, 1024),
    pullThresholdForQueue: number('pullThresholdForQueue', 1_000, 1, 65_535),
    pullThresholdSizeForQueue: number('pullThresholdSizeForQueue', 100, 1, 1024, ' (MiB)'),
    pullThresholdForAll: number('pullThresholdForAll', 10_000, 1, 6_553_500),
    consumeMaxSpan: number('consumeMaxSpan', 2_000, 1, 65_535),
    pollTimeoutMillis: number('pollTimeoutMillis', 5_000, 0, 3_600_000, ' (ms)'),
    brokerSuspendMaxTimeMillis: suspend,
    consumerTimeoutMillisWhenSuspend: number(
      'consumerTimeoutMillisWhenSuspend',
      Math.max(30_000, suspend),
      suspend,
      3_660_000,
      ' (ms, brokerSuspendMaxTimeMillis or more)',
    ),
    pullTimeDelayMillsWhenException: number('pullTimeDelayMillsWhenException', 1_000, 1, 3_600_000, ' (ms)'),
    localOffsetStoreDir: options.localOffsetStoreDir,
    hooks: checkHooks(options.hooks),
    ...resolveTraceOptions(options),
  };
}
