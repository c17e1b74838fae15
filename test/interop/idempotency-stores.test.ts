// Tests the stores of idempotent consumption on PostgreSQL and MariaDB over several connections, and on a Redis server.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { RedisIdempotencyStore, SqlIdempotencyStore } from 'nest-rocketmq/idempotency';
import type { RedisClient } from 'nest-rocketmq/idempotency';
import { idempotencyStoreContract } from 'nest-rocketmq/testing';
import { cleanUp } from './harness/clean-up.js';
import {
  mariadbAvailable,
  postgresAvailable,
  redisAvailable,
  startMariadb,
  startPostgres,
  startRedis,
} from './harness/databases.js';

jest.setTimeout(300_000);

/** It does not end while a busy machine makes the next request. */
const LONG_LEASE_MS = 60_000;

const id = (key: string) => ({ scope: 's', key });

afterAll(cleanUp);

const postgres = postgresAvailable();

(postgres.is ? describe : describe.skip)(`on a PostgreSQL server${postgres.note}`, () => {
  let pool: pg.Pool;
  let store: SqlIdempotencyStore;

  beforeAll(async () => {
    const { port } = await startPostgres();
    pool = new pg.Pool({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 8 });
    store = new SqlIdempotencyStore(pool);
    await store.createTable();
    await pool.query('CREATE TABLE effects (name text NOT NULL)');
  });
  afterAll(() => pool?.end());

  const contract = idempotencyStoreContract({
    create: (clock) => new SqlIdempotencyStore(pool, { clock }),
    rounds: 100,
  });
  for (const { name, run } of contract) test(name, run);

  /** Takes the key and its effect in one transaction, as a listener with mode 'transactional' does. */
  async function take(key: string, beforeCommit: () => Promise<void> = async () => {}): Promise<string> {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const { state } = await store.claimIn(client, id(key), 60_000);
      if (state === 'claimed') await client.query('INSERT INTO effects (name) VALUES ($1)', [key]);
      await beforeCommit();
      await client.query('COMMIT');
      return state;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }

  const effects = async (key: string): Promise<number> =>
    (await pool.query('SELECT 1 FROM effects WHERE name = $1', [key])).rows.length;

  test('of transactions at once, over connections of their own, one has the effect', async () => {
    const states = await Promise.all(Array.from({ length: 8 }, () => take('at once')));
    expect(states.toSorted()).toEqual(['claimed', ...Array<string>(7).fill('done')]);
    await expect(effects('at once')).resolves.toBe(1);
  });

  test('a transaction waits for another one with its key, and takes it when that one is rolled back', async () => {
    let begun!: () => void;
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    let fail!: (error: Error) => void;
    const failing = new Promise<void>((_resolve, reject) => (fail = reject));
    const first = take('waits', () => (begun(), failing));
    await hasBegun;
    const second = take('waits');
    const waiting = 'SELECT 1 FROM pg_stat_activity WHERE wait_event_type = $1';
    while ((await pool.query(waiting, ['Lock'])).rows.length === 0);
    fail(new Error('half way'));
    await expect(first).rejects.toThrow('half way');
    await expect(second).resolves.toBe('claimed');
    await expect(effects('waits')).resolves.toBe(1);
  });

  test('leases end by the clock of the database', async () => {
    await store.claim(id('long'), 'a', LONG_LEASE_MS);
    await store.claim(id('short'), 'a', 1_000);
    await pool.query('SELECT pg_sleep(1.1)');
    await expect(store.claim(id('long'), 'b', 1_000)).resolves.toMatchObject({ state: 'processing' });
    await expect(store.claim(id('short'), 'b', 1_000)).resolves.toEqual({ state: 'claimed' });
  });
});

const mariadb = mariadbAvailable();

