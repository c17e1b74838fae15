// Runs transactions: stores the half message, runs the local transaction, and tells the broker how it ended, also when
// a broker asks later.
import type { Clock, Connection, Logger, MessageExt } from '@nest-rocketmq/remoting/internal';
import { MessageProperty, Requests, SysFlag } from '@nest-rocketmq/remoting/internal';
import type { Brokers } from '../../routes/brokers.js';
import {
  BrokerNotFoundError,
  InvalidMessageError,
  TransactionEndedError,
  TransactionNotBegunError,
  describe,
} from '../../errors.js';
import type { TransactionCheck } from '../../groups/group-registry.js';
import { retryUntilReached } from '../../time/backoff.js';
import type { Routes } from '../../routes/routes.js';
import type { PreparedMessage } from '../send/outgoing.js';
import { tracedMessage } from '../send/producer-trace.js';
import type { ProducerTrace } from '../send/producer-trace.js';
import type { SendHooks } from '../hooks/send-hooks.js';
import type { TracedMessage } from '../../trace/trace-record.js';
import { COMMIT_OR_ROLLBACK, endOf, placeOf, toVerdict, transactionIdOf } from './transaction-end.js';
import type { HalfPlace, Verdict } from './transaction-end.js';
import type {
  LocalTransactionState,
  OutgoingMessage,
  SendResult,
  Transaction,
  TransactionListener,
  TransactionSendResult,
} from '../options/producer-options.js';

/** How long a broker that cannot be reached is dialled again; after that, it has to ask. ms */
const END_TIMEOUT_MS = 3_000;

export interface TransactionsOptions {
  group: string;
  /** Runs and looks up local transactions; none: they end by their handles only. */
  listener: TransactionListener | undefined;
  clock: Clock;
  /** Aborts when no further attempt may be made. */
  closing: AbortSignal;
  logger: Logger;
  routes: Routes;
  brokers: Brokers;
  /** Told how transactions ended. */
  trace?: ProducerTrace | undefined;
  /** Hooks that are told, too. */
  ended?: SendHooks | undefined;
}

/** Ended transactions whose end is remembered, in case that the broker has not heard of it and asks. */
const REMEMBERED_ENDS = 10_000;
/** Transactions that count as open at a time. Beyond that, the handle of the oldest is taken for lost: it was never ended. */
const MAX_OPEN = 10_000;

export class Transactions {
  readonly #options: TransactionsOptions;
  /** Transactions whose check is under way: a broker may ask again meanwhile. */
  readonly #checking = new Set<string>();
  /** Those whose local transaction runs in this process. */
  readonly #open = new Map<string, HalfPlace>();
  /** Of those that were ended by a handle, the latest. */
  readonly #ends = new Map<string, Verdict>();
  /** What the trace says of those whose half messages are sent, by their ids. */
  readonly #traced = new Map<string, TracedMessage>();

  constructor(options: TransactionsOptions) {
    this.#options = options;
  }

