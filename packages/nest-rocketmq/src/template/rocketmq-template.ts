// Owns what an app sends with. Leaves payloads to message-converter.ts, queues, retries and bytes to the client.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { Inject, Injectable } from '@nestjs/common';
import type { Producer, SendResult } from '@nest-rocketmq/client';
import type { Duration } from '../message/delay.js';
import type { Destination } from '../message/destination.js';
import { RocketMQLocalTransactionState } from '../decorators/listener-metadata.js';
import { compose } from '../message/outgoing-message.js';
import type { Composer, DelayOptions, MessageOptions } from '../message/outgoing-message.js';
import { checkDuration, inside } from '../option-checks.js';
import { RocketMQConnection } from '../rocketmq-connection.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';
import { TransactionListeners, fromWire } from '../transactions/transaction-listeners.js';
import type { TransactionCall } from '../transactions/transaction-listeners.js';
import { holding } from '../turned-clock.js';

export interface SendOptions extends MessageOptions, DelayOptions {
  /** For this send with all its attempts: ms, or a length such as '5s'. Default 3000. */
  timeout?: Duration;
  /** Messages with one sharding key go to one queue. */
  shardingKey?: string;
}

export interface TransactionOptions extends MessageOptions {
  /** Handed to `executeLocalTransaction` as `context.arg`; it stays in this process. */
  arg?: unknown;
}

export interface TransactionResult extends SendResult {
  /** What the local transaction decided. UNKNOWN: the broker will ask `checkLocalTransaction`. */
  readonly state: RocketMQLocalTransactionState;
  /** What `executeLocalTransaction` threw, if it did; `state` is UNKNOWN then. */
  readonly error?: unknown;
}

const SEND_OPTIONS = ['timeout', 'shardingKey'];
const TRANSACTION_OPTIONS = ['arg'];
const LONGEST_TIMEOUT_MS = 3_600_000;
/** A send that takes longer in real time may itself wait for the clock, between two attempts. ms */
const SEND_HOLDS_TIME_MS = 1_000;

@Injectable()
export class RocketMQTemplate {
  readonly #composer: Composer;

  constructor(
    private readonly connection: RocketMQConnection,
    private readonly transactions: TransactionListeners,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) options: ResolvedOptions,
  ) {
    this.#composer = { converter: options.messageConverter, levels: options.delayLevels };
  }

  /**
   * Resolves when a broker has stored the message.
   * @param destination 'topic', 'topic:tag' or { topic, tag }
   * @throws InvalidOptionError, MessageEncodeError; the client's TopicNotFoundError, SendFailedError and others
   */
  async send(destination: Destination, payload: unknown, options: SendOptions = {}): Promise<SendResult> {
    const { message, settings } = this.#checked('send', destination, payload, options);
    return this.#sending(message.topic, (producer) => producer.send(message, settings));
  }

  /** The same as `send`, under the name that Spring's users know. */
  convertAndSend(destination: Destination, payload: unknown, options: SendOptions = {}): Promise<SendResult> {
    return this.send(destination, payload, options);
  }

  /** Resolves once the bytes are handed to the connection. Nobody says whether the message was stored. */
  async sendOneWay(destination: Destination, payload: unknown, options: SendOptions = {}): Promise<void> {
    const { message, settings } = this.#checked('sendOneWay', destination, payload, options);
    await this.#sending(message.topic, (producer) => producer.sendOneway(message, settings));
  }

  /**
   * Stores the message so that no consumer sees it, runs the topic's `executeLocalTransaction`, and commits or drops the
   * message by its verdict. It resolves with that verdict; it rejects when the message could not be stored, and the
   * local transaction has then not run.
   * @throws TransactionListenerError when no class of the app decides the topic's transactions
   */
  async sendMessageInTransaction(
    destination: Destination,
    payload: unknown,
    options: TransactionOptions = {},
  ): Promise<TransactionResult> {
    const message = inside('RocketMQTemplate.sendMessageInTransaction', undefined, () =>
      compose(this.#composer, destination, payload, options, TRANSACTION_OPTIONS, false),
    );
    const call: TransactionCall = { payload, arg: options.arg };
    const { localTransactionState, ...result } = await this.#sending(message.topic, (producer) => {
      this.transactions.requireTopic(message.topic);
      return producer.sendMessageInTransaction(message, call);
    });
    return { ...result, state: fromWire(localTransactionState), error: call.error };
  }

  #checked(method: string, destination: Destination, payload: unknown, options: SendOptions) {
    return inside(`RocketMQTemplate.${method}`, undefined, () => ({
      message: compose(this.#composer, destination, payload, options, SEND_OPTIONS, true),
      settings: settingsOf(options),
    }));
  }

  #sending<T>(topic: string, send: (producer: Producer) => Promise<T>): Promise<T> {
    const work = async (): Promise<T> => send(await this.connection.producer());
    return holding(this.connection.clock, `a send to topic ${topic}`, work, SEND_HOLDS_TIME_MS);
  }
}

function settingsOf({ timeout, shardingKey }: SendOptions): { timeout?: number; shardingKey?: string } {
  const ms = timeout === undefined ? undefined : checkDuration('timeout', timeout, 1, LONGEST_TIMEOUT_MS);
  if (shardingKey !== undefined && (typeof shardingKey !== 'string' || shardingKey === '')) {
    throw new InvalidOptionError('shardingKey', shardingKey, 'a text that is not empty');
  }
  return { timeout: ms, shardingKey };
}
