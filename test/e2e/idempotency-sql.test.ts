// Tests the SQL store of idempotent consumption on a real PostgreSQL (PGlite), and on SQLite where Node has it.
import type { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { SqlIdempotencyStore } from 'nest-rocketmq/idempotency';
import type { SqlQueryable } from 'nest-rocketmq/idempotency';
import { idempotencyStoreContract } from 'nest-rocketmq/testing';
import { openTestDatabase } from '../../sample-app/test-kit/data-directory.js';
import type { TestDatabase } from '../../sample-app/test-kit/data-directory.js';

let opened: TestDatabase;
let database: PGlite;
let store: SqlIdempotencyStore;

const id = (key: string) => ({ scope: 's', key });
const effects = async (): Promise<unknown[]> => (await database.query('SELECT name FROM effects')).rows;

beforeAll(async () => {
  opened = await openTestDatabase();
  ({ database } = opened);
  store = new SqlIdempotencyStore(database);
  await store.createTable();
  await store.createTable();
  await database.exec('CREATE TABLE effects (name text NOT NULL)');
});

afterAll(async () => {
  await opened.close();
});

beforeEach(async () => {
  await database.exec(`DELETE FROM effects; DELETE FROM rocketmq_idempotency WHERE scope = 's'`);
});

describe('the store on PostgreSQL', () => {
  const contract = idempotencyStoreContract({
    create: (clock) => new SqlIdempotencyStore(database, { clock }),
    rounds: 6,
  });
  for (const { name, run } of contract) test(name, run);

  test('goes by the clock of the database', async () => {
    await expect(store.claim(id('k'), 'a', 60_000)).resolves.toEqual({ state: 'claimed' });
    const { rows } = await database.query<{ left: number }>(
      `SELECT (expires_at - extract(epoch FROM now()) * 1000)::int AS left FROM rocketmq_idempotency WHERE scope = 's'`,
    );
    expect(rows[0]!.left).toBeGreaterThan(50_000);
    expect(rows[0]!.left).toBeLessThanOrEqual(60_000);
  });

  test('commits its record with the effect, or neither', async () => {
    const work = (fails: boolean) =>
      database.transaction(async (transaction) => {
        const claim = await store.claimIn(transaction, id('k'), 60_000);
        if (claim.state !== 'claimed') return claim.state;
        await transaction.query(`INSERT INTO effects (name) VALUES ('k')`);
        if (fails) throw new Error('half way');
        return claim.state;
      });
    await expect(work(true)).rejects.toThrow('half way');
    await expect(store.find(id('k'))).resolves.toBeUndefined();
    await expect(work(false)).resolves.toBe('claimed');
    await expect(store.find(id('k'))).resolves.toEqual({ state: 'done', result: undefined });
    await expect(work(false)).resolves.toBe('done');
    await expect(effects()).resolves.toHaveLength(1);
  });

  test('does not take a key in a transaction that another owner works on', async () => {
    await store.claim(id('k'), 'a', 60_000);
    await expect(store.claimIn(database, id('k'), 60_000)).resolves.toMatchObject({ state: 'processing' });
  });
});

/** What the libraries answer, made from PGlite's answers. */
const LIBRARIES: readonly [string, (answer: { rows: unknown[]; affectedRows?: number }) => unknown][] = [
  ['the rows themselves', ({ rows }) => rows],
  ['[rows, count], as TypeORM does for what changes rows', ({ rows }) => [rows, rows.length]],
];

describe.each(LIBRARIES)('a database that answers with %s', (_what, answer) => {
  const wrapped = {
    query: async (sql: string, parameters?: unknown[]) => answer(await database.query(sql, parameters)),
  };
  for (const { name, run } of idempotencyStoreContract({
    create: (clock) => new SqlIdempotencyStore(wrapped, { clock }),
    rounds: 1,
  })) {
    test(name, run);
  }
});

describe('options', () => {
  test.each([
    [{}, {}, /option database of SqlIdempotencyStore/],
    [{ query: () => Promise.resolve() }, { table: 'a; DROP TABLE b' }, /option table of SqlIdempotencyStore/],
    [{ query: () => Promise.resolve() }, { dialect: 'oracle' }, /option dialect of SqlIdempotencyStore/],
  ])('%j %j that are wrong are refused by name', (given, options, reason) => {
    expect(() => new SqlIdempotencyStore(given as SqlQueryable, options as never)).toThrow(reason);
  });
});

/** As far as the store needs it. Node 20 has no such module, and its types do not know it. */
interface Sqlite {
  DatabaseSync: new (path: string) => SqlQueryable;
}

const name = 'node:sqlite';
const sqlite = (await import(name).catch(() => undefined)) as Sqlite | undefined;

(sqlite ? describe : describe.skip)('the store on SQLite, which Node has from 22.13 on', () => {
  const contract = idempotencyStoreContract({
    async create(clock) {
      const made = new SqlIdempotencyStore(new sqlite!.DatabaseSync(':memory:'), { clock });
      await made.createTable();
      return made;
    },
  });
  for (const { name: statement, run } of contract) test(statement, run);
});