  /**
   * The same message as a half message: stored, but not delivered.
   * @throws InvalidMessageError for a delay: Apache 5.5.0 holds the half message itself back, a commit before its time
   * finds nothing to deliver, and the message is lost or delivered by a later check only
   */
  half(message: PreparedMessage): PreparedMessage {
    if (message.delay) {
      throw new InvalidMessageError(
        `a message for topic ${message.topic} has a delay and is sent in a transaction: brokers do not do both. Send a ` +
          'delayed message once the transaction is committed',
      );
    }
    const properties = new Map(message.properties);
    // Apache's producer drops a delay level here as well.
    properties.delete(MessageProperty.DELAY);
    properties.set(MessageProperty.TRAN_MSG, 'true');
    properties.set(MessageProperty.PGROUP, this.#options.group);
    if (this.#options.trace) {
      this.#traced.set(message.msgId, tracedMessage(message.topic, message.msgId, properties));
      forgetOldest(this.#traced, MAX_OPEN);
    }
    return { ...message, properties, sysFlag: message.sysFlag | SysFlag.TRANSACTION_PREPARED };
  }

  /** Runs the listener's local transaction for a stored half message, and tells the broker. */
  async conclude(message: OutgoingMessage, sent: SendResult, arg: unknown): Promise<TransactionSendResult> {
    const transactionId = transactionIdOf(sent);
    this.#opened(transactionId, placeOf(sent));
    const verdict = await this.#execute(message, sent, transactionId, arg);
    await this.#tell(sent, message.topic, verdict);
    return { ...sent, transactionId, localTransactionState: verdict.state };
  }

  /**
   * The handle of a stored half message.
   * @throws TransactionNotBegunError when a copy of it may be lost; it is rolled back then
   */
  async begin(sent: SendResult): Promise<Transaction> {
    const { topic } = sent.messageQueue;
    const transactionId = transactionIdOf(sent);
    if (sent.sendStatus !== 'SEND_OK') {
      await this.#tell(sent, topic, { state: 'ROLLBACK_MESSAGE' });
      throw new TransactionNotBegunError(topic, transactionId, sent.sendStatus);
    }
    this.#opened(transactionId, placeOf(sent));
    let told: { state: LocalTransactionState; telling: Promise<void> } | undefined;
    const end = (state: LocalTransactionState): Promise<void> => {
      if (told && told.state !== state) return Promise.reject(new TransactionEndedError(transactionId, told.state));
      told ??= { state, telling: this.#endBegun(sent, topic, { state }) };
      return told.telling;
    };
    return {
      transactionId,
      sendResult: { ...sent, transactionId },
      commit: () => end('COMMIT_MESSAGE'),
      rollback: () => end('ROLLBACK_MESSAGE'),
      leaveUnknown: () => end('UNKNOW'),
    };
  }

  async #endBegun(sent: SendResult, topic: string, verdict: Verdict): Promise<void> {
    if (verdict.state !== 'UNKNOW') this.#remember(transactionIdOf(sent), verdict);
    await this.#tell(sent, topic, verdict);
  }

  #opened(transactionId: string, place: HalfPlace): void {
    this.#open.set(transactionId, place);
    forgetOldest(this.#open, MAX_OPEN);
  }

  #remember(transactionId: string, verdict: Verdict): void {
    this.#ends.set(transactionId, verdict);
    forgetOldest(this.#ends, REMEMBERED_ENDS);
  }

  /** Never rejects. */
  async #tell(sent: SendResult, topic: string, verdict: Verdict): Promise<void> {
    const transactionId = transactionIdOf(sent);
    // The end of a copy that was asked about since would leave the newest, which would be delivered a second time.
    const place = this.#open.get(transactionId) ?? placeOf(sent);
    this.#open.delete(transactionId);
    const { ended, routes, logger } = this.#options;
    const end = endOf(topic, sent.msgId, transactionId, verdict);
    try {
      await this.#end(sent, topic, place, verdict);
      ended?.ended({ ...end, brokerAddr: routes.brokerAddress(place.brokerName) });
    } catch (exception) {
      // The broker will ask: the end of the transaction is only delayed.
      logger.warn(`the end of transaction ${transactionId} could not be told: ${describe(exception)}`);
      ended?.ended({ ...end, exception });
    }
  }

  /** A broker asks how a transaction ended. The answer is a request of its own, over the connection that asked. */
  check(check: TransactionCheck, message: MessageExt): void {
    const transactionId = check.header.transactionId ?? message.msgId;
    if (this.#checking.has(transactionId)) return;
    this.#checking.add(transactionId);
    this.#look(check, message, transactionId)
      .then((verdict) => this.#answer(check, message, transactionId, verdict))
      .catch((error: unknown) => this.#options.logger.warn(`check of transaction ${transactionId}: ${describe(error)}`))
      .finally(() => this.#checking.delete(transactionId));
  }

  async #execute(message: OutgoingMessage, sent: SendResult, transactionId: string, arg: unknown): Promise<Verdict> {
    // Stored, but not flushed or replicated as asked, is not enough: if that copy is lost, a commit delivers nothing.
    if (sent.sendStatus !== 'SEND_OK') return { state: 'ROLLBACK_MESSAGE' };
    const { listener } = this.#options;
    if (!listener) return { state: 'UNKNOW' };
    try {
      return toVerdict(await listener.executeLocalTransaction({ ...message, transactionId }, arg));
    } catch (error) {
      this.#options.logger.error(
        `executeLocalTransaction of ${transactionId} threw, its end is unknown: ${describe(error)}`,
      );
      return { state: 'UNKNOW', remark: `executeLocalTransactionBranch exception: ${describe(error)}` };
    }
  }

  async #look(check: TransactionCheck, message: MessageExt, transactionId: string): Promise<Verdict> {
    const { header } = check;
    const { listener, group, logger } = this.#options;
    const ended = this.#ends.get(transactionId);
    if (ended) return ended;
    // It still runs here: a look at its outcome would find that there is none, and take that for a failure.
    const place = this.#open.get(transactionId);
    if (place) {
      const { brokerName } = place;
      const { tranStateTableOffset, commitLogOffset } = header;
      // Another broker may have a copy of an earlier attempt to send: its offsets say nothing here.
      if (this.#isFrom(brokerName, check)) {
        this.#open.set(transactionId, { brokerName, tranStateTableOffset, commitLogOffset });
      }
      return { state: 'UNKNOW', remark: 'the local transaction is still running' };
    }
    if (!listener) {
      logger.warn(
        `a broker asks producer ${group} about transaction ${transactionId}, which is none of this process, and it has ` +
          'no transactionListener',
      );
      return { state: 'UNKNOW', remark: 'the producer has no transactionListener' };
    }
    try {
      return toVerdict(await listener.checkLocalTransaction(message));
    } catch (error) {
      this.#options.logger.error(
        `checkLocalTransaction of ${message.msgId} threw, its end is unknown: ${describe(error)}`,
      );
      return { state: 'UNKNOW', remark: `checkLocalTransactionState Exception, ${describe(error)}` };
    }
  }

  #isFrom(brokerName: string, { header, connection }: TransactionCheck): boolean {
    if (header.bname !== undefined) return header.bname === brokerName;
    return connection.address === this.#options.routes.brokerAddress(brokerName);
  }

