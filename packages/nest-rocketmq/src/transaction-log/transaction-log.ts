// Defines the record of committed transactions that answers the broker's checks.

/**
 * Records, in the database transaction of the work itself, that the work of a message's transaction is committed. Give one as
 * the module option `transactionLog`: it answers the broker's checks, so that no class has to. `PostgresTransactionLog` is
 * one; implement it for another database.
 */
export interface TransactionLog<Transaction = unknown> {
  /**
   * Writes the record. Call it first in the database transaction: a check then waits until that transaction has ended.
   * @param transaction the open database transaction
   * @param transactionId of the message that `RocketMQTemplate.transaction` passes to its function
   * @throws when `hasCommitted` has said false before: the database transaction must then fail as well
   */
  record(transaction: Transaction, transactionId: string): Promise<void>;
  /**
   * Whether the transaction is committed. After false it cannot be any more: `record` rejects.
   * @throws when that cannot be known now; the broker asks again
   */
  hasCommitted(transactionId: string): Promise<boolean>;
}
