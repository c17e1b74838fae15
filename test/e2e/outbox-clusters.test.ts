// Tests the outbox under the testing kit's time, and outboxes that send to clusters with names, on PostgreSQL (PGlite).
import 'reflect-metadata';
import type { PGlite } from '@electric-sql/pglite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { RocketMQMessageListener, RocketMQModule } from 'nest-rocketmq';
import {
  InjectRocketMQOutbox,
  RocketMQOutbox,
  RocketMQOutboxModule,
  getRocketMQOutboxOptionsToken,
  getRocketMQOutboxToken,
} from 'nest-rocketmq/outbox';
import type { OutboxTransaction, RocketMQOutboxOptions } from 'nest-rocketmq/outbox';
import { rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting } from 'nest-rocketmq/testing';
import { openTestDatabase } from '../../sample-app/test-kit/data-directory.js';
import type { TestDatabase } from '../../sample-app/test-kit/data-directory.js';

let opened: TestDatabase;
let database: PGlite;
let testing: RocketMQTesting;
let app: TestingModule | undefined;
let isOpen = false;

/** As a pool: while a transaction is open, others see nothing of it, and it does not tell of its commit. */
const pool = {
  query: (sql: string, parameters?: unknown[]) =>
    isOpen ? Promise.resolve({ rows: [] }) : database.query(sql, parameters),
};

beforeAll(async () => {
  Logger.overrideLogger(false);
  opened = await openTestDatabase();
  ({ database } = opened);
});
afterAll(async () => {
  await opened.close();
});
beforeEach(() => Logger.overrideLogger(false));
beforeEach(() => database.exec('DROP TABLE IF EXISTS rocketmq_outbox; DROP TABLE IF EXISTS rocketmq_outbox_billing'));
afterEach(async () => {
  await app?.close();
  app = undefined;
});

@Injectable()
class Shop {
  readonly seen: string[] = [];

  @RocketMQMessageListener({ topic: 'order', consumerGroup: 'orders' })
  onOrder({ id }: { id: string }): void {
    this.seen.push(`order ${id}`);
  }
}

@Injectable()
class Billing {
  readonly seen: string[] = [];
  constructor(@InjectRocketMQOutbox('billing') readonly outbox: RocketMQOutbox) {}

  @RocketMQMessageListener({ topic: 'order', consumerGroup: 'orders', cluster: 'billing' })
  onOrder({ id }: { id: string }): void {
    this.seen.push(`order ${id}`);
  }
}

async function start(options: Partial<RocketMQOutboxOptions> = {}): Promise<RocketMQOutbox> {
  testing = rocketMQTesting({ group: 'shop' });
  const outboxes = RocketMQOutboxModule.forRoot({ database: pool, createTable: true, ...options });
  app = await Test.createTestingModule({ imports: [testing.module, outboxes], providers: [Shop] }).compile();
  await app.init();
  return app.get(RocketMQOutbox);
}

async function place(outbox: RocketMQOutbox, id: string, options: { delay?: string } = {}): Promise<void> {
  isOpen = true;
  try {
    await database.transaction(async (transaction) => {
      await outbox.send(transaction as OutboxTransaction, 'order', { id }, options);
      await testing.clock.settle();
      if (id === 'rolled back') throw new Error(id);
    });
  } finally {
    isOpen = false;
  }
}

describe('what is committed counts as under way', () => {
  test('settled waits until it is consumed, and the clock stands still', async () => {
    const outbox = await start();
    const before = testing.now;
    await place(outbox, 'o1');
    expect(await outbox.status()).toMatchObject({ pending: 1 });
    await testing.settled();
    testing.expectSent('order', { id: 'o1' });
    expect(app!.get(Shop).seen).toEqual(['order o1']);
    expect(testing.now).toEqual(before);
  });

  test('time skips to what an outbox has sent with a delay', async () => {
    const outbox = await start();
    const before = testing.now.getTime();
    await place(outbox, 'o1', { delay: '30m' });
    await testing.expectConsumed(Shop, { id: 'o1' });
    expect(testing.now.getTime() - before).toBe(1_800_000);
  });

  test('and what is rolled back is looked for once, not without end', async () => {
    const outbox = await start();
    await place(outbox, 'rolled back').catch(() => undefined);
    const before = testing.now;
    await testing.settled();
    await expect(testing.expectConsumed(Shop)).rejects.toThrow(/Pending: nothing/);
    await testing.advanceToEnd();
    expect(testing.now).toEqual(before);
  });
});

test('the looks of a relay that polls keep no wait from failing at once, nor from ending', async () => {
  await start({ relay: { pollInterval: '1s' } });
  const before = testing.now;
  await expect(testing.expectConsumed(Shop)).rejects.toThrow(/Pending: nothing/);
  await testing.advanceToEnd();
  expect(testing.now).toEqual(before);
});

test('time skips to the next try of what a broker has refused, and pending names it', async () => {
  const outbox = await start();
  testing.faults.rejectSends(3, 'NO_PERMISSION');
  await place(outbox, 'o1');
  await testing.settled();
  expect(testing.pending).toMatchObject([{ what: 'the next try of the outbox' }]);
  const before = testing.now.getTime();
  await testing.expectConsumed(Shop, { id: 'o1' });
  expect(testing.now.getTime() - before).toBe(1_000);
});

