// Tests work that is recorded in its own database transaction, on a real PostgreSQL (PGlite): by hand, and in a listener.
import 'reflect-metadata';
import type { PGlite } from '@electric-sql/pglite';
import type { Transaction } from '@electric-sql/pglite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { RocketMQContext, RocketMQMessageListener, RocketMQTemplate } from 'nest-rocketmq';
import type { Message, RocketMQModuleOptions } from 'nest-rocketmq';
import { Idempotent, RocketMQIdempotency, SqlIdempotencyStore } from 'nest-rocketmq/idempotency';
import type { BloomOptions } from 'nest-rocketmq/idempotency';
import { consumed, failed, rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting } from 'nest-rocketmq/testing';
import { openTestDatabase } from '../../sample-app/test-kit/data-directory.js';
import type { TestDatabase } from '../../sample-app/test-kit/data-directory.js';

const timeout = '60s';

let opened: TestDatabase;
let database: PGlite;
let store: SqlIdempotencyStore;
const open: TestingModule[] = [];

beforeAll(async () => {
  Logger.overrideLogger(['error']);
  opened = await openTestDatabase();
  ({ database } = opened);
  store = new SqlIdempotencyStore(database);
  await store.createTable();
  await database.exec('CREATE TABLE effects (name text NOT NULL)');
});

afterAll(async () => {
  await opened.close();
});

beforeEach(() => database.exec('DELETE FROM effects; DELETE FROM rocketmq_idempotency'));
afterEach(() => Promise.all(open.splice(0).map((app) => app.close())));

async function startApp(
  providers: (new (...args: never[]) => object)[],
  idempotency: RocketMQModuleOptions['idempotency'] = { store },
): Promise<TestingModule & { testing: RocketMQTesting }> {
  const testing = rocketMQTesting({ group: 'shop', idempotency });
  const app = await Test.createTestingModule({ imports: [testing.module], providers }).compile();
  open.push(app);
  await app.init();
  return Object.assign(app, { testing });
}

async function takeEffect(transaction: Transaction, name = 'k'): Promise<string> {
  await transaction.query('INSERT INTO effects (name) VALUES ($1)', [name]);
  return 'taken';
}

const effects = async (): Promise<number> => (await database.query('SELECT 1 FROM effects')).rows.length;
const inTransaction = <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> => database.transaction(work);

const FILTERS: [string, BloomOptions | undefined][] = [
  ['without a filter', undefined],
  ['with a Bloom filter', { expectedKeys: 100, falsePositiveRate: 0.01 }],
  ['with a filter that says maybe to nearly all', { expectedKeys: 1, falsePositiveRate: 0.99 }],
];

