// Defines what an application gives to a producer and gets back: options, messages, results.
import { AUTO_CREATE_TOPIC_KEY, InvalidOptionError, canCompress } from '@nest-rocketmq/remoting/internal';
import type { CompressionType, MessageExt } from '@nest-rocketmq/remoting/internal';
import { resolveAutoBatch } from './auto-batch-options.js';
import type { AutoBatchOptions } from './auto-batch-options.js';
import { checkHooks } from '../../hooks/hooks.js';
import { resolveLatencyOptions } from './latency-options.js';
import type { LatencyOptions } from './latency-options.js';
import type { LocalTransactionState, OutgoingMessage, SendResult } from './messages.js';
import type { ProducerHook } from './producer-hooks.js';
import { checkGroup, checkTopic } from '../../config/names.js';
import { integerIn, oneOf } from '../../config/options.js';
import { resolveTraceOptions } from '../../trace/trace-options.js';
import type { TraceOptions } from '../../trace/trace-options.js';

export type {
  AskOptions,
  BatchMessage,
  LocalTransactionState,
  OutgoingMessage,
  ReplyContent,
  ReplyOptions,
  SendOptions,
  SendResult,
  SendStatus,
} from './messages.js';

/** Options of `RocketMQClient.createProducer`. All but `group` have a default. */
export interface ProducerOptions extends Partial<LatencyOptions>, TraceOptions {
  /** Producer group. Any producer of it may answer the check of a transaction. */
  group: string;
  /** Needed for `sendMessageInTransaction`. */
  transactionListener?: TransactionListener;
  /** For all attempts of one send together, ms. Default 3000. */
  sendMsgTimeout?: number;
  /**
   * For one attempt while another broker is left to try, ms; -1: no limit but sendMsgTimeout. Default 2000 (Apache: -1),
   * so that one broker that hangs does not use up the time of all attempts.
   */
  sendMsgMaxTimeoutPerRequest?: number;
  /** Attempts after the first. Default 2. Sends to a chosen queue and one-way sends have only one attempt. */
  retryTimesWhenSendFailed?: number;
  /** Try another broker when a message is stored but not yet flushed or replicated. Default false. */
  retryAnotherBrokerWhenNotStoreOK?: boolean;
  /**
   * Bodies of at least this many bytes are compressed, unless that makes them larger; not in batches, as in Java. Default
   * 4096.
   */
  compressMsgBodyOverHowmuch?: number;
  /**
   * How. Consumers before Apache 5.0 know 'ZLIB' only. 'ZSTD' needs Node 22.15 or later, here and for each consumer in Node.
   * Default 'ZLIB'.
   */
  compressType?: CompressionType;
  /** Of ZLIB 0 to 9, of ZSTD 1 to 22; LZ4 has none. Default 5. */
  compressLevel?: number;
  /** The longest delay of a message, ms. Default 259200000: 3 days, as Apache's timerMaxDelaySec. */
  maxDelay?: number;
  /** Largest body, bytes before compression. Default 4194304. */
  maxMessageSize?: number;
  /** Whose route is used for a topic that does not exist yet. Default 'TBW102'. */
  createTopicKey?: string;
  /** Queues of a topic that is created by a send. Default 4. */
  defaultTopicQueueNums?: number;
  /**
   * Collect sends for a moment, and send those of one topic in one request: for many small messages. Each send still
   * has its own result. true: with Apache's limits. Default false.
   */
  autoBatch?: boolean | AutoBatchOptions;
  /** Topics whose routes are asked for at start, so that brokers know this producer before its first send. */
  topics?: string[];
  /** Called around each of its sends, in this order. Default: none. */
  hooks?: readonly ProducerHook[];
}

/** What became of a transactional send. */
export interface TransactionSendResult extends SendResult {
  localTransactionState: LocalTransactionState;
}

/**
 * A half message whose local transaction ends elsewhere. End each one: `leaveUnknown`, if need be. While it is open, a broker
 * that asks is told that its end is unknown. A producer keeps 10,000 open ones; about older ones it asks its
 * `transactionListener`.
 */
export interface Transaction {
  readonly transactionId: string;
  /** Where the half message is stored. */
  readonly sendResult: SendResult;
  /**
   * Lets the broker deliver the message. Resolves when the broker is told, or could not be reached for 3 s: it asks
   * this process then.
   * @throws TransactionEndedError after a rollback
   */
  commit(): Promise<void>;
  /** Lets the broker drop the message, as `commit` otherwise. @throws TransactionEndedError after a commit */
  rollback(): Promise<void>;
  /**
   * For a local transaction whose end is not known here, because the database went away: the broker asks the
   * `transactionListener` of a producer of the group. @throws TransactionEndedError after a commit or a rollback
   */
  leaveUnknown(): Promise<void>;
}

