// Tests the outbox on a real PostgreSQL and Apache's broker: each database library, several relays, and a kill -9 at each step.
import 'reflect-metadata';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { RocketMQModule } from 'nest-rocketmq';
import { RocketMQOutbox, RocketMQOutboxModule } from 'nest-rocketmq/outbox';
import type { OutboxDatabase, OutboxRelayOptions } from 'nest-rocketmq/outbox';
import pg from 'pg';
import { LIBRARIES, placeWithMessage } from '../../tables/outbox.js';
import type { Library, OpenLibrary } from '../../tables/outbox.js';
import { Reader } from '../../tables/reader.js';
import { stageOn } from '../../tables/stage.js';
import type { Stage } from '../../tables/stage.js';
import { startApache } from '../harness/apache.js';
import { startChild } from '../harness/children.js';
import type { Child } from '../harness/children.js';
import { cleanUp } from '../harness/clean-up.js';
import type { Cluster } from '../harness/cluster.js';
import { postgresAvailable, startPostgres } from '../harness/databases.js';
import { MIKRO_ORM } from './mikro-orm.js';
import { PRISMA } from './prisma.js';

jest.setTimeout(180_000);

const RELAY = join(import.meta.dirname, 'relay-process.mjs');
const CONNECTIONS = 8;
const PATIENCE_MS = 60_000;

let cluster: Cluster;
let stage: Stage;
let url: string;
let admin: pg.Pool;
let module: TestingModule | undefined;
let readers: Reader[];

const { is: hasPostgres, note } = postgresAvailable();

/** An app in this process. */
async function startApp(database: OutboxDatabase, relay: OutboxRelayOptions | boolean): Promise<RocketMQOutbox> {
  const imports = [
    RocketMQModule.forRoot({ nameServer: cluster.nameServer, group: 'outbox-app' }),
    RocketMQOutboxModule.forRoot({ database, relay }),
  ];
  module = await Test.createTestingModule({ imports }).compile();
  await module.init();
  return module.get(RocketMQOutbox);
}

async function read(topic: string): Promise<Reader> {
  const reader = await Reader.start(stage, { group: `${topic}-reader`, topic });
  readers.push(reader);
  return reader;
}

interface Written {
  key: string;
  number: number;
}

/** Of each key, its numbers in the order in which they came first, and no message with two ids. */
function firstOf(reader: Reader): Record<string, number[]> {
  const ids = new Map<string, string>();
  const numbers: Record<string, number[]> = {};
  for (const { body, message } of reader.got) {
    const id = message.properties.get('UNIQ_KEY')!;
    const known = ids.get(body);
    expect([body, known ?? id]).toEqual([body, id]);
    if (known !== undefined) continue;
    ids.set(body, id);
    const { key, number } = JSON.parse(body) as Written;
    (numbers[key] ??= []).push(number);
  }
  return numbers;
}

