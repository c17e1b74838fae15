// Tests the outbox on a real PostgreSQL and Apache's broker: each database library, several relays, and a kill -9 at each step.
import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RocketMQOutbox } from 'nest-rocketmq/outbox';
import pg from 'pg';
import { placeWithMessage } from '../../tables/outbox-library.js';
import type { Library, OpenLibrary } from '../../tables/outbox-library.js';
import { LIBRARIES } from '../../tables/outbox.js';
import type { Reader } from '../../tables/reader.js';
import { startApache } from '../harness/apache.js';
import { cleanUp } from '../harness/clean-up.js';
import { postgresAvailable, startPostgres } from '../harness/databases.js';
import { MIKRO_ORM } from './mikro-orm.js';
import { OutboxScene, firstOf } from './outbox-scene.js';
import { PRISMA } from './prisma.js';

jest.setTimeout(300_000);

const CONNECTIONS = 8;
const PATIENCE_MS = 60_000;

let scene: OutboxScene;
let url: string;
let admin: pg.Pool;

const { is: hasPostgres, note } = postgresAvailable();

(hasPostgres ? describe : describe.skip)(`on a real PostgreSQL and Apache 5.5.0${note}`, () => {
  beforeAll(async () => {
    Logger.overrideLogger(false);
    const [apache, postgres] = await Promise.all([startApache(), startPostgres()]);
    url = `postgres://postgres@127.0.0.1:${postgres.port}/postgres`;
    scene = new OutboxScene(apache, url, PATIENCE_MS);
    admin = new pg.Pool({ connectionString: url });
    // Its server ends before it does.
    admin.on('error', () => undefined);
    await admin.query('CREATE TABLE orders (id text PRIMARY KEY)');
    await admin.query(RocketMQOutbox.createTableSql());
  });
  afterAll(async () => {
    await admin?.end();
    await scene?.end();
    await cleanUp();
  });
  beforeEach(async () => {
    await admin.query('TRUNCATE orders, rocketmq_outbox');
  });
  afterEach(() => scene.clear());

  const isAllSent = async (): Promise<boolean> =>
    (await admin.query("SELECT FROM rocketmq_outbox WHERE status <> 'SENT'")).rows.length === 0;

  async function sendsAll(open: OpenLibrary, topic: string, reader: Reader): Promise<RocketMQOutbox> {
    // Nothing but the commit wakes this relay.
    const outbox = await scene.startApp(open.database, { pollInterval: '1h' });
    await Promise.all(
      Array.from({ length: 20 }, (_, number) =>
        placeWithMessage(open, outbox, `o${number}`, number % 4 === 3, topic).catch((error: Error) => {
          if (error.message !== 'rolled back') throw error;
        }),
      ),
    );
    const committed = (await admin.query<{ id: string }>('SELECT id FROM orders')).rows.map(({ id }) => id);
    expect(committed).toHaveLength(15);
    const idsOf = (): string[] => reader.bodies.map((body) => (JSON.parse(body) as { id: string }).id);
    await scene.until('all orders', () => committed.every((id) => idsOf().includes(id)));
    expect(idsOf().toSorted()).toEqual(committed.toSorted());
    return outbox;
  }

  describe('each library writes in its transaction, and the commit wakes the relay', () => {
    const libraries: readonly Library[] = [...LIBRARIES, PRISMA, MIKRO_ORM];
    test.each(libraries.map((library) => [library.name, library] as const))('%s', async (name, library) => {
      const open = await library.open(url, CONNECTIONS);
      try {
        const topic = `order-${name.replaceAll(/\W+/g, '-')}`;
        const reader = await scene.read(topic);
        const outbox = await sendsAll(open, topic, reader);
        await expect(outbox.send(open.database, topic, 1)).rejects.toThrow(/open transaction/);
      } finally {
        await scene.closeApp();
        await open.close();
      }
    });
  });

  describe('after a kill -9, another process sends what was committed, in order, and with the same ids', () => {
    const WRITES: [key: string, number: number][][] = [
      [
        ['a', 0],
        ['b', 0],
        ['a', 1],
      ],
      [['a', 2]],
    ];
    test.each<[string, Record<string, number[]>]>([
      ['before the commit', {}],
      ['after the commit', { a: [0, 1], b: [0] }],
      ['after the claim', { a: [0, 1, 2], b: [0] }],
      ['before the mark', { a: [0, 1, 2], b: [0] }],
      ['after the mark', { a: [0, 1, 2], b: [0] }],
    ])('%s', async (step, expected) => {
      const TOPIC = `kill-${step.replaceAll(' ', '-')}`;
      const reader = await scene.read(TOPIC);
      // Written by a process that cannot send, where the relay is to die: else it might do so before the second transaction.
      const isRelayStep = /claim|mark/.test(step);
      if (isRelayStep) {
        const outbox = await scene.startApp(admin, false);
        for (const messages of WRITES) {
          const client = await admin.connect();
          await client.query('BEGIN');
          for (const [key, number] of messages) await outbox.send(client, TOPIC, { key, number }, { shardingKey: key });
          await client.query('COMMIT');
          client.release();
        }
      }
      const dying = scene.startRelay({ KILL_AT: step, TOPIC, WRITES: isRelayStep ? '[]' : JSON.stringify(WRITES) });
      expect(await dying.exited).toEqual({ code: null, signal: 'SIGKILL' });
      const next = scene.startRelay({});
      await next.line(/written/, scene.patience);
      await scene.until('the rest to be sent', isAllSent);
      const count = Object.values(expected).flat().length;
      await scene.until('all messages', () => Object.values(firstOf(reader)).flat().length >= count);
      if (step === 'before the mark') await scene.until('one of them again', () => reader.got.length > count);
      expect(firstOf(reader)).toEqual(expected);
    });
  });

  test('relays in several processes, of which some are killed, keep the order of each sharding key', async () => {
    const TOPIC = 'several-relays';
    const reader = await scene.read(TOPIC);
    const outbox = await scene.startApp(admin, false);
    const relays = [1, 2, 3].map(() => scene.startRelay({}));
    await Promise.all(relays.map((relay) => relay.line(/written/, scene.patience)));
    const keys = ['a', 'b', 'c', 'd'];
    const perKey = 60;
    const writing = keys.map(async (key) => {
      for (let number = 0; number < perKey; number++) {
        const client = await admin.connect();
        await client.query('BEGIN');
        await outbox.send(client, TOPIC, { key, number }, { shardingKey: key });
        await client.query('COMMIT');
        client.release();
      }
    });
    await scene.until('some messages', () => reader.got.length > 20);
    await relays[0]!.kill();
    await scene.until('more messages', () => reader.got.length > 100);
    await relays[1]!.kill();
    await Promise.all(writing);
    await scene.until('the rest to be sent', isAllSent);
    const all = Array.from({ length: perKey }, (_, number) => number);
    await scene.until('all messages', () => Object.values(firstOf(reader)).flat().length === keys.length * perKey);
    expect(firstOf(reader)).toEqual(Object.fromEntries(keys.map((key) => [key, all])));
  });
});
