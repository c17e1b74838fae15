// Sends an app's messages.
import { Inject, Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type {
  DroppedReply,
  OutgoingMessage,
  Producer,
  RequestCounts,
  SendResult,
  SendOptions as ClientSendOptions,
  Transaction,
} from '@nest-rocketmq/client';
import type { Destination } from '../message/destination.js';
import { compose, refuseDelay } from '../message/outgoing-message.js';
import type { Composer } from '../message/outgoing-message.js';
import { checkPayload, destinationOf } from '../message/topic.js';
import type { AnyDestination, AnyTopic, PayloadOf, ReceivedOf } from '../message/topic.js';
import { checkKeys, inside } from '../option-checks.js';
import { RocketMQConnection } from '../rocketmq-connection.js';
import type { ProducerSource } from '../rocketmq-connection.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';
import type { ReceiveOptions } from '../pull/receive-options.js';
import type { ReceivedMessage } from '../pull/received-message.js';
import { Receiver } from '../pull/receiver.js';
import { Requester } from './requester.js';
import type { RequestOptions } from './request-options.js';
import { TransactionListeners, fromWire } from '../transactions/transaction-listeners.js';
import type { TransactionCall } from '../transactions/transaction-listeners.js';
import { withClockHeld } from '../manual-clock-settings.js';
import { runTransaction } from './run-transaction.js';
import { checkBatchPayloads, composeBatch } from './send-batch.js';
import type { BatchOptions, MessageWithOptions } from './send-batch.js';
import {
  BEGIN_OPTIONS,
  RECALL_OPTIONS,
  SEND_OPTIONS,
  TRANSACTION_OPTIONS,
  settingsOf,
  timeoutOf,
} from './send-options.js';
import { SpringNames } from './spring-names.js';
import type {
  BeginTransactionOptions,
  RecallOptions,
  SendOptions,
  TransactionMessage,
  TransactionOptions,
  TransactionResult,
} from './send-options.js';

/** How long a send holds a manual clock, ms of real time: between two attempts it may itself wait for that clock. */
const SEND_HOLDS_CLOCK_MS = 1_000;

/** Sends messages. Inject it; the module creates it. */
@Injectable()
export class RocketMQTemplate extends SpringNames {
  readonly #composer: Composer;

  constructor(
    /** @internal */ @Inject(RocketMQConnection) readonly connection: ProducerSource,
    private readonly transactions: TransactionListeners,
    private readonly requester: Requester,
    private readonly receiver: Receiver,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) options: ResolvedOptions,
  ) {
    super();
    this.#composer = { converter: options.messageConverter, highestDelayLevel: options.highestDelayLevel };
  }

  /**
   * Sends a message, and resolves when a broker has stored it.
   * @param destination 'topic', 'topic:tag' or { topic, tag }
   * @param payload becomes the body, by the option `messageConverter`: JSON by default
   * @throws InvalidOptionError, MessageEncodeError, MessageTooLargeError, InvalidMessageError: nothing was sent
   * @throws TopicNotFoundError: the topic does not exist, and no broker creates it
   * @throws DelayTooLongError, DelayNotSupportedError: no broker of the topic delays the message so long; nothing was sent
   * @throws TooManySendsError: too many sends of this app are waiting already; nothing was sent
   * @throws SendFailedError: all attempts failed; `cause` is a RequestTimeoutError, ConnectionClosedError, ConnectError or
   * ResponseError, and `reason` says whether the message may be stored all the same
   * @throws ResponseError: the broker refused it, and would refuse it again
   * @throws NotRunningError: the app is closed
   */
  async send<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    options: SendOptions = {},
  ): Promise<SendResult> {
    const checked = checkPayload(destination, payload);
    if (checked) await checked;
    const { message, settings } = this.#compose('send', destination, payload, options);
    return this.#withProducer(message.topic, (producer) => producer.send(message, settings));
  }

  /**
   * Sends many messages in as few requests as their topics, queues and sizes allow, and resolves when all are stored.
   * @param payloads payloads, or `batchMessage(payload, options)` for one with options of its own
   * @returns a result for each message, in their order
   * @throws InvalidOptionError, MessageEncodeError, MessageTooLargeError, InvalidMessageError: nothing was sent
   * @throws BatchSendFailedError: some were not sent; it has the `results` of the others and the `failures`
   */
  async sendBatch<D extends AnyDestination>(
    destination: D,
    payloads: readonly (PayloadOf<D> | MessageWithOptions<PayloadOf<D>>)[],
    options: BatchOptions = {},
  ): Promise<SendResult[]> {
    const checked = checkBatchPayloads(destination, payloads);
    if (checked) await checked;
    const { messages, settings } = composeBatch(this.#composer, destination, payloads, options);
    return this.#withProducer(messages[0]?.topic ?? 'of a batch', (producer) => producer.sendBatch(messages, settings));
  }

  /**
   * Sends without an answer: resolves when the bytes are handed to the connection. Whether the message was stored stays
   * unknown. One attempt.
   * @throws the errors of `send`, as far as they arise before the bytes are handed over
   */
  async sendOneWay<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    options: SendOptions = {},
  ): Promise<void> {
    const checked = checkPayload(destination, payload);
    if (checked) await checked;
    const { message, settings } = this.#compose('sendOneWay', destination, payload, options);
    await this.#withProducer(message.topic, (producer) => producer.sendOneway(message, settings));
  }

  /**
   * Stores the message invisibly to consumers, runs the topic's `executeLocalTransaction`, and commits or drops the message
   * by its verdict. Resolves with that verdict. If it rejects, the local transaction has not run. Nor has it if the result's
   * `sendStatus` is not SEND_OK, as in Java: a copy of the stored message may be lost. `state` is then ROLLBACK.
   * @throws TransactionListenerError when no class of the app decides the topic's transactions
   * @throws the errors of `send`
   */
  async sendMessageInTransaction<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    options: TransactionOptions = {},
  ): Promise<TransactionResult> {
    await checkPayload(destination, payload);
    const method = 'sendMessageInTransaction';
    const { message, settings } = this.#composeHalf(method, destination, payload, options, TRANSACTION_OPTIONS);
    const call: TransactionCall = { payload, arg: options.arg };
    const { localTransactionState, ...result } = await this.#withProducer(message.topic, (producer) => {
      this.transactions.requireTopic(message.topic);
      return producer.sendMessageInTransaction(message, call, settings);
    });
    return { ...result, state: fromWire(localTransactionState), error: call.error };
  }

  /**
   * Stores the message invisibly to consumers, runs `work`, and commits or drops the message by how that ends:
   * - it returns `RocketMQLocalTransactionState.ROLLBACK`: the message is dropped;
   * - it returns `RocketMQLocalTransactionState.UNKNOWN`: the broker asks later, see the option `transactionLog`;
   * - it returns anything else, or nothing: the message is committed.
   * - it throws: the message is dropped, unless somebody can tell whether the work is committed all the same. That is the
   *   topic's `@RocketMQTransactionListener`, which the broker asks later, or else the `transactionLog`, which is asked at once.
   * @returns what `work` has returned
   * @throws what `work` has thrown; before `work` is called, the errors of `beginTransaction`
   */
  async transaction<T, D extends AnyDestination = Destination>(
    destination: D,
    payload: PayloadOf<D>,
    work: (message: TransactionMessage) => Promise<T> | T,
    options: BeginTransactionOptions = {},
  ): Promise<T> {
    await checkPayload(destination, payload);
    const { message, settings } = this.#composeHalf('transaction', destination, payload, options, BEGIN_OPTIONS);
    const what = `a transaction on topic ${message.topic}`;
    const run = async (): Promise<T> => {
      const transaction = await this.#begin('transaction', message, settings);
      return runTransaction(this.transactions, transaction, message, work);
    };
    return withClockHeld(this.connection.clock, what, run, SEND_HOLDS_CLOCK_MS);
  }

  /**
   * Stores the message invisibly to consumers, for work that ends elsewhere: until then by the handle's `commit()`,
   * `rollback()` or `leaveUnknown()`. If this process ends before, the broker asks, see the option `transactionLog`.
   * @throws TransactionNotBegunError when a copy of the stored message may be lost, and the errors of `send`
   * @throws GroupMissingError on a cluster, if the module has no `group`
   */
  async beginTransaction<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    options: BeginTransactionOptions = {},
  ): Promise<Transaction> {
    await checkPayload(destination, payload);
    const { message, settings } = this.#composeHalf('beginTransaction', destination, payload, options, BEGIN_OPTIONS);
    return this.#begin('beginTransaction', message, settings);
  }

  /**
   * Sends a request to whoever listens to the topic, and resolves with the payload of the first reply. Java's consumers that
   * answer with `MessageUtil.createReplyMessage` are answered for as well. The request is a message like any other: it is
   * stored, and may be consumed after its time is over.
   * @throws ReplyTimeoutError: no reply came in time; TooManyRequestsError: too many wait already; what `signal` was aborted with
   * @throws MessageDecodeError: the reply cannot be read
   * @throws the errors of `send`
   */
  async request<T = unknown, D extends AnyDestination = AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    options: RequestOptions = {},
  ): Promise<T> {
    await checkPayload(destination, payload);
    return (await this.requester.request(destination, payload, options)) as T;
  }

  /**
   * Receives the next messages of a topic, as soon as there is one; an empty list when none has come in time. A group that is
   * new begins with the oldest message. What an earlier call for the group has returned counts as consumed from now on; that is
   * stored every 5 s and when the app closes. After a crash what was consumed since then comes again, and what the last call
   * has returned. For a loop, seeks and commits of your own inject a `RocketMQPullConsumer`.
   * @param destination 'topic', 'topic:tag' for messages with that tag, or a typed topic, by whose schema the payloads are read:
   * what does not fit throws where `payload` is read
   * @throws InvalidOptionError; GroupMissingError on a cluster, without a group here or of the module
   * @throws GroupInUseError when the group has listeners in this app; NameServerUnreachableError; NotRunningError
   */
  receive<D extends AnyTopic>(destination: D, options?: ReceiveOptions): Promise<ReceivedMessage<ReceivedOf<D>>[]>;
  receive<T = unknown>(destination: Destination, options?: ReceiveOptions): Promise<ReceivedMessage<T>[]>;
  async receive(destination: AnyDestination, options: ReceiveOptions = {}): Promise<ReceivedMessage[]> {
    return this.receiver.receive(destination, options);
  }

  /** What has become of the app's requests, late and duplicate replies included. */
  get requestCounts(): RequestCounts {
    return this.connection.requestCounts;
  }

  /** Each reply that came when its request was over: late, or not the first. For metrics. */
  get droppedReplies(): Observable<DroppedReply> {
    return this.connection.droppedReplies;
  }

  /**
   * Takes a delayed message back before it is due. Brokers from 5.5 on can do that, and the embedded one.
   * @param destination where it was sent, or only the topic
   * @param recallHandle of the message's SendResult
   * @returns the message's id
   * @throws RecallFailedError, whose `reason` says why not: 'too late', 'unknown', 'foreign' or 'not enabled'
   */
  async recall(destination: AnyDestination, recallHandle: string, options: RecallOptions = {}): Promise<string> {
    const { topic, timeout } = inside('RocketMQTemplate.recall', undefined, () => {
      checkKeys('options', options, RECALL_OPTIONS);
      return {
        topic: destinationOf(destination).topic,
        timeout: options.timeout === undefined ? {} : { timeout: timeoutOf(options.timeout) },
      };
    });
    return this.#withProducer(topic, (producer) => producer.recall(topic, recallHandle, timeout));
  }

  #begin(method: string, message: OutgoingMessage, settings: ClientSendOptions): Promise<Transaction> {
    return this.#withProducer(message.topic, (producer) => {
      this.transactions.prepareForChecks(message.topic, `RocketMQTemplate.${method}`);
      return producer.beginTransaction(message, settings);
    });
  }

  #compose(method: string, destination: AnyDestination, payload: unknown, options: SendOptions): Composed {
    return inside(`RocketMQTemplate.${method}`, undefined, () => ({
      message: compose(this.#composer, destination, payload, options, SEND_OPTIONS),
      settings: settingsOf(options),
    }));
  }

  #composeHalf(
    method: string,
    destination: AnyDestination,
    payload: unknown,
    options: BeginTransactionOptions,
    others: readonly string[],
  ): Composed {
    return inside(`RocketMQTemplate.${method}`, undefined, () => {
      const message = compose(this.#composer, destination, payload, options, others);
      refuseDelay(options);
      return { message, settings: settingsOf(options) };
    });
  }

  #withProducer<T>(topic: string, send: (producer: Producer) => Promise<T>): Promise<T> {
    const { clock, running } = this.connection;
    if (running && !clock?.busy) return send(running);
    const work = async (): Promise<T> => send(await this.connection.producer());
    return withClockHeld(this.connection.clock, `a send to topic ${topic}`, work, SEND_HOLDS_CLOCK_MS);
  }
}

/** What the client sends, and how. */
interface Composed {
  readonly message: OutgoingMessage;
  readonly settings: ClientSendOptions;
}