(hasPostgres ? describe : describe.skip)(`on a real PostgreSQL and Apache 5.5.0${note}`, () => {
  const children: Child[] = [];

  beforeAll(async () => {
    Logger.overrideLogger(false);
    const [apache, postgres] = await Promise.all([startApache(), startPostgres()]);
    cluster = apache;
    stage = stageOn(cluster);
    url = `postgres://postgres@127.0.0.1:${postgres.port}/postgres`;
    admin = new pg.Pool({ connectionString: url });
    // Its server ends before it does.
    admin.on('error', () => undefined);
    await admin.query('CREATE TABLE orders (id text PRIMARY KEY)');
    await admin.query(RocketMQOutbox.createTableSql());
  });
  afterAll(async () => {
    await admin?.end();
    await stage?.end();
    await cleanUp();
  });
  beforeEach(async () => {
    readers = [];
    await admin.query('TRUNCATE orders, rocketmq_outbox');
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.kill()));
    await module?.close();
    module = undefined;
    await Promise.all(readers.map((reader) => reader.stop()));
  });

  const until = async (what: string, holds: () => Promise<boolean> | boolean): Promise<void> => {
    const end = Date.now() + PATIENCE_MS;
    while (!(await holds())) {
      if (Date.now() > end) throw new Error(`waited ${PATIENCE_MS} ms for ${what}`);
      await stage.pass(50);
    }
  };

  const isAllSent = async (): Promise<boolean> =>
    (await admin.query("SELECT FROM rocketmq_outbox WHERE status <> 'SENT'")).rows.length === 0;

  async function sendsAll(open: OpenLibrary, topic: string, reader: Reader): Promise<void> {
    // Nothing but the commit wakes this relay.
    const outbox = await startApp(open.database, { pollInterval: '1h' });
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
    await until('all orders', () => committed.every((id) => idsOf().includes(id)));
    expect(idsOf().toSorted()).toEqual(committed.toSorted());
  }

  describe('each library writes in its transaction, and the commit wakes the relay', () => {
    const libraries: readonly Library[] = [...LIBRARIES, PRISMA, MIKRO_ORM];
    test.each(libraries.map((library) => [library.name, library] as const))('%s', async (name, library) => {
      const open = await library.open(url, CONNECTIONS);
      try {
        const topic = `order-${name.replaceAll(/\W+/g, '-')}`;
        const reader = await read(topic);
        await sendsAll(open, topic, reader);
        await expect(module!.get(RocketMQOutbox).send(open.database, topic, 1)).rejects.toThrow(/open transaction/);
      } finally {
        await module?.close();
        module = undefined;
        await open.close();
      }
    });
  });

  const startRelay = async (env: Record<string, string>): Promise<Child> => {
    const child = startChild('relay', process.execPath, [RELAY], {
      env: { DATABASE_URL: url, NAME_SERVER: cluster.nameServer, ...env },
    });
    children.push(child);
    return child;
  };

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
      const reader = await read(TOPIC);
      // Written by a process that cannot send, where the relay is to die: else it might do so before the second transaction.
      const isRelayStep = /claim|mark/.test(step);
      if (isRelayStep) {
        const outbox = await startApp(admin, false);
        for (const messages of WRITES) {
          const client = await admin.connect();
          await client.query('BEGIN');
          for (const [key, number] of messages) await outbox.send(client, TOPIC, { key, number }, { shardingKey: key });
          await client.query('COMMIT');
          client.release();
        }
      }
      const dying = await startRelay({ KILL_AT: step, TOPIC, WRITES: isRelayStep ? '[]' : JSON.stringify(WRITES) });
      expect(await dying.exited).toEqual({ code: null, signal: 'SIGKILL' });
      const next = await startRelay({});
      await next.line(/written/, PATIENCE_MS);
      await until('the rest to be sent', isAllSent);
      const count = Object.values(expected).flat().length;
      await until('all messages', () => Object.values(firstOf(reader)).flat().length >= count);
      expect(firstOf(reader)).toEqual(expected);
      if (step === 'before the mark') expect(reader.got.length).toBeGreaterThan(4);
    });
  });

  test('relays in several processes, of which some are killed, keep the order of each sharding key', async () => {
    const TOPIC = 'several-relays';
    const reader = await read(TOPIC);
    const outbox = await startApp(admin, false);
    const relays = await Promise.all([1, 2, 3].map(() => startRelay({})));
    await Promise.all(relays.map((relay) => relay.line(/written/, PATIENCE_MS)));
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
    await until('some messages', () => reader.got.length > 20);
    await relays[0]!.kill();
    await until('more messages', () => reader.got.length > 100);
    await relays[1]!.kill();
    await Promise.all(writing);
    await until('the rest to be sent', isAllSent);
    const all = Array.from({ length: perKey }, (_, number) => number);
    await until('all messages', () => Object.values(firstOf(reader)).flat().length === keys.length * perKey);
    expect(firstOf(reader)).toEqual(Object.fromEntries(keys.map((key) => [key, all])));
  });
});
