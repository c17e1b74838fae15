// Makes a message that arrives twice take effect once. The unique key of processed_messages decides, in the same database
// transaction as the effect. The filter in front only saves work, and may be wrong in either direction.
import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { Queryable } from '../database/database.js';
import { SeenFilter } from './seen-filter.js';

export type Outcome<T> = { first: true; result: T } | { first: false };

@Injectable()
export class ProcessedMessages {
  constructor(
    private readonly database: Database,
    private readonly filter: SeenFilter,
  ) {}

  /**
   * Runs `work` unless this consumer has done so for this key before. When `work` rejects, nothing is remembered, and
   * the message's redelivery runs it again.
   */
  async once<T>(consumer: string, key: string, work: (transaction: Queryable) => Promise<T>): Promise<Outcome<T>> {
    const entry = `${consumer}/${key}`;
    // After "maybe" only the table knows. "Surely not", which most messages get, saves this query.
    if (this.filter.mightContain(entry) && (await this.#isRecorded(consumer, key))) return { first: false };
    const outcome = await this.database.transaction(async (transaction): Promise<Outcome<T>> => {
      if (!(await record(transaction, consumer, key))) return { first: false };
      return { first: true, result: await work(transaction) };
    });
    this.filter.add(entry);
    return outcome;
  }

  async #isRecorded(consumer: string, key: string): Promise<boolean> {
    const rows = await this.database.query(
      'SELECT 1 FROM processed_messages WHERE consumer = $1 AND message_key = $2',
      [consumer, key],
    );
    return rows.length > 0;
  }
}

/** False if an earlier delivery, to this process or another, has recorded the key. */
async function record(transaction: Queryable, consumer: string, key: string): Promise<boolean> {
  const rows = await transaction.query(
    `INSERT INTO processed_messages (consumer, message_key) VALUES ($1, $2)
     ON CONFLICT DO NOTHING
     RETURNING message_key`,
    [consumer, key],
  );
  return rows.length > 0;
}
