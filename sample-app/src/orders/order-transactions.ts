// Runs the local transaction of a new order: the order and its stock in the database, and the verdict on `order:created`.
// Both happen or neither: if this process dies in between, the broker asks, and the database knows.
import { Logger } from '@nestjs/common';
import { RocketMQLocalTransactionState, RocketMQTransactionListener } from 'nest-rocketmq';
import type { RocketMQLocalTransactionListener } from 'nest-rocketmq';
import { Database } from '../database/database.js';
import { StockRepository } from '../stock/stock.repository.js';
import { ORDER_TOPIC } from './order.js';
import type { NewOrder } from './order.js';
import { OrdersRepository } from './orders.repository.js';

@RocketMQTransactionListener({ topic: ORDER_TOPIC })
export class OrderTransactions implements RocketMQLocalTransactionListener<NewOrder> {
  private readonly logger = new Logger(OrderTransactions.name);

  constructor(
    private readonly database: Database,
    private readonly orders: OrdersRepository,
    private readonly stock: StockRepository,
  ) {}

  executeLocalTransaction(order: NewOrder): Promise<RocketMQLocalTransactionState> {
    return this.database.transaction(async (transaction) => {
      if (!(await this.stock.take(transaction, order.sku, order.quantity))) {
        return RocketMQLocalTransactionState.ROLLBACK;
      }
      await this.orders.insert(transaction, order);
      return RocketMQLocalTransactionState.COMMIT;
    });
  }

  async checkLocalTransaction({ id }: NewOrder): Promise<RocketMQLocalTransactionState> {
    if (await this.orders.find(this.database, id)) {
      this.logger.log(`order ${id} is in the database: its message is committed`);
      return RocketMQLocalTransactionState.COMMIT;
    }
    // The order may still be on its way into the database. If not, the broker stops asking and drops the message.
    return RocketMQLocalTransactionState.UNKNOWN;
  }
}
