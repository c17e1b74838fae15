// Tests that a message which arrives twice takes effect once.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database, Queryable } from '../database/database.js';
import { migrate } from '../database/migrations.js';
import { PGliteDatabase } from '../database/pglite-database.js';
import { BloomFilter } from './bloom-filter.js';
import { ProcessedMessages } from './processed-messages.js';
import { SeenFilter } from './seen-filter.js';

class AlwaysMaybe extends SeenFilter {
  mightContain(): boolean {
    return true;
  }
  add(): void {}
}

class NeverSeen extends SeenFilter {
  mightContain(): boolean {
    return false;
  }
  add(): void {}
}

let database: Database;

beforeAll(async () => {
  database = await PGliteDatabase.open('memory://');
  await migrate(database);
});

afterAll(() => database.close());

beforeEach(async () => {
  await database.query('DELETE FROM processed_messages');
  await database.query(`UPDATE products SET stock = 100 WHERE sku = 'coffee'`);
});

const FILTERS: [string, () => SeenFilter][] = [
  ['a Bloom filter', () => new BloomFilter({ expectedItems: 100, falsePositiveRate: 0.01 })],
  ['a filter that always says maybe', () => new AlwaysMaybe()],
  ['a filter that has forgotten everything', () => new NeverSeen()],
];

async function takeOne(transaction: Queryable): Promise<string> {
  await transaction.query(`UPDATE products SET stock = stock - 1 WHERE sku = 'coffee'`);
  return 'taken';
}

async function stock(): Promise<number> {
  const rows = await database.query<{ stock: number }>(`SELECT stock FROM products WHERE sku = 'coffee'`);
  return rows[0]!.stock;
}

describe.each(FILTERS)('with %s', (_name, filter) => {
  test('a message has its effect, and a second delivery changes nothing', async () => {
    const processed = new ProcessedMessages(database, filter());
    await expect(processed.once('c', 'k', takeOne)).resolves.toEqual({ first: true, result: 'taken' });
    await expect(processed.once('c', 'k', takeOne)).resolves.toEqual({ first: false });
    await expect(stock()).resolves.toBe(99);
  });

  test('other keys and other consumers are other messages', async () => {
    const processed = new ProcessedMessages(database, filter());
    const outcomes = [
      await processed.once('c', 'k', takeOne),
      await processed.once('c', 'other', takeOne),
      await processed.once('d', 'k', takeOne),
    ];
    expect(outcomes.every(({ first }) => first)).toBe(true);
    await expect(stock()).resolves.toBe(97);
  });

  test('a failed delivery leaves no trace, and the redelivery has the effect', async () => {
    const processed = new ProcessedMessages(database, filter());
    const failing = processed.once('c', 'k', async (transaction) => {
      await takeOne(transaction);
      throw new Error('half way');
    });
    await expect(failing).rejects.toThrow('half way');
    await expect(stock()).resolves.toBe(100);
    await expect(processed.once('c', 'k', takeOne)).resolves.toMatchObject({ first: true });
    await expect(stock()).resolves.toBe(99);
  });

  test('of several deliveries at once, also to two processes, one has the effect', async () => {
    const [one, other] = [new ProcessedMessages(database, filter()), new ProcessedMessages(database, filter())];
    const outcomes = await Promise.all([
      one.once('c', 'k', takeOne),
      other.once('c', 'k', takeOne),
      one.once('c', 'k', takeOne),
    ]);
    expect(outcomes.filter(({ first }) => first)).toHaveLength(1);
    await expect(stock()).resolves.toBe(99);
  });
});