/** Runs the local transactions of a producer, and tells brokers how they ended. */
export interface TransactionListener {
  /** Runs once the half message is stored. A throw counts as UNKNOW: the broker asks again. */
  executeLocalTransaction(
    message: OutgoingMessage & { transactionId: string },
    arg: unknown,
  ): Promise<LocalTransactionState> | LocalTransactionState;
  /** Answers a broker that asks how a transaction ended. A throw counts as UNKNOW. */
  checkLocalTransaction(message: MessageExt): Promise<LocalTransactionState> | LocalTransactionState;
}

/** What a producer is given by the client besides. */
export interface ProducerIdentity {
  /** Goes with each message of a namespace, as its property INSTANCE_ID. */
  instanceId?: string | undefined;
}

export type ResolvedProducerOptions = Required<Omit<ProducerOptions, 'transactionListener' | 'autoBatch' | 'hooks'>> &
  Pick<ProducerOptions, 'transactionListener' | 'hooks'> &
  ProducerIdentity & {
    /** undefined: sends are not collected. */
    autoBatch: Required<AutoBatchOptions> | undefined;
  };

const DAY_MS = 86_400_000;
const MAX_BODY = 16 * 1024 * 1024;

/** @throws InvalidOptionError or InvalidNameError naming the option */
export function resolveProducerOptions(options: ProducerOptions & ProducerIdentity): ResolvedProducerOptions {
  checkGroup(options.group, 'DEFAULT_PRODUCER');
  const perRequest = options.sendMsgMaxTimeoutPerRequest ?? 2_000;
  if (perRequest !== -1 && (!Number.isInteger(perRequest) || perRequest < 1)) {
    throw new InvalidOptionError('sendMsgMaxTimeoutPerRequest', perRequest, 'an integer of at least 1 (ms), or -1');
  }
  const topics = options.topics ?? [];
  for (const topic of topics) checkTopic(topic);
  return {
    group: options.group,
    transactionListener: options.transactionListener,
    sendMsgTimeout: integerIn('sendMsgTimeout', options.sendMsgTimeout, 3_000, 1, 3_600_000, ' (ms)'),
    sendMsgMaxTimeoutPerRequest: perRequest,
    retryTimesWhenSendFailed: integerIn('retryTimesWhenSendFailed', options.retryTimesWhenSendFailed, 2, 0, 100),
    retryAnotherBrokerWhenNotStoreOK: options.retryAnotherBrokerWhenNotStoreOK ?? false,
    compressMsgBodyOverHowmuch: integerIn(
      'compressMsgBodyOverHowmuch',
      options.compressMsgBodyOverHowmuch,
      4_096,
      1,
      0x7fffffff,
      ' (bytes)',
    ),
    ...compressionOf(options),
    maxMessageSize: integerIn('maxMessageSize', options.maxMessageSize, 4_194_304, 1, MAX_BODY, ' (bytes)'),
    maxDelay: integerIn('maxDelay', options.maxDelay, 3 * DAY_MS, 1, 100 * 365 * DAY_MS, ' (ms)'),
    createTopicKey: options.createTopicKey ?? AUTO_CREATE_TOPIC_KEY,
    defaultTopicQueueNums: integerIn('defaultTopicQueueNums', options.defaultTopicQueueNums, 4, 1, 65_535),
    autoBatch: resolveAutoBatch(options.autoBatch),
    ...resolveLatencyOptions(options),
    topics,
    hooks: checkHooks(options.hooks),
    ...resolveTraceOptions(options),
    instanceId: options.instanceId,
  };
}

function compressionOf(options: ProducerOptions): Pick<ResolvedProducerOptions, 'compressType' | 'compressLevel'> {
  const compressType = oneOf('compressType', options.compressType, 'ZLIB', ['ZLIB', 'LZ4', 'ZSTD']);
  if (!canCompress(compressType)) {
    const allowed = `'ZLIB' or 'LZ4': Node ${process.versions.node} has no ZSTD, which comes with 22.15`;
    throw new InvalidOptionError('compressType', compressType, allowed);
  }
  const [lowest, highest] = compressType === 'ZSTD' ? [1, 22] : [0, 9];
  return { compressType, compressLevel: integerIn('compressLevel', options.compressLevel, 5, lowest, highest) };
}