describe('an outbox of a cluster with a name', () => {
  async function startTwo(...imports: ReturnType<typeof RocketMQOutboxModule.forRoot>[]): Promise<Billing> {
    testing = rocketMQTesting({ group: 'shop' });
    const billing = RocketMQModule.forRoot({ name: 'billing', ...testing.optionsOf('billing', { group: 'shop' }) });
    app = await Test.createTestingModule({
      imports: [testing.module, billing, ...imports],
      providers: [Shop, Billing],
    }).compile();
    await app.init();
    return app.get(Billing);
  }
  const options = { database: pool, createTable: true };

  test('sends there, from a table of its own, and is injected by the name', async () => {
    const first = RocketMQOutboxModule.forRoot(options);
    const second = RocketMQOutboxModule.forRoot({ cluster: 'billing', table: undefined, ...options });
    const { outbox, seen } = await startTwo(first, second);
    expect(outbox).toBe(app!.get(getRocketMQOutboxToken('billing')));
    await place(outbox, 'b1');
    await place(app!.get(RocketMQOutbox), 's1');
    await testing.settled();
    expect([seen, app!.get(Shop).seen]).toEqual([['order b1'], ['order s1']]);
    const { rows } = await database.query('SELECT status FROM rocketmq_outbox_billing');
    expect(rows).toEqual([{ status: 'SENT' }]);
    testing.faults.rejectSends(3, 'NO_PERMISSION', { cluster: 'billing' });
    await place(outbox, 'b2');
    await testing.settled();
    expect(testing.pending).toMatchObject([{ what: 'the next try of the outbox (cluster billing)' }]);
    await testing.expectConsumed('order', { id: 'b2' }, { cluster: 'billing' });
    expect(seen).toEqual(['order b1', 'order b2']);
  });

  test('is enough if that cluster alone has one; a test overrides its options by the name', async () => {
    testing = rocketMQTesting({ group: 'shop' });
    const outboxes = RocketMQOutboxModule.forRootAsync({ cluster: 'billing', useFactory: () => ({}) as never });
    const billing = RocketMQModule.forRoot({ name: 'billing', ...testing.optionsOf('billing') });
    app = await Test.createTestingModule({ imports: [testing.module, billing, outboxes], providers: [Billing] })
      .overrideProvider(getRocketMQOutboxOptionsToken('billing'))
      .useValue({ ...options, table: 'rocketmq_outbox' })
      .compile();
    await app.init();
    await place(app.get(Billing).outbox, 'b1');
    await testing.expectConsumed('order', { id: 'b1' }, { cluster: 'billing' });
  });

  test('that the app does not have is refused, with those that it has', async () => {
    const module = RocketMQOutboxModule.forRoot({ cluster: 'crm', ...options });
    const second = RocketMQOutboxModule.forRoot({ cluster: 'billing', ...options });
    await expect(startTwo(second, module)).rejects.toMatchObject({
      code: 'UNKNOWN_CLUSTER',
      message: expect.stringMatching(/RocketMQOutboxModule\.forRoot belongs to cluster 'crm'.*'default', 'billing'/),
    });
  });

  const other = { query: (): Promise<{ rows: never[] }> => Promise.resolve({ rows: [] }) };
  test.each([
    ['by default, since what is no letter becomes _', { cluster: 'a-b' }, { cluster: 'a_b', database: other }, true],
    ['by default, since databases take names without case', { cluster: 'ab' }, { cluster: 'AB' }, true],
    ["by its name, the unnamed cluster's", {}, { cluster: 'ab', table: 'rocketmq_outbox' }, true],
    ['of a schema', { table: 'shop.o' }, { cluster: 'ab', table: 'Shop.O' }, true],
    ['of another database', { cluster: 'ab', table: 'o' }, { cluster: 'cd', table: 'o', database: other }, false],
    ['of another schema', { cluster: 'ab', table: 'o' }, { cluster: 'cd', table: 'shop.o' }, false],
  ])('is refused with a table that another one has, %s', async (_which, first, second, isRefused) => {
    testing = rocketMQTesting({ group: 'shop' });
    const names = [first, second].flatMap((each: { cluster?: string }) => each.cluster ?? []);
    const clusters = names.map((name) => RocketMQModule.forRoot({ name, ...testing.optionsOf(name) }));
    const quiet = { database: pool, relay: false };
    const outboxes = [first, second].map((each) => RocketMQOutboxModule.forRoot({ ...quiet, ...each }));
    isOpen = true; // The database has whatever table it is asked for.
    const module = await Test.createTestingModule({ imports: [testing.module, ...clusters, ...outboxes] }).compile();
    const outcome = await module.init().then(
      () => 'started',
      (error: Error) => error.message,
    );
    await module.close();
    isOpen = false;
    expect(outcome).toMatch(
      isRefused ? /^option table of RocketMQOutboxModule of cluster .* would send its mess/ : /^started$/,
    );
  });
});