describe.each(FILTERS)('runInTransaction %s', (_name, bloom) => {
  const once = async (): Promise<RocketMQIdempotency> =>
    (await startApp([], { store, bloom })).get(RocketMQIdempotency);

  test('has its effect, and a second run changes nothing; other keys and scopes are other work', async () => {
    const idempotency = await once();
    const run = (key: string, scope = 's') => idempotency.runInTransaction(key, inTransaction, takeEffect, { scope });
    await expect(run('k')).resolves.toEqual({ duplicate: false, result: 'taken' });
    await expect(run('k')).resolves.toEqual({ duplicate: true, result: undefined });
    await expect(run('other')).resolves.toMatchObject({ duplicate: false });
    await expect(run('k', 'other')).resolves.toMatchObject({ duplicate: false });
    await expect(effects()).resolves.toBe(3);
  });

  test('that fails leaves no trace, and the next run has the effect', async () => {
    const idempotency = await once();
    const failing = idempotency.runInTransaction('k', inTransaction, async (transaction: Transaction) => {
      await takeEffect(transaction);
      throw new Error('half way');
    });
    await expect(failing).rejects.toThrow('half way');
    await expect(effects()).resolves.toBe(0);
    await expect(idempotency.runInTransaction('k', inTransaction, takeEffect)).resolves.toMatchObject({
      duplicate: false,
    });
    await expect(effects()).resolves.toBe(1);
  });

  test('of several runs at once, also of two instances of the app, has one effect', async () => {
    const instances = [await once(), await once()];
    const runs = [0, 1, 0].map((at) => instances[at]!.runInTransaction('k', inTransaction, takeEffect, { scope: 's' }));
    const outcomes = await Promise.all(runs);
    expect(outcomes.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    await expect(effects()).resolves.toBe(1);
  });
});

describe("a listener with mode 'transactional'", () => {
  /** What its transaction does after the effect. */
  let then: () => Promise<void> | void;
  beforeEach(() => {
    then = () => undefined;
  });

  @Idempotent({ mode: 'transactional', scope: 'orders' })
  class Orders {
    constructor(private readonly idempotency: RocketMQIdempotency) {}

    @RocketMQMessageListener({ topic: 'order', retry: { backoff: '1s' } })
    async take(_payload: object, context: RocketMQContext): Promise<void> {
      await database
        .transaction(async (transaction) => {
          await this.idempotency.claimIn(transaction, context);
          await takeEffect(transaction, context.keys[0]);
          await then();
        })
        // As libraries do that have an error of their own.
        .catch((cause: unknown) => {
          throw new TypeError('the transaction was rolled back', { cause });
        });
    }
  }

  test('commits effect and record together; a failure leaves neither, and a duplicate is consumed', async () => {
    const app = await startApp([Orders]);
    let fails = 1;
    then = () => {
      if (fails-- > 0) throw new Error('half way');
    };
    const template = app.get(RocketMQTemplate);
    const first = failed(app, { topic: 'order' }, { timeout });
    const all = consumed(app, { topic: 'order' }, { timeout, times: 3 });
    await template.send('order', {}, { keys: 'o1' });
    await first;
    await expect(effects()).resolves.toBe(0);
    await template.send('order', {}, { keys: 'o1' });
    await template.send('order', {}, { keys: 'o1' });
    await app.testing.advance('10s', { timeout });
    await all;
    await expect(effects()).resolves.toBe(1);
  });

  test('counts a message as consumed of which only the transaction learns that it was done meanwhile', async () => {
    const app = await startApp([Orders], { store, bloom: { expectedKeys: 100 } });
    // Another instance has done it: the filter of this one has never seen it, so it is not looked up before.
    await store.claimIn(database, { scope: 'orders', key: 'order:/o1' }, 3_600_000);
    const taken = consumed(app, { topic: 'order' }, { timeout });
    await app.get(RocketMQTemplate).send('order', {}, { keys: 'o1' });
    await taken;
    await expect(effects()).resolves.toBe(0);
  });

  test('is refused by claimIn outside of a delivery', async () => {
    const app = await startApp([Orders]);
    const claim = app.get(RocketMQIdempotency).claimIn(database, {} as RocketMQContext);
    await expect(claim).rejects.toThrow(/option of of RocketMQIdempotency\.claimIn.*mode: 'transactional'/);
  });

  test('that takes lists claims each message', async () => {
    @Idempotent({ mode: 'transactional', scope: 'orders' })
    class Lists {
      constructor(private readonly idempotency: RocketMQIdempotency) {}

      @RocketMQMessageListener({ topic: 'order', batch: { size: 10, wait: '1s' } })
      async take(messages: Message<object>[]): Promise<void> {
        await database.transaction(async (transaction) => {
          for (const { context } of messages) {
            await this.idempotency.claimIn(transaction, context);
            await takeEffect(transaction, context.keys[0]);
          }
        });
      }
    }
    const app = await startApp([Lists]);
    const all = consumed(app, { topic: 'order' }, { timeout, times: 5 });
    for (const keys of ['o1', 'o2', 'o1', 'o3', 'o2']) await app.get(RocketMQTemplate).send('order', {}, { keys });
    for (let turn = 0; turn < 10; turn++) await app.testing.advance('5s', { timeout });
    await all;
    await expect(effects()).resolves.toBe(3);
  });
});
