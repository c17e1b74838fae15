// Runs the work of a transaction, and ends the transaction by how the work has ended.
import type { OutgoingMessage, Transaction } from '@nest-rocketmq/client';
import { RocketMQLocalTransactionState } from '../decorators/listener-metadata.js';
import type { TransactionListeners } from '../transactions/transaction-listeners.js';
import type { TransactionMessage } from './send-options.js';

/** @returns what `work` has returned @throws what `work` has thrown */
export async function runTransaction<T>(
  transactions: TransactionListeners,
  transaction: Transaction,
  { topic, tags, keys = [] }: OutgoingMessage,
  work: (message: TransactionMessage) => Promise<T> | T,
): Promise<T> {
  const { transactionId } = transaction;
  let result: T;
  try {
    result = await work({ topic, tags, keys: [keys].flat(), transactionId });
  } catch (error) {
    await end(transaction, stateOf(await transactions.isCommitted(topic, transactionId)));
    throw error;
  }
  await end(transaction, result);
  return result;
}

/** @param result of the work, of which two values mean something */
function end(transaction: Transaction, result: unknown): Promise<void> {
  if (result === RocketMQLocalTransactionState.ROLLBACK) return transaction.rollback();
  if (result === RocketMQLocalTransactionState.UNKNOWN) return transaction.leaveUnknown();
  return transaction.commit();
}

function stateOf(isCommitted: boolean | undefined): RocketMQLocalTransactionState {
  if (isCommitted === undefined) return RocketMQLocalTransactionState.UNKNOWN;
  return isCommitted ? RocketMQLocalTransactionState.COMMIT : RocketMQLocalTransactionState.ROLLBACK;
}
