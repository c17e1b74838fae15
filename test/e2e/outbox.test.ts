// Tests the outbox in a Nest app on PostgreSQL (PGlite), with the manual clock and the embedded broker.
import 'reflect-metadata';
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { PostgresTransactionLog, RocketMQMessageListener } from 'nest-rocketmq';
import type { RocketMQContext } from 'nest-rocketmq';
import {
  AfterCommitScope,
  OutboxTableMissingError,
  OutboxTableOutdatedError,
  RocketMQOutbox,
  RocketMQOutboxModule,
  afterCommit,
} from 'nest-rocketmq/outbox';
import type { OutboxEvent, OutboxTransaction, RocketMQOutboxOptions } from 'nest-rocketmq/outbox';
import { consumed, rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting, TestingOptions } from 'nest-rocketmq/testing';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import { filter, firstValueFrom } from 'rxjs';
import type { DataSource } from 'typeorm';
import { openTestDatabase } from '../../sample-app/test-kit/data-directory.js';
import type { TestDatabase } from '../../sample-app/test-kit/data-directory.js';
import { Database } from '../../sample-app/src/database/database.js';
import type { NewOrder } from '../../sample-app/src/orders/order.js';
import { OrdersRepository } from '../../sample-app/src/orders/orders.repository.js';
import { placeWithMessage } from '../tables/outbox-library.js';
import type { OpenLibrary } from '../tables/outbox-library.js';
import { LIBRARIES } from '../tables/outbox.js';
import { OrdersWithHalfMessage, OrdersWithOutbox } from './outbox-page.js';
import { servePGlite } from './pglite-server.js';
import type { PGliteServer } from './pglite-server.js';

const nothing = (): void => undefined;
const SILENT = { log: nothing, warn: nothing, error: nothing };

let opened: TestDatabase;
let database: PGlite;
let server: PGliteServer;
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
  opened = await openTestDatabase();
  ({ database } = opened);
  await database.exec('CREATE TABLE orders (id text PRIMARY KEY)');
  server = await servePGlite(database);
});

