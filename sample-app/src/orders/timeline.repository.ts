// Reads and writes the timelines of orders in SQL.
import { Injectable } from '@nestjs/common';
import type { Queryable } from '../database/database.js';

export interface TimelineEntry {
  event: string;
  /** When it was sent. */
  at: Date;
}

@Injectable()
export class TimelineRepository {
  async add(transaction: Queryable, orderId: string, { event, at }: TimelineEntry): Promise<void> {
    await transaction.query('INSERT INTO order_timeline (order_id, event, at) VALUES ($1, $2, $3)', [
      orderId,
      event,
      at,
    ]);
  }

  /** The events by the time at which they were sent. One that the broker had to ask about may come after a later one. */
  of(database: Queryable, orderId: string): Promise<TimelineEntry[]> {
    const sql = 'SELECT event, at FROM order_timeline WHERE order_id = $1 ORDER BY at, position';
    return database.query<TimelineEntry>(sql, [orderId]);
  }
}
