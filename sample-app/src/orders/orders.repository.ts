// Reads and writes orders in SQL.
import { Injectable } from '@nestjs/common';
import type { Queryable } from '../database/database.js';
import type { NewOrder, Order, OrderStatus } from './order.js';

const COLUMNS = 'id, sku, quantity, status, created_at AS "createdAt"';

@Injectable()
export class OrdersRepository {
  async insert(transaction: Queryable, { id, sku, quantity }: NewOrder): Promise<void> {
    await transaction.query('INSERT INTO orders (id, sku, quantity) VALUES ($1, $2, $3)', [id, sku, quantity]);
  }

  async find(database: Queryable, id: string): Promise<Order | undefined> {
    const [order] = await database.query<Order>(`SELECT ${COLUMNS} FROM orders WHERE id = $1`, [id]);
    return order;
  }

  /** Reads and locks the order until the transaction ends. */
  async lock(transaction: Queryable, id: string): Promise<Order | undefined> {
    const [order] = await transaction.query<Order>(`SELECT ${COLUMNS} FROM orders WHERE id = $1 FOR UPDATE`, [id]);
    return order;
  }

  async setStatus(transaction: Queryable, id: string, status: OrderStatus): Promise<void> {
    await transaction.query('UPDATE orders SET status = $2 WHERE id = $1', [id, status]);
  }
}
