// Sends an app's messages.
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
import { withClockHeld } from '../manual-clock-settings.js';

/** Options of `RocketMQTemplate.send`, `convertAndSend` and `sendOneWay`. */
export interface SendOptions extends MessageOptions, DelayOptions {
  /** The time for this send with all its attempts: ms, or a length such as '5s'. Default: the producer's, 3000 ms. */
  timeout?: Duration;
  /** Messages with the same sharding key go to the same queue, and so stay in order there. */
  shardingKey?: string;
}

/** Options of `RocketMQTemplate.sendMessageInTransaction`. */
export interface TransactionOptions extends MessageOptions {
  /** Passed to `executeLocalTransaction` as `context.arg`. It stays in this process. */
  arg?: unknown;
}

/** The result of `RocketMQTemplate.sendMessageInTransaction`. */
export interface TransactionResult extends SendResult {
  /** What the local transaction decided. UNKNOWN: the broker will call `checkLocalTransaction`. */
  readonly state: RocketMQLocalTransactionState;
  /** What `executeLocalTransaction` threw, if it did. `state` is then UNKNOWN. */
  readonly error?: unknown;
}

const SEND_OPTIONS = ['timeout', 'shardingKey'];
const TRANSACTION_OPTIONS = ['arg'];
const LONGEST_TIMEOUT_MS = 3_600_000;
/** How long a send holds a manual clock, ms of real time: between two attempts it may itself wait for that clock. */
const SEND_HOLDS_CLOCK_MS = 1_000;

/** Sends messages. Inject it; the module creates it. */
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
   * Sends a message, and resolves when a broker has stored it.
   * @param destination 'topic', 'topic:tag' or { topic, tag }
   * @param payload becomes the body, by the option `messageConverter`: JSON by default
   * @throws InvalidOptionError, MessageEncodeError, MessageTooLargeError, InvalidMessageError: nothing was sent
   * @throws TopicNotFoundError: the topic does not exist, and no broker creates it
   * @throws TooManySendsError: too many sends of this app are waiting already; nothing was sent
   * @throws SendFailedError: all attempts failed; `cause` is a RequestTimeoutError, ConnectionClosedError, ConnectError or
   * ResponseError, and `reason` says whether the message may be stored all the same
   * @throws ResponseError: the broker refused it, and would refuse it again
   * @throws NotRunningError: the app is closed
   */
  async send(destination: Destination, payload: unknown, options: SendOptions = {}): Promise<SendResult> {
    const { message, settings } = this.#compose('send', destination, payload, options);
    return this.#withProducer(message.topic, (producer) => producer.send(message, settings));
  }

  /** The same as `send`, under rocketmq-spring's name. */
  convertAndSend(destination: Destination, payload: unknown, options: SendOptions = {}): Promise<SendResult> {
    return this.send(destination, payload, options);
  }

  /**
   * Sends without an answer: resolves when the bytes are handed to the connection. Whether the message was stored stays
   * unknown. One attempt.
   * @throws the errors of `send`, as far as they arise before the bytes are handed over
   */
  async sendOneWay(destination: Destination, payload: unknown, options: SendOptions = {}): Promise<void> {
    const { message, settings } = this.#compose('sendOneWay', destination, payload, options);
    await this.#withProducer(message.topic, (producer) => producer.sendOneway(message, settings));
  }

  /**
   * Stores the message invisibly to consumers, runs the topic's `executeLocalTransaction`, and commits or drops the message
   * by its verdict. Resolves with that verdict. If it rejects, the local transaction has not run.
   * @throws TransactionListenerError when no class of the app decides the topic's transactions
   * @throws the errors of `send`
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
    const { localTransactionState, ...result } = await this.#withProducer(message.topic, (producer) => {
      this.transactions.requireTopic(message.topic);
      return producer.sendMessageInTransaction(message, call);
    });
    return { ...result, state: fromWire(localTransactionState), error: call.error };
  }

  #compose(method: string, destination: Destination, payload: unknown, options: SendOptions) {
    return inside(`RocketMQTemplate.${method}`, undefined, () => ({
      message: compose(this.#composer, destination, payload, options, SEND_OPTIONS, true),
      settings: settingsOf(options),
    }));
  }

  #withProducer<T>(topic: string, send: (producer: Producer) => Promise<T>): Promise<T> {
    const work = async (): Promise<T> => send(await this.connection.producer());
    return withClockHeld(this.connection.clock, `a send to topic ${topic}`, work, SEND_HOLDS_CLOCK_MS);
  }
}

function settingsOf({ timeout, shardingKey }: SendOptions): { timeout?: number; shardingKey?: string } {
  const ms = timeout === undefined ? undefined : checkDuration('timeout', timeout, 1, LONGEST_TIMEOUT_MS);
  if (shardingKey !== undefined && (typeof shardingKey !== 'string' || shardingKey === '')) {
    throw new InvalidOptionError('shardingKey', shardingKey, 'a non-empty string');
  }
  return { timeout: ms, shardingKey };
}
