// Places, finds, ships and cancels orders.
import { randomUUID } from 'node:crypto';
import {
  ConflictException,
  HttpException,
  Injectable,
  NotFoundException,
  ServiceUnavailableException,
} from '@nestjs/common';
import { RocketMQError } from 'nest-rocketmq';
import type { TransactionMessage } from 'nest-rocketmq';
import { Database } from '../database/database.js';
import type { Queryable } from '../database/database.js';
import { StockRepository } from '../stock/stock.repository.js';
import type { CreateOrderDto } from './create-order.dto.js';
import { OrderEvents } from './order-events.js';
import { OrderCreated, OrderShipped } from './order.js';
import type { NewOrder, Order } from './order.js';
import { OrdersRepository } from './orders.repository.js';
import { TimelineRepository } from './timeline.repository.js';
import type { TimelineEntry } from './timeline.repository.js';

@Injectable()
export class OrdersService {
  constructor(
    private readonly database: Database,
    private readonly orders: OrdersRepository,
    private readonly stock: StockRepository,
    private readonly events: OrderEvents,
    private readonly timeline: TimelineRepository,
  ) {}

  async place({ sku, quantity }: CreateOrderDto): Promise<Order> {
    if (!(await this.stock.find(this.database, sku))) throw new NotFoundException(`There is no product '${sku}'.`);
    const order: NewOrder = { id: randomUUID(), sku, quantity };
    try {
      await this.events.publish(OrderCreated, order, (message) => this.#insert(order, message));
    } catch (cause) {
      if (cause instanceof HttpException || cause instanceof RocketMQError) throw cause;
      // The database failed, perhaps as it committed. Nobody else could tell the client the id.
      const problem = `Order ${order.id} may or may not have been placed: GET /orders/${order.id} will tell.`;
      throw new ServiceUnavailableException(problem, { cause });
    }
    return this.get(order.id);
  }

  /** The events of the order in turn; a moment after they have happened. */
  async timelineOf(id: string): Promise<TimelineEntry[]> {
    await this.get(id);
    return this.timeline.of(this.database, id);
  }

  async ship(id: string): Promise<Order> {
    await this.events.publish(OrderShipped, { id }, (message) =>
      this.database.transaction(async (transaction) => {
        await this.events.record(transaction, message);
        const order = await this.orders.lock(transaction, id);
        if (!order) throw new NotFoundException(`There is no order ${id}.`);
        if (order.status !== 'PAID')
          throw new ConflictException(`Order ${id} is ${order.status}: only PAID is shipped.`);
        await this.orders.setStatus(transaction, id, 'SHIPPED');
      }),
    );
    return this.get(id);
  }

  async get(id: string): Promise<Order> {
    const order = await this.orders.find(this.database, id);
    if (!order) throw new NotFoundException(`There is no order ${id}.`);
    return order;
  }

  /** Cancels the order and gives its stock back, unless it is paid. Returns the order as it was found. */
  async cancelIfUnpaid(transaction: Queryable, id: string): Promise<Order> {
    const order = await this.orders.lock(transaction, id);
    if (!order) throw new NotFoundException(`There is no order ${id}.`);
    if (order.status !== 'PENDING') return order;
    await this.orders.setStatus(transaction, id, 'CANCELLED');
    await this.stock.giveBack(transaction, order.sku, order.quantity);
    return order;
  }

  #insert(order: NewOrder, message: TransactionMessage): Promise<void> {
    return this.database.transaction(async (transaction) => {
      await this.events.record(transaction, message);
      if (!(await this.stock.take(transaction, order.sku, order.quantity))) {
        throw new ConflictException(`There are not ${order.quantity} of '${order.sku}' in stock.`);
      }
      await this.orders.insert(transaction, order);
    });
  }
}
