// Tests the outbox in a Nest app on PostgreSQL (PGlite), with the manual clock and the embedded broker.
import 'reflect-metadata';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { Transaction } from '@electric-sql/pglite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { RocketMQMessageListener } from 'nest-rocketmq';
import type { RocketMQContext } from 'nest-rocketmq';
import { OutboxTableMissingError, RocketMQOutbox, RocketMQOutboxModule } from 'nest-rocketmq/outbox';
import type { OutboxEvent, OutboxTransaction, RocketMQOutboxOptions } from 'nest-rocketmq/outbox';
import { rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting, TestingOptions } from 'nest-rocketmq/testing';
import { databaseDirectory } from '../../sample-app/test-kit/data-directory.js';

let directory: string;
let database: PGlite;
let testing: RocketMQTesting;
let module: TestingModule | undefined;
let outbox: RocketMQOutbox;
let events: OutboxEvent[];
let seen: { payload: unknown; context: RocketMQContext }[];

/** Takes what `seen` is asserted on. */
class Listener {
  @RocketMQMessageListener({ topic: 'order', consumerGroup: 'orders', consumeMode: 'ORDERLY' })
  take(payload: unknown, context: RocketMQContext): void {
    seen.push({ payload, context });
  }
}

beforeAll(async () => {
  Logger.overrideLogger(false);
  directory = await databaseDirectory();
  database = await PGlite.create({ dataDir: join(directory, 'data') });
  await database.exec('CREATE TABLE orders (id text PRIMARY KEY)');
}, 60_000);

afterAll(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

beforeEach(async () => {
  seen = [];
  events = [];
  await database.exec('DROP TABLE IF EXISTS rocketmq_outbox; DELETE FROM orders');
});

afterEach(async () => {
  await module?.close();
  module = undefined;
});

async function start(options: Partial<RocketMQOutboxOptions> = {}, mq: TestingOptions = {}): Promise<TestingModule> {
  testing = rocketMQTesting({ group: 'shop', ...mq });
  const imports = [testing.module, RocketMQOutboxModule.forRoot({ database, createTable: true, ...options })];
  module = await Test.createTestingModule({ imports, providers: [Listener] }).compile();
  outbox = module.get(RocketMQOutbox);
  outbox.events.subscribe((event) => events.push(event));
  await module.init();
  return module;
}

/** Stores an order and writes its message in one transaction. */
function place(id: string, options: Parameters<RocketMQOutbox['send']>[3] = {}): Promise<string> {
  return database.transaction(async (transaction) => {
    await transaction.query('INSERT INTO orders (id) VALUES ($1)', [id]);
    return (await outbox.send(transaction as OutboxTransaction, 'order:created', { id }, options)).id;
  });
}

const ids = (): unknown[] => seen.map(({ payload }) => (payload as { id: string }).id);
const rows = async (): Promise<unknown[]> =>
  (await database.query('SELECT status, topic FROM rocketmq_outbox ORDER BY seq')).rows;

describe('a message in a transaction', () => {
  test('is delivered once that is committed, with the id of its row, and with all it was given', async () => {
    await start();
    const id = await place('o1', { keys: ['o1', 'x'], shardingKey: 'o1', properties: { source: 'shop' } });
    await testing.advance(0);
    expect(ids()).toEqual(['o1']);
    const { context } = seen[0]!;
    expect(context.keys).toEqual(['o1', 'x']);
    expect(context.tags).toBe('created');
    expect(Object.fromEntries(context.properties)).toMatchObject({ UNIQ_KEY: id, source: 'shop', __SHARDINGKEY: 'o1' });
    expect(await rows()).toEqual([{ status: 'SENT', topic: 'order' }]);
  });

  test('is never sent if that is rolled back', async () => {
    await start();
    await place('o1');
    await expect(place('o1')).rejects.toThrow(/duplicate key/);
    await testing.advance('1h');
    expect(ids()).toEqual(['o1']);
  });

  test('with a delay is delivered so long after it was written', async () => {
    await start();
    await place('o1', { delay: '30m' });
    await testing.advance('29m');
    expect(ids()).toEqual([]);
    await testing.advance('1m');
    expect(ids()).toEqual(['o1']);
  });
});
