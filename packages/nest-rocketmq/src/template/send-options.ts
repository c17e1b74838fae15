// Defines the options of the template's sends, and checks those that do not belong to the message.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { SendOptions as ClientSendOptions, SendResult } from '@nest-rocketmq/client';
import type { DelayOptions, Duration } from '../message/delay.js';
import type { RocketMQLocalTransactionState } from '../decorators/listener-metadata.js';
import type { MessageOptions } from '../message/outgoing-message.js';
import { checkDuration } from '../option-checks.js';

/** Which queue a message goes to. Default: each in turn. A chosen queue is the only one that is tried. */
export interface QueueOptions {
  /**
   * Messages with the same sharding key go to the same queue, and so stay in order there. It is the queue that Java's
   * SelectMessageQueueByHash picks. Any non-empty string.
   */
  shardingKey?: string | undefined;
  /** Chooses one of the topic's queues, where a sharding key does not do. Then a sharding key only goes with the message. */
  selector?: (queues: readonly MessageQueue[]) => MessageQueue;
  /** The queue itself, as another SendResult or a selector named it. */
  messageQueue?: MessageQueue;
}

/** Options of `RocketMQTemplate.send`, `convertAndSend` and `sendOneWay`. */
export interface SendOptions extends MessageOptions, DelayOptions, QueueOptions {
  /** The time for this send with all its attempts: ms, or a length such as '5s'. Default: the producer's, 3000 ms. */
  timeout?: Duration;
}

/** Options of `RocketMQTemplate.transaction` and `beginTransaction`: those of a send but for the delay. */
export interface BeginTransactionOptions extends MessageOptions, QueueOptions {
  /** The time to store the half message: ms, or a length such as '5s'. Default: the producer's, 3000 ms. */
  timeout?: Duration;
}

/** Options of `RocketMQTemplate.sendMessageInTransaction`. */
export interface TransactionOptions extends BeginTransactionOptions {
  /** Passed to `executeLocalTransaction` as `context.arg`. It stays in this process. */
  arg?: unknown;
}

/** The half message that `RocketMQTemplate.transaction` passes to its function. */
export interface TransactionMessage {
  readonly topic: string;
  /** The message's tag. */
  readonly tags: string | undefined;
  readonly keys: readonly string[];
  /** The message's id, by which a `TransactionLog`, logs and brokers name the transaction. */
  readonly transactionId: string;
}

/** The result of `RocketMQTemplate.sendMessageInTransaction`. */
export interface TransactionResult extends SendResult {
  /** What the local transaction decided. UNKNOWN: the broker will call `checkLocalTransaction`. */
  readonly state: RocketMQLocalTransactionState;
  /** What `executeLocalTransaction` threw, if it did. `state` is then UNKNOWN. */
  readonly error?: unknown;
}

/** Options of `RocketMQTemplate.recall`. */
export interface RecallOptions {
  /** The time for the broker's answer: ms, or a length such as '5s'. Default: the producer's, 3000 ms. */
  timeout?: Duration;
}

export const SEND_OPTIONS = ['timeout', 'shardingKey', 'selector', 'messageQueue'] as const;
export const BEGIN_OPTIONS = SEND_OPTIONS;
export const TRANSACTION_OPTIONS = [...SEND_OPTIONS, 'arg'] as const;
export const RECALL_OPTIONS = ['timeout'] as const;
const LONGEST_TIMEOUT_MS = 3_600_000;

const NO_SETTINGS: ClientSendOptions = Object.freeze({});

/** @throws InvalidOptionError */
export function settingsOf(options: BeginTransactionOptions): ClientSendOptions {
  const { timeout, shardingKey, selector, messageQueue } = options;
  if (timeout === undefined && shardingKey === undefined && selector === undefined && messageQueue === undefined) {
    return NO_SETTINGS;
  }
  if (shardingKey !== undefined && (typeof shardingKey !== 'string' || shardingKey === '')) {
    throw new InvalidOptionError('shardingKey', shardingKey, 'a non-empty string');
  }
  if (selector !== undefined && typeof selector !== 'function') {
    throw new InvalidOptionError('selector', selector, 'a function that returns one of the queues that it is given');
  }
  if (messageQueue !== undefined) checkQueue(messageQueue, selector !== undefined);
  return {
    ...(timeout !== undefined && { timeout: timeoutOf(timeout) }),
    ...(shardingKey !== undefined && { shardingKey }),
    ...(selector && { selector: (queues: readonly MessageQueue[]) => selector(queues) }),
    ...(messageQueue && { messageQueue }),
  };
}

/** @returns ms @throws InvalidOptionError */
export function timeoutOf(timeout: Duration): number {
  return checkDuration('timeout', timeout, 1, LONGEST_TIMEOUT_MS);
}

function checkQueue(queue: unknown, hasSelector: boolean): void {
  if (hasSelector) throw new InvalidOptionError('messageQueue', queue, 'selector or messageQueue, not both');
  const { topic, brokerName, queueId } = (queue ?? {}) as Partial<Record<keyof MessageQueue, unknown>>;
  const isQueue = typeof topic === 'string' && typeof brokerName === 'string' && Number.isInteger(queueId);
  if (!isQueue) throw new InvalidOptionError('messageQueue', queue, '{ topic, brokerName, queueId }');
}
