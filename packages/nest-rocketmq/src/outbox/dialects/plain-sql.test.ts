// Tests the statements that MySQL and SQLite share: here on PGlite, and on SQLite where Node has it. On MariaDB: test/interop.
import type { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openTestDatabase } from '../../../../../sample-app/test-kit/data-directory.js';
import type { TestDatabase } from '../../../../../sample-app/test-kit/data-directory.js';
import { OutboxTableMissingError, OutboxTableOutdatedError } from '../../outbox-errors.js';
import { connect } from '../adapters/find-adapter.js';
import type { Connected } from '../adapters/find-adapter.js';
import { toRow } from '../outbox-row.js';
import { OutboxStore } from '../outbox-store.js';
import type { Claim, OutboxDialect } from './outbox-dialect.js';
import { plainDialect } from './plain-sql.js';
import { sqliteDialect } from './sqlite.js';

const TABLE = 'rocketmq_outbox';
/** The shared statements in the words of PostgreSQL, so that they run on any Node. */
const ON_PGLITE = plainDialect(TABLE, {
  createTable: [
    `CREATE TABLE ${TABLE} (seq bigserial PRIMARY KEY, id text NOT NULL UNIQUE, status text NOT NULL DEFAULT 'PENDING', topic text,
     lane text COLLATE "C", sharding_key text, message text, body text, attempts integer NOT NULL DEFAULT 0, error text,
     created_at bigint, ended_at bigint, claimed_by text, claimed_until bigint)`,
  ],
  now: '(extract(epoch FROM clock_timestamp()) * 1000)::bigint',
  toBody: (expression) => expression,
  body: 'body',
  bodySize: 'length(body)',
  asText: (expression) => `CAST(${expression} AS text)`,
  orderOfLocks: '',
  isTableMissing: (error) => error['code'] === '42P01',
  isColumnMissing: (error) => error['code'] === '42703',
  isBusy: (error) => error['message'] === 'busy',
});

/** As far as the store needs it. Node 20 has no such module, and its types do not know it. */
interface Sqlite {
  DatabaseSync: new (path: string) => { prepare(sql: string): never };
}

const name = 'node:sqlite';
const sqlite = (await import(name).catch(() => undefined)) as Sqlite | undefined;

let opened: TestDatabase;
let database: PGlite;

beforeAll(async () => {
  opened = await openTestDatabase();
  ({ database } = opened);
});

afterAll(async () => {
  await opened.close();
});

interface Floor {
  readonly name: string;
  readonly dialect: OutboxDialect;
  readonly isThere: boolean;
  open(): Promise<Connected>;
}

const FLOORS: readonly Floor[] = [
  {
    name: 'PGlite',
    dialect: ON_PGLITE,
    isThere: true,
    open: async () => {
      await database.exec(`DROP TABLE IF EXISTS ${TABLE}`);
      return connect('database', database);
    },
  },
  {
    name: 'SQLite, which Node has from 22.13 on',
    dialect: sqliteDialect(TABLE),
    isThere: sqlite !== undefined,
    open: async () => connect('database', new sqlite!.DatabaseSync(':memory:')),
  },
];

const BUSY: Readonly<Record<string, string>> = {
  [FLOORS[0]!.name]: 'busy',
  [FLOORS[1]!.name]: 'database is locked',
};

