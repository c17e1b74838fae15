// Runs transactions: stores the half message, runs the local transaction, and tells the broker how it ended, also when
// a broker asks later.
import type { Clock, Connection, Logger, MessageExt } from '@nest-rocketmq/remoting/internal';
import { MessageProperty, Requests, SysFlag, decodeOffsetMsgId } from '@nest-rocketmq/remoting/internal';
import type { Brokers } from '../routes/brokers.js';
import { BrokerNotFoundError, describe } from '../errors.js';
import type { TransactionCheck } from '../groups/group-registry.js';
import { retryUntilReached } from '../time/backoff.js';
import type { Routes } from '../routes/routes.js';
import type { PreparedMessage } from './outgoing.js';
import type {
  LocalTransactionState,
  OutgoingMessage,
  SendResult,
  TransactionListener,
  TransactionSendResult,
} from './producer-options.js';

/** END_TRANSACTION's commitOrRollback. */
const COMMIT_OR_ROLLBACK: Record<LocalTransactionState, number> = {
  COMMIT_MESSAGE: SysFlag.TRANSACTION_COMMIT,
  ROLLBACK_MESSAGE: SysFlag.TRANSACTION_ROLLBACK,
  UNKNOW: SysFlag.TRANSACTION_NOT_TYPE,
};

/** How long a broker that cannot be reached is dialled again; after that, it has to ask. ms */
const END_TIMEOUT_MS = 3_000;

export interface TransactionsOptions {
  group: string;
  listener: TransactionListener;
  clock: Clock;
  /** Aborts when no further attempt may be made. */
  closing: AbortSignal;
  logger: Logger;
  routes: Routes;
  brokers: Brokers;
}

interface Verdict {
  readonly state: LocalTransactionState;
  /** Why it is unknown, for the broker's log. */
  readonly remark?: string;
}

export class Transactions {
  readonly #options: TransactionsOptions;
  /** Transactions whose check is under way: a broker may ask again meanwhile. */
  readonly #checking = new Set<string>();

  constructor(options: TransactionsOptions) {
    this.#options = options;
  }

  /** The same message as a half message: stored, but not delivered. */
  half(message: PreparedMessage): PreparedMessage {
    const properties = new Map(message.properties);
    // A broker cannot hold a message back for two reasons; Apache's producer drops the delay as well.
    properties.delete(MessageProperty.DELAY);
    properties.set(MessageProperty.TRAN_MSG, 'true');
    properties.set(MessageProperty.PGROUP, this.#options.group);
    return { ...message, properties, sysFlag: message.sysFlag | SysFlag.TRANSACTION_PREPARED };
  }

  /** Runs the local transaction for a stored half message, and tells the broker. */
  async conclude(message: OutgoingMessage, sent: SendResult, arg: unknown): Promise<TransactionSendResult> {
    const transactionId = sent.transactionId ?? sent.msgId;
    const verdict = await this.#execute(message, sent, transactionId, arg);
    try {
      await this.#end(sent, message.topic, transactionId, verdict);
    } catch (error) {
      // The broker will ask: the end of the transaction is only delayed.
      this.#options.logger.warn(`the end of transaction ${transactionId} could not be told: ${describe(error)}`);
    }
    return { ...sent, transactionId, localTransactionState: verdict.state };
  }

  /** A broker asks how a transaction ended. The answer is a request of its own, over the connection that asked. */
  check(check: TransactionCheck, message: MessageExt): void {
    const transactionId = check.header.transactionId ?? message.msgId;
    if (this.#checking.has(transactionId)) return;
    this.#checking.add(transactionId);
    this.#look(message)
      .then((verdict) => this.#answer(check, message, transactionId, verdict))
      .catch((error: unknown) => this.#options.logger.warn(`check of transaction ${transactionId}: ${describe(error)}`))
      .finally(() => this.#checking.delete(transactionId));
  }

  async #execute(message: OutgoingMessage, sent: SendResult, transactionId: string, arg: unknown): Promise<Verdict> {
    // Stored, but not flushed or replicated as asked, is not enough: if that copy is lost, a commit delivers nothing.
    if (sent.sendStatus !== 'SEND_OK') return { state: 'ROLLBACK_MESSAGE' };
    try {
      return toVerdict(await this.#options.listener.executeLocalTransaction({ ...message, transactionId }, arg));
    } catch (error) {
      this.#options.logger.error(
        `executeLocalTransaction of ${transactionId} threw, its end is unknown: ${describe(error)}`,
      );
      return { state: 'UNKNOW', remark: `executeLocalTransactionBranch exception: ${describe(error)}` };
    }
  }

  async #look(message: MessageExt): Promise<Verdict> {
    try {
      return toVerdict(await this.#options.listener.checkLocalTransaction(message));
    } catch (error) {
      this.#options.logger.error(
        `checkLocalTransaction of ${message.msgId} threw, its end is unknown: ${describe(error)}`,
      );
      return { state: 'UNKNOW', remark: `checkLocalTransactionState Exception, ${describe(error)}` };
    }
  }

  async #end(sent: SendResult, topic: string, transactionId: string, verdict: Verdict): Promise<void> {
    const { brokers, routes, group, clock, closing } = this.#options;
    const { brokerName } = sent.messageQueue;
    await retryUntilReached({ clock, closing, timeout: END_TIMEOUT_MS }, async () => {
      const address = routes.brokerAddress(brokerName);
      if (!address) throw new BrokerNotFoundError(brokerName, topic);
      await brokers.oneway(
        address,
        Requests.END_TRANSACTION,
        {
          topic,
          producerGroup: group,
          tranStateTableOffset: sent.queueOffset,
          commitLogOffset: decodeOffsetMsgId(sent.offsetMsgId).physicalOffset,
          commitOrRollback: COMMIT_OR_ROLLBACK[verdict.state],
          fromTransactionCheck: false,
          msgId: sent.msgId,
          transactionId,
          bname: brokerName,
        },
        verdict.remark === undefined ? {} : { remark: verdict.remark },
      );
    });
  }

  #answer(check: TransactionCheck, message: MessageExt, transactionId: string, verdict: Verdict): void {
    const connection: Connection = check.connection;
    connection.oneway(
      Requests.END_TRANSACTION,
      {
        topic: message.topic,
        producerGroup: this.#options.group,
        tranStateTableOffset: check.header.tranStateTableOffset,
        commitLogOffset: check.header.commitLogOffset,
        commitOrRollback: COMMIT_OR_ROLLBACK[verdict.state],
        fromTransactionCheck: true,
        msgId: message.properties.get(MessageProperty.UNIQ_KEY) ?? check.header.msgId ?? message.msgId,
        transactionId,
        ...(check.header.bname !== undefined && { bname: check.header.bname }),
      },
      verdict.remark === undefined ? {} : { remark: verdict.remark },
    );
  }
}

/** Anything but the two ends is unknown: a listener in plain JavaScript may return nothing. */
function toVerdict(state: LocalTransactionState): Verdict {
  return { state: state === 'COMMIT_MESSAGE' || state === 'ROLLBACK_MESSAGE' ? state : 'UNKNOW' };
}