afterAll(async () => {
  await server.close();
  await opened.close();
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

async function start(
  options: Partial<RocketMQOutboxOptions> = {},
  mq: TestingOptions = {},
  providers: Provider[] = [],
): Promise<TestingModule> {
  testing = rocketMQTesting({ group: 'shop', ...mq });
  const imports = [testing.module, RocketMQOutboxModule.forRoot({ database, createTable: true, ...options })];
  module = await Test.createTestingModule({ imports, providers: [Listener, ...providers] })
    .setLogger(SILENT)
    .compile();
  outbox = module.get(RocketMQOutbox);
  outbox.events.subscribe((event) => events.push(event));
  await module.init();
  return module;
}

type Sqlite = Extract<RocketMQOutboxOptions['database'], { prepare: unknown }>;

/** In memory, or on a Node without SQLite something of the same shape. */
async function openSqlite(): Promise<Sqlite> {
  const name = 'node:sqlite';
  const sqlite = (await import(name).catch(() => undefined)) as
    | { DatabaseSync: new (path: string) => Sqlite }
    | undefined;
  if (sqlite) return new sqlite.DatabaseSync(':memory:');
  const shape = { inTransaction: false, prepare: (sql: string) => statement(sql) };
  const statement = (sql: string): ReturnType<Sqlite['prepare']> => ({
    all: () => [],
    run: () => void (shape.inTransaction ||= sql === 'BEGIN'),
  });
  return shape;
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

describe('the relay', () => {
  test('delivers by itself, without a turn of the clock', async () => {
    const app = await start();
    const delivered = consumed(app, { topic: 'order' });
    await place('o1');
    await delivered;
  });

  test('sends what was left when the app starts, and what is pending when it closes', async () => {
    await start({ relay: false });
    await place('o1');
    await testing.advance('1h');
    expect(await outbox.status()).toEqual({ pending: 1, failed: 0, oldestAge: 3_600_000 });
    await module!.close();

    await start();
    await testing.advance(0);
    expect(ids()).toEqual(['o1']);
    const placing = place('o2');
    await placing;
    await module!.close();
    expect(await rows()).toEqual([
      { status: 'SENT', topic: 'order' },
      { status: 'SENT', topic: 'order' },
    ]);
  });

  test('sets aside what the broker refuses, says so, and sends it again when asked', async () => {
    const mq = { producer: { maxMessageSize: 3_000_000 }, embedded: { maxMessageSize: 500_000 } };
    await start({}, mq);
    const large = randomBytes(1_000_000).toString('hex');
    // A send of so much may take longer than the clock waits for it.
    const next = (type: OutboxEvent['type']): Promise<OutboxEvent> =>
      firstValueFrom(outbox.events.pipe(filter((event) => event.type === type)));
    const other = next('sent');
    const { id } = await database.transaction((transaction) =>
      outbox.send(transaction as OutboxTransaction, 'order', large, { shardingKey: 'k' }),
    );
    await place('o1', { shardingKey: 'k' });
    await testing.until(other);
    await testing.settled();
    expect(ids()).toEqual(['o1']);
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['failed', 'sent']));
    expect(await outbox.failed()).toMatchObject([{ id, topic: 'order', shardingKey: 'k', attempts: 1 }]);
    const again = next('failed');
    expect(await outbox.retry([id])).toBe(1);
    await testing.until(again);
    expect(await outbox.status()).toMatchObject({ pending: 0, failed: 1 });
  });

  test('sets aside a message whose topic does not exist, while others are delivered', async () => {
    const mq = { embedded: { autoCreateTopicEnable: false }, topics: [{ name: 'order', queues: 1 }] };
    await start({ relay: { maxAttempts: 3 } }, mq);
    await database.transaction((transaction) => outbox.send(transaction as OutboxTransaction, 'nowhere', 1));
    await place('o1');
    await testing.advance('10s');
    expect(ids()).toEqual(['o1']);
    expect(await outbox.failed({ limit: 1 })).toMatchObject([
      { topic: 'nowhere', error: expect.stringContaining('nowhere') },
    ]);
  });

  test('ends some time after drainTimeout, though the database does not answer', async () => {
    let isHanging = false;
    let answer = (): void => undefined;
    const hung = new Promise<void>((resolve) => (answer = resolve));
    const watched = {
      async query(sql: string, parameters?: (string | null)[]) {
        if (isHanging) await hung;
        return database.query(sql, parameters);
      },
    };
    await start({ database: watched, createTable: true });
    isHanging = true;
    outbox.wake();
    const clock = new ManualClock();
    // What the module calls at shutdown, which is not public.
    const stopped = (outbox as unknown as { stop(by: ManualClock): Promise<void> }).stop(clock);
    await clock.advance('20s');
    await stopped;
    answer();
  });

  test('leaves the context of the code that wakes it', async () => {
    const storage = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    const watched = {
      query: (sql: string, parameters?: unknown[]) => {
        if (sql.startsWith('WITH')) contexts.push(storage.getStore());
        return database.query(sql, parameters);
      },
    };
    await start({ database: watched });
    await storage.run('transaction', () => place('o1'));
    await testing.advance(0);
    expect(contexts.length).toBeGreaterThan(1);
    expect(contexts).not.toContain('transaction');
  });
});

describe('a wrong call or option is refused', () => {
  test('with what is wrong', async () => {
    await start();
    const sendIn = (transaction: unknown): Promise<unknown> =>
      outbox.send(transaction as OutboxTransaction, 'order', 1);
    const isDatabase = /option transaction of RocketMQOutbox.send .* open transaction/;
    await expect(sendIn(database)).rejects.toThrow(isDatabase);
    await expect(sendIn({})).rejects.toThrow(/option transaction .* TypeORM, Prisma, Drizzle/);
    await expect(sendIn(1)).rejects.toThrow(/option transaction/);
    await expect(place('o1', { messageQueue: {} } as object)).rejects.toThrow(
      /option messageQueue of RocketMQOutbox.send/,
    );
    await expect(place('o1', { shardingKey: '' })).rejects.toThrow(/option shardingKey/);
    await expect(place('o1', { shardingkey: 'k' } as object)).rejects.toThrow(/the option is called shardingKey/);
    await expect(outbox.retry('id' as never)).rejects.toThrow(/option ids of RocketMQOutbox.retry/);
    await expect(outbox.failed({ limit: 0 })).rejects.toThrow(/option limit of RocketMQOutbox.failed/);
  });

  test("a transaction on the relay's own connection to SQLite, which would send what is not committed", async () => {
    const connection = await openSqlite();
    await start({ database: connection });
    connection.prepare('BEGIN').run();
    const sent = outbox.send(connection, 'order', 1);
    await expect(sent).rejects.toThrow(/option transaction of RocketMQOutbox.send .* another connection .* once more/);
  });

  test('a body that is too large, while the transaction can still be rolled back', async () => {
    await start({}, { producer: { maxMessageSize: 10 } });
    await expect(place('a long id')).rejects.toThrow(/maxMessageSize is 10/);
    expect(await rows()).toEqual([]);
  });

  test.each<[object, RegExp]>([
    [{ database: undefined }, /option database of RocketMQOutboxModule/],
    [{ table: 'a; DROP TABLE b' }, /option table .* rocketmq_outbox/],
    [{ relay: { batchsize: 1 } }, /the option is called batchSize/],
    [{ relay: { retryDelay: '2s', maxRetryDelay: '1s' } }, /option relay.maxRetryDelay/],
  ])('%j', async (options, message) => {
    await expect(start(options)).rejects.toThrow(message);
  });

  /** The table before rows had lanes. */
  const FORMER_TABLE = `CREATE TABLE rocketmq_outbox (id text PRIMARY KEY, seq bigint GENERATED ALWAYS AS IDENTITY,
    status text NOT NULL DEFAULT 'PENDING', topic text NOT NULL, sharding_key text, message text NOT NULL, body bytea NOT NULL,
    attempts integer NOT NULL DEFAULT 0, error text, created_at timestamptz NOT NULL, ended_at timestamptz, claimed_by text,
    claimed_until timestamptz)`;

  test.each([false, true])('a table of another version, with what to do: createTable %s', async (createTable) => {
    await database.exec(FORMER_TABLE);
    const error = await start({ createTable }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutboxTableOutdatedError);
    expect(String(error)).toMatch(/table rocketmq_outbox .*"lane" does not exist.* drop the table, and create it anew/);
  });

  test('a missing table, with what to do, and a module that stands alone', async () => {
    await expect(start({ createTable: false })).rejects.toThrow(OutboxTableMissingError);
    const imports = [RocketMQOutboxModule.forRoot({ database })];
    module = await Test.createTestingModule({ imports }).compile();
    await expect(module.init()).rejects.toThrow(/RocketMQModule.forRoot/);
    module = undefined;
  });
});

test('the statements for a migration create the table', async () => {
  await database.exec(RocketMQOutbox.createTableSql());
  await start({ createTable: false });
  await place('o1');
  await testing.advance(0);
  expect(ids()).toEqual(['o1']);
});

test('the options may come from a factory', async () => {
  testing = rocketMQTesting({ group: 'shop' });
  const outboxes = RocketMQOutboxModule.forRootAsync({ useFactory: () => ({ database, createTable: true }) });
  module = await Test.createTestingModule({ imports: [testing.module, outboxes], providers: [Listener] }).compile();
  await module.init();
  outbox = module.get(RocketMQOutbox);
  await place('o1');
  await testing.advance(0);
  expect(ids()).toEqual(['o1']);
});

describe.each(LIBRARIES.map((library) => [library.name, library] as const))('%s', (_name, library) => {
  let open: OpenLibrary;
  beforeEach(async () => {
    // PGlite has one session: what the transaction holds, the relay has to wait for.
    open = await library.open(server.url, 1);
  });
  afterEach(async () => {
    await module?.close();
    module = undefined;
    await open.close();
  });

  test('delivers what is committed, nothing else, and refuses the database itself', async () => {
    await start({ database: open.database });
    await placeWithMessage(open, outbox, 'o1');
    await expect(placeWithMessage(open, outbox, 'o2', true)).rejects.toThrow('rolled back');
    await placeWithMessage(open, outbox, 'o3');
    await testing.advance('1s');
    expect(ids()).toEqual(['o1', 'o3']);
    await expect(outbox.send(open.database, 'order', 1)).rejects.toThrow(/open transaction/);
  });

  test('runs work after the commit, or refuses to', async () => {
    await start({ database: open.database });
    const done: string[] = [];
    const place = (id: string, fails: boolean): Promise<void> =>
      open.place(id, async (transaction) => {
        afterCommit(transaction, () => done.push(id));
        await Promise.resolve();
        expect(done).not.toContain(id);
        if (fails) throw new Error('rolled back');
      });
    if (!library.tells) return expect(place('o1', false)).rejects.toThrow(/use an AfterCommitScope/);
    await place('o1', false);
    await expect(place('o2', true)).rejects.toThrow('rolled back');
    await place('o3', false);
    return expect(done).toEqual(['o1', 'o3']);
  });
});

describe('work after a commit', () => {
  test('belongs to a savepoint, and goes with it', async () => {
    const typeorm = await LIBRARIES[0]!.open(server.url, 1);
    const done: string[] = [];
    await (typeorm.database as DataSource).transaction(async (outer) => {
      await outer.transaction(async (inner) => afterCommit(inner, () => done.push('kept')));
      const dropped = outer.transaction(async (inner) => {
        afterCommit(inner, () => done.push('dropped'));
        throw new Error('only this');
      });
      await expect(dropped).rejects.toThrow('only this');
      expect(done).toEqual([]);
    });
    expect(done).toEqual(['kept']);
    await typeorm.close();
  });

  test('runs in the context of nestjs-cls, with the transaction that is kept there', () => {
    // Jest cannot load nestjs-cls, which requires Nest 12's ES modules.
    const script = join(import.meta.dirname, 'after-commit-cls.mjs');
    const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
    expect([stderr, stdout.trim()]).toEqual(['', 'r1']);
  });

  test('of a scope is refused once that is over, when nobody would run it any more', async () => {
    const scope = new AfterCommitScope();
    let late: Promise<void> | undefined;
    await scope.run(async () => {
      late = new Promise((resolve) => setImmediate(resolve)).then(() => scope.afterCommit(() => undefined));
    });
    await expect(late).rejects.toThrow(/AfterCommitScope.run is over. Await what calls afterCommit/);
  });

  test('of TypeORM runs on any database, since it needs no SQL', async () => {
    const subscribers: { afterTransactionCommit(event: object): void }[] = [];
    const dataSource = {
      createQueryRunner: () => ({}),
      query: async () => [],
      options: { type: 'mssql' },
      subscribers,
    };
    const queryRunner = { isTransactionActive: true };
    const shape = { query: async () => [], getRepository: () => ({}), transaction: async () => undefined };
    const manager = { ...shape, queryRunner, dataSource };
    const done: string[] = [];
    afterCommit(manager, () => done.push('m1'));
    queryRunner.isTransactionActive = false;
    subscribers[0]!.afterTransactionCommit({ queryRunner });
    expect(done).toEqual(['m1']);
  });

  test('of a scope runs once that has resolved, in turn, and not if it rejects', async () => {
    const scope = new AfterCommitScope();
    const done: string[] = [];
    const add = (name: string): void => scope.afterCommit(async () => void done.push(name));
    const result = scope.run(async () => {
      add('first');
      await scope.run(async () => add('inner'));
      await scope
        .run(async () => {
          add('dropped');
          throw new Error('inner');
        })
        .catch(() => undefined);
      scope.afterCommit(() => Promise.reject(new Error('is logged')));
      add('last');
      expect(done).toEqual([]);
      return 'result';
    });
    expect(await result).toBe('result');
    expect(done).toEqual(['first', 'inner', 'last']);
    await expect(scope.run(() => Promise.reject(new Error('rolled back')))).rejects.toThrow('rolled back');
    expect(() => add('outside')).toThrow(/AfterCommitScope.run/);
  });
});

describe('the page about outbox and half message', () => {
  test('shows the code that runs here', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/outbox-or-half-message.md'), 'utf8');
    const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);
    const code = readFileSync(join(import.meta.dirname, 'outbox-page.ts'), 'utf8');
    expect(blocks).toHaveLength(2);
    for (const block of blocks) expect(code).toContain(block);
  });

  test.each([OrdersWithOutbox, OrdersWithHalfMessage])(
    'has an order service that publishes its event: %p',
    async (service) => {
      await database.exec('DROP TABLE orders; CREATE TABLE orders (id text PRIMARY KEY, sku text, quantity integer)');
      await database.exec(`DROP TABLE IF EXISTS rocketmq_transactions; ${PostgresTransactionLog.createTableSql()}`);
      const rowsOf = async <Row>(on: Pick<PGlite, 'query'>, sql: string, parameters?: unknown[]): Promise<Row[]> =>
        (await on.query<Row>(sql, parameters)).rows;
      const sample: Database = {
        query: (sql, parameters) => rowsOf(database, sql, parameters),
        transaction: (work) =>
          database.transaction((on) =>
            work({ query: (sql, parameters) => rowsOf(on as unknown as PGlite, sql, parameters) }),
          ),
        close: async () => undefined,
      };
      const log = new PostgresTransactionLog(database);
      const providers = [
        { provide: Database, useValue: sample },
        { provide: PostgresTransactionLog, useValue: log },
        OrdersRepository,
        service,
      ];
      const app = await start({}, { transactionLog: log }, providers);
      await app.get<{ place(order: NewOrder): Promise<void> }>(service).place({ id: 'o1', sku: 'coffee', quantity: 2 });
      await testing.advance('1s');
      expect(seen.map(({ payload }) => payload)).toEqual([{ id: 'o1', sku: 'coffee', quantity: 2 }]);
    },
  );
});