for (const floor of FLOORS) {
  (floor.isThere ? describe : describe.skip)(`the shared statements on ${floor.name}`, () => {
    let connected: Connected;
    let store: OutboxStore;
    const clock = { now: () => 1_000_000 };
    const claim: Claim = {
      relay: 'r',
      claimTimeout: 60_000,
      batchSize: 3,
      batchBytes: 9_999,
      pausedTopics: [],
      pausedLanes: [],
    };
    const open = (): OutboxStore => new OutboxStore(connected, floor.dialect, TABLE, clock);
    const write = (id: string, shardingKey?: string, topic = 'order'): Promise<void> =>
      store.insert(connected, toRow(id, { topic, body: `body ${id}`, keys: 'ü' }, shardingKey, clock.now()));
    const claimed = async (changes: Partial<Claim> = {}, by = store): Promise<string[]> =>
      (await by.claim({ ...claim, ...changes })).map(({ id }) => id);

    beforeEach(async () => {
      connected = await floor.open();
      store = open();
      await store.createTable();
    });

    test('claim a message with all that it has, once', async () => {
      await write('a', 'key');
      const [row, ...others] = await store.claim(claim);
      expect(others).toEqual([]);
      expect(row).toMatchObject({ id: 'a', topic: 'order', shardingKey: 'key', attempts: 0 });
      expect(row!.message).toMatchObject({ body: Buffer.from('body a'), keys: 'ü', uniqKey: 'a' });
      expect(await claimed({ relay: 'other' }, open())).toEqual([]);
    });

    test('give each sharding key its turn, in its order', async () => {
      for (const id of ['a0', 'a1', 'a2', 'a3']) await write(id, 'a');
      for (const id of ['b0', 'b1']) await write(id, 'b');
      expect(await claimed()).toEqual(['a0', 'a1', 'a2']);
      expect(await claimed({ relay: 'other' }, open())).toEqual(['b0', 'b1']);
      await store.markSent(['a0', 'a1', 'a2']);
      expect(await claimed()).toEqual(['a3']);
    });

    test('pass by paused topics and lanes, and stop at so many bytes', async () => {
      for (const id of ['n0', 'n1', 'n2', 'n3']) await write(id, id, 'nowhere');
      for (const id of ['p0', 'p1']) await write(id, 'p');
      for (const id of ['q0', 'q1']) await write(id, 'q');
      const paused = { pausedTopics: ['nowhere'], pausedLanes: ['order:key:p'] };
      expect(await claimed({ ...paused, batchBytes: 1 })).toEqual(['q0']);
      expect(await claimed(paused)).toEqual([]);
      expect(await claimed({ batchSize: 9 })).toEqual(['n0', 'n1', 'n2', 'n3', 'p0', 'p1']);
    });

    test('take nothing behind what another relay took in between', async () => {
      for (const id of ['a0', 'a1', 'a2']) await write(id, 'a');
      const other = open();
      const racing: Connected = Object.create(connected) as Connected;
      let isFirst = true;
      racing.query = async (sql, parameters) => {
        const rows = await connected.query(sql, parameters);
        if (isFirst) await claimed({ relay: 'other', batchSize: 1 }, other);
        isFirst = false;
        return rows;
      };
      const late = new OutboxStore(racing, floor.dialect, TABLE, clock);
      expect(await claimed({}, late)).toEqual([]);
      await other.markSent(['a0']);
      expect(await claimed({}, late)).toEqual(['a1', 'a2']);
    });

    test('leave rows to a later claim while somebody else writes, and tell of any other error', async () => {
      await write('a');
      const failing: Connected = Object.create(connected) as Connected;
      let error: Error | undefined = Object.assign(new Error('wrapped'), { cause: new Error(BUSY[floor.name]) });
      failing.query = (sql, parameters) =>
        error && sql.startsWith('UPDATE') ? Promise.reject(error) : connected.query(sql, parameters);
      const late = new OutboxStore(failing, floor.dialect, TABLE, clock);
      expect(await claimed({}, late)).toEqual([]);
      error = new Error('connection lost');
      await expect(claimed({}, late)).rejects.toThrow('connection lost');
      error = undefined;
      expect(await claimed({}, late)).toEqual(['a']);
    });

    test('set aside, try again, count and delete', async () => {
      for (const id of ['a', 'b', 'c']) await write(id, id);
      const rows = await store.claim(claim);
      const failed = { setAside: true, counts: true, error: new Error('no') };
      await store.release('r', [
        { row: rows[0]!, ...failed },
        { row: rows[1]!, setAside: false, counts: false, error: undefined },
      ]);
      await store.markSent(['c']);
      expect(await store.status()).toEqual({ pending: 1, failed: 1, oldestAge: 0 });
      expect(await store.failed(9)).toMatchObject([
        { id: 'a', attempts: 1, error: 'Error: no', createdAt: new Date(1e6) },
      ]);
      expect(await store.retry(['a', 'b', 'unknown'])).toBe(1);
      expect(await claimed()).toEqual(['a', 'b']);
      expect(await store.purge(999_999, 9)).toBe(0);
      expect(await store.purge(1_000_000, 9)).toBe(1);
    });

    test('say that their table is missing, or of another version', async () => {
      await connected.query(`ALTER TABLE ${TABLE} RENAME COLUMN lane TO former_lane`);
      await expect(store.probe()).rejects.toThrow(OutboxTableOutdatedError);
      await expect(write('a')).rejects.toThrow(OutboxTableOutdatedError);
      await connected.query(`DROP TABLE ${TABLE}`);
      await expect(store.probe()).rejects.toThrow(OutboxTableMissingError);
    });
  });
}
