// Publishes the events of an order together with the change in the database that they tell of: both or neither. If this
// process dies in between, the broker asks, and the transaction log knows.
import { Injectable } from '@nestjs/common';
import { PostgresTransactionLog, RocketMQTemplate } from 'nest-rocketmq';
import type { Topic, TransactionMessage } from 'nest-rocketmq';
import type { Queryable } from '../database/database.js';
import type { OrderEvent } from './order.js';

@Injectable()
export class OrderEvents {
  constructor(
    private readonly rocketmq: RocketMQTemplate,
    private readonly log: PostgresTransactionLog,
  ) {}

  /**
   * Publishes the event if `work` returns, and drops it if `work` throws or returns ROLLBACK. The order's id is the sharding
   * key: all events of an order are in one queue, in turn.
   * @param work must call `record` in the database transaction that makes the change
   */
  publish<E extends OrderEvent, T>(
    topic: Topic<E>,
    event: E,
    work: (message: TransactionMessage) => Promise<T>,
  ): Promise<T> {
    const options = { keys: event.id, shardingKey: event.id };
    return this.rocketmq.transaction(topic, event, work, options);
  }

  /** Records in the database transaction that the event's change is committed with it. */
  record(transaction: Queryable, { transactionId }: TransactionMessage): Promise<void> {
    return this.log.record(transaction, transactionId);
  }
}
