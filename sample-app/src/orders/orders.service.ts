// Places, finds and cancels orders.
import { randomUUID } from 'node:crypto';
import { ConflictException, Injectable, NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import { RocketMQLocalTransactionState, RocketMQTemplate } from 'nest-rocketmq';
import { Database } from '../database/database.js';
import type { Queryable } from '../database/database.js';
import { StockRepository } from '../stock/stock.repository.js';
import type { CreateOrderDto } from './create-order.dto.js';
import { ORDER_CREATED, ORDER_TOPIC } from './order.js';
import type { NewOrder, Order } from './order.js';
import { OrdersRepository } from './orders.repository.js';

@Injectable()
export class OrdersService {
  constructor(
    private readonly rocketmq: RocketMQTemplate,
    private readonly database: Database,
    private readonly orders: OrdersRepository,
    private readonly stock: StockRepository,
  ) {}

  async place({ sku, quantity }: CreateOrderDto): Promise<Order> {
    if (!(await this.stock.find(this.database, sku))) throw new NotFoundException(`There is no product '${sku}'.`);
    const order: NewOrder = { id: randomUUID(), sku, quantity };
    const { state } = await this.rocketmq.sendMessageInTransaction(`${ORDER_TOPIC}:${ORDER_CREATED}`, order, {
      keys: order.id,
    });
    switch (state) {
      case RocketMQLocalTransactionState.COMMIT:
        return this.get(order.id);
      case RocketMQLocalTransactionState.ROLLBACK:
        throw new ConflictException(`There are not ${quantity} of '${sku}' in stock.`);
      case RocketMQLocalTransactionState.UNKNOWN:
        throw new ServiceUnavailableException(
          `Order ${order.id} may or may not have been placed: GET /orders/${order.id} will tell.`,
        );
    }
  }

  async get(id: string): Promise<Order> {
    const order = await this.orders.find(this.database, id);
    if (!order) throw new NotFoundException(`There is no order ${id}.`);
    return order;
  }

  /** Cancels the order and gives its stock back, unless it is paid. Returns the order as it was found. */
  async cancelIfUnpaid(transaction: Queryable, id: string): Promise<Order | undefined> {
    const order = await this.orders.lock(transaction, id);
    if (order?.status !== 'PENDING') return order;
    await this.orders.setStatus(transaction, id, 'CANCELLED');
    await this.stock.giveBack(transaction, order.sku, order.quantity);
    return order;
  }
}
