// Tests the transaction log on a real PostgreSQL (PGlite), up to an app that ends between its commit and its verdict.
import 'reflect-metadata';
import { join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { PostgresTransactionLog, RocketMQMessageListener, RocketMQTemplate } from 'nest-rocketmq';
import type { TransactionMessage } from 'nest-rocketmq';
import { consumed, rocketMQTesting } from 'nest-rocketmq/testing';
import { openTestDatabase } from '../../sample-app/test-kit/data-directory.js';
import type { TestDatabase } from '../../sample-app/test-kit/data-directory.js';

let opened: TestDatabase;
let database: PGlite;
let log: PostgresTransactionLog;

beforeAll(async () => {
  Logger.overrideLogger(['error']);
  opened = await openTestDatabase();
  ({ database } = opened);
  await database.exec('CREATE TABLE orders (id text PRIMARY KEY)');
});

afterAll(async () => {
  await opened.close();
});

beforeEach(async () => {
  await database.exec('DROP TABLE IF EXISTS rocketmq_transactions; DELETE FROM orders');
  log = new PostgresTransactionLog(database);
  await log.createTable();
});

/** Stores an order and the record of its message in one database transaction. */
function store(id: string, { transactionId }: Pick<TransactionMessage, 'transactionId'>): Promise<void> {
  return database.transaction(async (transaction) => {
    await log.record(transaction, transactionId);
    await transaction.query('INSERT INTO orders (id) VALUES ($1)', [id]);
  });
}

const orders = async (): Promise<unknown[]> => (await database.query('SELECT id FROM orders')).rows;

describe('the log', () => {
  test('knows a committed transaction, and not one that was rolled back', async () => {
    await store('o1', { transactionId: 'TX1' });
    await expect(store('o1', { transactionId: 'TX2' })).rejects.toThrow(/duplicate key/);
    expect(await log.hasCommitted('TX1')).toBe(true);
    expect(await log.hasCommitted('TX2')).toBe(false);
  });

  test('has said for good that a transaction is not committed: its work then fails', async () => {
    expect(await log.hasCommitted('slow')).toBe(false);
    await expect(store('o1', { transactionId: 'slow' })).rejects.toThrow(/duplicate key/);
    expect(await orders()).toEqual([]);
    expect(await log.hasCommitted('slow')).toBe(false);
  });

  test('answers once a transaction that is still open has ended', async () => {
    let asked: Promise<boolean> | undefined;
    await database.transaction(async (transaction) => {
      await log.record(transaction, 'open');
      asked = log.hasCommitted('open');
    });
    expect(await asked).toBe(true);
  });

  test('deletes what is old', async () => {
    await store('o1', { transactionId: 'TX1' });
    await log.deleteOld(3_600_000);
    expect(await log.hasCommitted('TX1')).toBe(true);
    await log.deleteOld(-1_000);
    expect((await database.query('SELECT * FROM rocketmq_transactions')).rows).toEqual([]);
  });

  test('takes a database whose query resolves with the rows, and a table of another name', async () => {
    const rows = { query: async (sql: string, parameters?: unknown[]) => (await database.query(sql, parameters)).rows };
    const other = new PostgresTransactionLog(rows, { table: 'public.shop_transactions' });
    await other.createTable();
    await other.record(rows, 'TX1');
    expect(await other.hasCommitted('TX1')).toBe(true);
    expect(() => new PostgresTransactionLog(rows, { table: 'a; DROP TABLE b' })).toThrow(
      /option table of PostgresTransactionLog/,
    );
  });
});

describe('an app that ends between its commit and its verdict', () => {
  test.each([
    ['delivers the message of work that was committed', true, ['o1']],
    ['drops that of work that was not', false, []],
  ])('%s, once it is there again', async (_what, commits, delivered) => {
    const folder = join(opened.directory, `mq-${commits}`);
    const first = rocketMQTesting({ group: 'shop', embedded: { store: folder } });
    const app = await Test.createTestingModule({ imports: [first.module] }).compile();
    await app.init();
    const transaction = await app.get(RocketMQTemplate).beginTransaction('order', { id: 'o1' });
    if (commits) await store('o1', transaction);
    await app.close();

    const seen: string[] = [];
    class Events {
      @RocketMQMessageListener({ topic: 'order', consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
      take({ id }: { id: string }): void {
        seen.push(id);
      }
    }
    const testing = rocketMQTesting({ group: 'shop', embedded: { store: folder }, transactionLog: log });
    const again = await Test.createTestingModule({ imports: [testing.module], providers: [Events] }).compile();
    await again.init();
    const arrived = commits ? consumed(again, { topic: 'order' }, { timeout: '60s' }) : undefined;
    await testing.advance('2m', { timeout: '60s' });
    await arrived;
    expect(seen).toEqual(delivered);
    expect(await log.hasCommitted(transaction.transactionId)).toBe(commits);
    await again.close();
  });
});
