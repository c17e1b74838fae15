// Tests the outbox on a real MariaDB: each database library, several relays, and a kill -9 at each step.
import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import mysql from 'mysql2/promise';
import { OutboxTableMissingError, RocketMQOutbox } from 'nest-rocketmq/outbox';
import type { OutboxDatabase } from 'nest-rocketmq/outbox';
import { placeWithMessage } from '../../tables/outbox-library.js';
import { MYSQL_LIBRARIES } from '../../tables/outbox-mysql.js';
import type { Reader } from '../../tables/reader.js';
import { cleanUp } from '../harness/clean-up.js';
import { mariadbAvailable, startMariadb } from '../harness/databases.js';
import { startOurBroker } from '../harness/our-broker.js';
import { OutboxScene, firstOf } from './outbox-scene.js';

jest.setTimeout(240_000);

const PATIENCE_MS = 60_000;

let scene: OutboxScene;
let url: string;
let admin: mysql.Pool;

const { is: hasMariadb, note } = mariadbAvailable();

(hasMariadb ? describe : describe.skip)(`on a real MariaDB${note}`, () => {
  beforeAll(async () => {
    Logger.overrideLogger(false);
    const mariadb = await startMariadb();
    url = `mysql://root@127.0.0.1:${mariadb.port}/test`;
    scene = new OutboxScene(await startOurBroker(), url, PATIENCE_MS);
    admin = mysql.createPool({ uri: url, connectionLimit: 8 });
    await admin.query('CREATE TABLE orders (id varchar(64) PRIMARY KEY)');
  });
  afterAll(async () => {
    await admin?.end();
    await scene?.end();
    await cleanUp();
  });
  beforeEach(async () => {
    await admin.query('TRUNCATE orders');
    await admin.query('DROP TABLE IF EXISTS rocketmq_outbox');
    await admin.query(RocketMQOutbox.createTableSql(undefined, 'mysql').replace(/;\s*$/, ''));
  });
  afterEach(() => scene.clear());

  const select = async (query: string): Promise<Record<string, unknown>[]> =>
    (await admin.query(query))[0] as Record<string, unknown>[];
  const isAllSent = async (): Promise<boolean> =>
    (await select("SELECT id FROM rocketmq_outbox WHERE status <> 'SENT'")).length === 0;

  test.each(MYSQL_LIBRARIES.map((library) => [library.name, library] as const))(
    '%s writes in its transaction, and the relay sends what was committed',
    async (name, library) => {
      const open = await library.open(url, 8);
      try {
        const topic = `order-${name}`;
        const reader = await scene.read(topic);
        const outbox = await scene.startApp(open.database, { pollInterval: '1h' });
        const placed = Array.from({ length: 20 }, (_, number) =>
          placeWithMessage(open, outbox, `o${number}`, number % 4 === 3, topic).catch((error: Error) => error.message),
        );
        expect((await Promise.all(placed)).filter((error) => error === 'rolled back')).toHaveLength(5);
        const committed = (await select('SELECT id FROM orders')).map(({ id }) => String(id));
        expect(committed).toHaveLength(15);
        const ids = (): string[] => reader.bodies.map((body) => (JSON.parse(body) as { id: string }).id);
        await scene.until('all orders', () => committed.every((id) => ids().includes(id)));
        expect(ids().toSorted()).toEqual(committed.toSorted());
        await scene.until('the marks', isAllSent);
        expect(await outbox.status()).toEqual({ pending: 0, failed: 0, oldestAge: 0 });
        await expect(outbox.send(open.database, topic, 1)).rejects.toThrow(/open transaction/);
      } finally {
        await scene.closeApp();
        await open.close();
      }
    },
  );

  test('a message keeps all it was given, and what cannot be sent is set aside and sent again later', async () => {
    const reader = await scene.read('kept');
    const open = await MYSQL_LIBRARIES[0]!.open(url, 4);
    const outbox = await scene.startApp(open.database, { pollInterval: '50ms', maxAttempts: 1 });
    const body = Buffer.from(Array.from({ length: 3_000 }, (_, index) => index % 256));
    await open.place('o', async (transaction) => {
      await outbox.send(transaction, 'kept:tag', body, {
        keys: ['k', 'ü'],
        shardingKey: 'Ключ 1 ',
        properties: { p: '💡' },
      });
      // The broker refuses so long a delay.
      await outbox.send(transaction, 'late', 'x', {
        shardingKey: 'k',
        deliverAt: new Date(Date.now() + 30 * 24 * 3_600_000),
      });
    });
    await scene.until('the message', () => reader.got.length > 0);
    const [{ message }] = reader.got as [Reader['got'][number]];
    expect(message.body).toEqual(body);
    expect(Object.fromEntries(message.properties)).toMatchObject({
      TAGS: 'tag',
      KEYS: 'k ü',
      p: '💡',
      __SHARDINGKEY: 'Ключ 1 ',
    });
    await scene.until('the failure', async () => (await outbox.status()).failed === 1);
    const [failed] = await outbox.failed();
    expect(failed).toMatchObject({ topic: 'late', shardingKey: 'k', attempts: 1 });
    expect(await outbox.retry([failed!.id, 'unknown'])).toBe(1);
    await scene.until('another failure', async () => (await outbox.status()).failed === 1);
    await scene.closeApp();
    await open.close();
  });

  test('sent messages are deleted once they are old', async () => {
    await admin.query(
      `INSERT INTO rocketmq_outbox (id, topic, lane, message, body, created_at, status, ended_at) SELECT seq, 't', seq, '{}', '', 0,
      'SENT', IF(seq <= 1200, 1, 9999999999999) FROM seq_1_to_1300`,
    );
    const outbox = await scene.startApp(admin as unknown as OutboxDatabase, { purgeInterval: '1s', retention: '1h' });
    let purged = 0;
    outbox.events.subscribe((event) => (purged += event.type === 'purged' ? event.count : 0));
    await scene.until('the purge', () => purged >= 1_200);
    expect(await select('SELECT count(*) AS count FROM rocketmq_outbox')).toEqual([{ count: 100 }]);
  });

  test('without its table an app does not start', async () => {
    await admin.query('DROP TABLE rocketmq_outbox');
    await expect(scene.startApp(admin as unknown as OutboxDatabase, true)).rejects.toThrow(OutboxTableMissingError);
  });

  const write = async (outbox: RocketMQOutbox, topic: string, key: string, number: number): Promise<void> => {
    const connection = await admin.getConnection();
    await connection.beginTransaction();
    await outbox.send(connection, topic, { key, number }, { shardingKey: key });
    await connection.commit();
    connection.release();
  };

  test.each([['after the claim'], ['before the mark'], ['after the mark']])(
    'killed %s, another process sends what was committed, in order',
    async (step) => {
      const topic = `kill-${step.replaceAll(' ', '-')}`;
      const reader = await scene.read(topic);
      const outbox = await scene.startApp(admin as unknown as OutboxDatabase, false);
      for (const number of [0, 1, 2]) await write(outbox, topic, 'a', number);
      await write(outbox, topic, 'b', 0);
      expect(await scene.startRelay({ KILL_AT: step }).exited).toEqual({ code: null, signal: 'SIGKILL' });
      await scene.startRelay({}).line(/written/, scene.patience);
      await scene.until('the rest to be sent', isAllSent);
      await scene.until('all messages', () => Object.values(firstOf(reader)).flat().length >= 4);
      expect(firstOf(reader)).toEqual({ a: [0, 1, 2], b: [0] });
    },
  );

  test('relays in several processes, of which one is killed, keep the order of each sharding key', async () => {
    const topic = 'several-relays';
    const reader = await scene.read(topic);
    const outbox = await scene.startApp(admin as unknown as OutboxDatabase, false);
    const relays = [1, 2, 3].map(() => scene.startRelay({}));
    await Promise.all(relays.map((relay) => relay.line(/written/, scene.patience)));
    const keys = ['a', 'b', 'c', 'd'];
    const all = Array.from({ length: 60 }, (_, number) => number);
    const writing = keys.map(async (key) => {
      for (const number of all) await write(outbox, topic, key, number);
    });
    await scene.until('some messages', () => reader.got.length > 50);
    await relays[0]!.kill();
    await Promise.all(writing);
    await scene.until('the rest to be sent', isAllSent);
    await scene.until('all messages', () => Object.values(firstOf(reader)).flat().length === keys.length * all.length);
    expect(firstOf(reader)).toEqual(Object.fromEntries(keys.map((key) => [key, all])));
  });
});
