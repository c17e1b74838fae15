// Holds the code of docs/outbox-or-half-message.md: outbox.test.ts compares the two, and runs it.
import { Injectable } from '@nestjs/common';
import { PostgresTransactionLog, RocketMQTemplate } from 'nest-rocketmq';
import type { TransactionMessage } from 'nest-rocketmq';
import { RocketMQOutbox } from 'nest-rocketmq/outbox';
import { Database } from '../../sample-app/src/database/database.js';
import type { NewOrder } from '../../sample-app/src/orders/order.js';
import { OrdersRepository } from '../../sample-app/src/orders/orders.repository.js';

@Injectable()
export class OrdersWithOutbox {
  constructor(
    private readonly database: Database,
    private readonly orders: OrdersRepository,
    private readonly outbox: RocketMQOutbox,
  ) {}

  async place(order: NewOrder): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await this.orders.insert(transaction, order);
      await this.outbox.send(transaction, 'order:created', order, { keys: order.id, shardingKey: order.id });
      await this.outbox.send(transaction, 'order-cancel', { id: order.id }, { keys: order.id, delay: '30m' });
    });
  }
}

@Injectable()
export class OrdersWithHalfMessage {
  constructor(
    private readonly database: Database,
    private readonly orders: OrdersRepository,
    private readonly rocketmq: RocketMQTemplate,
    private readonly log: PostgresTransactionLog,
  ) {}

  async place(order: NewOrder): Promise<void> {
    const work = ({ transactionId }: TransactionMessage): Promise<void> =>
      this.database.transaction(async (transaction) => {
        await this.log.record(transaction, transactionId);
        await this.orders.insert(transaction, order);
      });
    await this.rocketmq.transaction('order:created', order, work, { keys: order.id, shardingKey: order.id });
  }
}