  async #end(sent: SendResult, topic: string, place: HalfPlace, verdict: Verdict): Promise<void> {
    const { brokers, routes, group, clock, closing, trace } = this.#options;
    const message = this.#traced.get(sent.msgId) ?? { topic, msgId: sent.msgId };
    this.#traced.delete(sent.msgId);
    const transactionId = transactionIdOf(sent);
    const { state, remark } = verdict;
    const { brokerName, tranStateTableOffset, commitLogOffset } = place;
    await retryUntilReached({ clock, closing, timeout: END_TIMEOUT_MS }, async () => {
      const address = routes.brokerAddress(brokerName);
      if (!address) throw new BrokerNotFoundError(brokerName, topic);
      await brokers.oneway(
        address,
        Requests.END_TRANSACTION,
        {
          topic,
          producerGroup: group,
          tranStateTableOffset,
          commitLogOffset,
          commitOrRollback: COMMIT_OR_ROLLBACK[state],
          fromTransactionCheck: false,
          msgId: sent.msgId,
          transactionId,
          bname: brokerName,
        },
        remark === undefined ? {} : { remark },
      );
      trace?.ended({ message, storeHost: address, transactionId, state, fromCheck: false });
    });
  }

  #answer(check: TransactionCheck, message: MessageExt, transactionId: string, verdict: Verdict): void {
    const connection: Connection = check.connection;
    const msgId = message.properties.get(MessageProperty.UNIQ_KEY) ?? check.header.msgId ?? message.msgId;
    connection.oneway(
      Requests.END_TRANSACTION,
      {
        topic: message.topic,
        producerGroup: this.#options.group,
        tranStateTableOffset: check.header.tranStateTableOffset,
        commitLogOffset: check.header.commitLogOffset,
        commitOrRollback: COMMIT_OR_ROLLBACK[verdict.state],
        fromTransactionCheck: true,
        msgId,
        transactionId,
        ...(check.header.bname !== undefined && { bname: check.header.bname }),
      },
      verdict.remark === undefined ? {} : { remark: verdict.remark },
    );
    this.#options.ended?.ended({
      ...endOf(message.topic, msgId, transactionId, verdict),
      half: message,
      brokerAddr: connection.address,
    });
    this.#options.trace?.ended(
      {
        message: tracedMessage(message.topic, msgId, message.properties),
        storeHost: connection.address,
        transactionId,
        state: verdict.state,
        fromCheck: true,
      },
      message.properties.get(MessageProperty.MSG_REGION),
    );
  }
}

function forgetOldest(map: Map<string, unknown>, limit: number): void {
  const [oldest] = map.keys();
  if (map.size > limit && oldest !== undefined) map.delete(oldest);
}