(mariadb.is ? describe : describe.skip)(`on a MariaDB server${mariadb.note}`, () => {
  let pool: mysql.Pool;
  let store: SqlIdempotencyStore;

  beforeAll(async () => {
    const { port } = await startMariadb();
    pool = mysql.createPool({ host: '127.0.0.1', port, user: 'root', database: 'test', connectionLimit: 8 });
    store = new SqlIdempotencyStore(pool);
    await store.createTable();
    await pool.query('CREATE TABLE effects (name varchar(64) NOT NULL)');
  });
  afterAll(() => pool?.end());

  const contract = idempotencyStoreContract({
    create: (clock) => new SqlIdempotencyStore(pool, { clock }),
    rounds: 100,
  });
  for (const { name, run } of contract) test(name, run);

  async function take(key: string, fails = false): Promise<string> {
    const connection = await pool.getConnection();
    try {
      await connection.beginTransaction();
      // In REPEATABLE READ this is what later plain reads of the transaction see.
      await connection.query('SELECT 1 FROM effects');
      const { state } = await store.claimIn(connection, id(key), 60_000);
      if (state === 'claimed') await connection.query('INSERT INTO effects (name) VALUES (?)', [key]);
      if (fails) throw new Error('half way');
      await connection.commit();
      return state;
    } catch (error) {
      await connection.rollback();
      throw error;
    } finally {
      connection.release();
    }
  }

  const effects = async (key: string): Promise<unknown> =>
    (await pool.query('SELECT name FROM effects WHERE name = ?', [key]))[0];

  test('of transactions at once, over connections of their own, one has the effect', async () => {
    const states = await Promise.all(Array.from({ length: 8 }, () => take('at once')));
    expect(states.toSorted()).toEqual(['claimed', ...Array<string>(7).fill('done')]);
    await expect(effects('at once')).resolves.toHaveLength(1);
  });

  test('a transaction that is rolled back leaves neither record nor effect', async () => {
    await expect(take('rolled back', true)).rejects.toThrow('half way');
    await expect(store.find(id('rolled back'))).resolves.toBeUndefined();
    await expect(take('rolled back')).resolves.toBe('claimed');
    await expect(effects('rolled back')).resolves.toHaveLength(1);
  });

  test('leases end by the clock of the database', async () => {
    await store.claim(id('long'), 'a', LONG_LEASE_MS);
    await store.claim(id('short'), 'a', 1_000);
    await pool.query('SELECT SLEEP(1.1)');
    await expect(store.claim(id('long'), 'b', 1_000)).resolves.toMatchObject({ state: 'processing' });
    await expect(store.claim(id('short'), 'b', 1_000)).resolves.toEqual({ state: 'claimed' });
  });
});

const redis = redisAvailable();

(redis.is ? describe : describe.skip)(`on a Redis server${redis.note}`, () => {
  let client: Redis;

  beforeAll(async () => {
    const { port } = await startRedis();
    client = new Redis({ host: '127.0.0.1', port });
  });
  afterAll(() => client?.disconnect());

  /** The one method that the store uses, as redis (node-redis) has it. */
  const nodeRedis = (): RedisClient =>
    ({
      eval: (script: string, options: { keys: string[]; arguments: string[] }) =>
        client.eval(script, options.keys.length, ...options.keys, ...options.arguments),
    }) as RedisClient;

  describe.each<[string, () => RedisClient]>([
    ['ioredis', () => client],
    ['redis', nodeRedis],
  ])('through the methods of %s', (_library, clientOf) => {
    const contract = idempotencyStoreContract({
      create: (clock) => new RedisIdempotencyStore(clientOf(), { clock }),
      rounds: 100,
    });
    for (const { name, run } of contract) test(name, run);
  });

  test('leases end by the clock of the server, and records are gone from Redis some time later', async () => {
    const store = new RedisIdempotencyStore(client, { prefix: 'shop:' });
    await store.claim({ scope: 'a:b', key: 'long' }, 'a', LONG_LEASE_MS);
    await expect(store.claim({ scope: 'a:b', key: 'long' }, 'b', 1_000)).resolves.toMatchObject({
      state: 'processing',
    });
    await store.claim({ scope: 'a:b', key: 'c' }, 'a', 1_000);
    const left = await client.pttl('shop:a%3Ab:c');
    expect(left).toBeGreaterThan(1_000);
    expect(left).toBeLessThanOrEqual(601_000);
    while ((await store.find({ scope: 'a:b', key: 'c' })) !== undefined);
    await expect(store.claim({ scope: 'a:b', key: 'c' }, 'b', 1_000)).resolves.toEqual({ state: 'claimed' });
    await store.complete({ scope: 'a:b', key: 'c' }, 'b', 5_000);
    expect(await client.pttl('shop:a%3Ab:c')).toBeLessThanOrEqual(605_000);
  });
});
