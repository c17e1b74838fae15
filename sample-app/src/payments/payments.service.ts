// Pays an order, at most once.
import { randomUUID } from 'node:crypto';
import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import type { TransactionMessage } from 'nest-rocketmq';
import { Database } from '../database/database.js';
import type { Queryable } from '../database/database.js';
import { OrderEvents } from '../orders/order-events.js';
import { OrderPaid } from '../orders/order.js';
import { OrdersRepository } from '../orders/orders.repository.js';

export interface Payment {
  id: string;
  orderId: string;
  paidAt: Date;
}

const COLUMNS = 'id, order_id AS "orderId", paid_at AS "paidAt"';

@Injectable()
export class PaymentsService {
  constructor(
    private readonly database: Database,
    private readonly orders: OrdersRepository,
    private readonly events: OrderEvents,
  ) {}

  /** Pays the order and publishes `order:paid`. */
  pay(orderId: string): Promise<Payment> {
    return this.events.publish(OrderPaid, { id: orderId }, (message) => this.#pay(orderId, message));
  }

  #pay(orderId: string, message: TransactionMessage): Promise<Payment> {
    return this.database.transaction(async (transaction) => {
      await this.events.record(transaction, message);
      const order = await this.orders.lock(transaction, orderId);
      if (!order) throw new NotFoundException(`There is no order ${orderId}.`);
      if (order.status === 'PAID' || order.status === 'SHIPPED') throw await this.#alreadyPaid(transaction, orderId);
      if (order.status === 'CANCELLED') {
        throw new ConflictException(
          `Order ${orderId} was cancelled because it was not paid in time. Nothing was charged.`,
        );
      }
      await this.orders.setStatus(transaction, orderId, 'PAID');
      return insert(transaction, orderId);
    });
  }

  async #alreadyPaid(transaction: Queryable, orderId: string): Promise<ConflictException> {
    const found = await transaction.query<Payment>(`SELECT ${COLUMNS} FROM payments WHERE order_id = $1`, [orderId]);
    const payment = found[0]!; // an order that is PAID or SHIPPED has one
    return new ConflictException(
      `Order ${orderId} was paid at ${payment.paidAt.toISOString()} (payment ${payment.id}). Nothing was charged again.`,
    );
  }
}

async function insert(transaction: Queryable, orderId: string): Promise<Payment> {
  const inserted = await transaction.query<Payment>(
    `INSERT INTO payments (id, order_id) VALUES ($1, $2) RETURNING ${COLUMNS}`,
    [randomUUID(), orderId],
  );
  return inserted[0]!;
}
