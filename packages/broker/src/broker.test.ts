import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Connection,
  ManualClock,
  Requests,
  ResponseCode,
  decodeRouteData,
  handlerTable,
  silentLogger,
} from '@nest-rocketmq/remoting/internal';
import { startBroker } from './broker.js';
import { TestBroker } from '../test-kit/broker.js';
import { StoreLockedError } from './store/errors.js';

let running: TestBroker | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

describe('a message', () => {
  it('makes its topic by the rule of TBW102, which has a route from then on', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    const { code, header } = await client.send('orders');
    expect(code).toBe(ResponseCode.SUCCESS);
    expect(header).toMatchObject({ queueId: 0, queueOffset: 0, transactionId: 'ABCDEF' });
    const nameServer = await running.nameServer();
    const { body } = await nameServer.request(Requests.GET_ROUTEINFO_BY_TOPIC, { topic: 'orders' });
    expect(decodeRouteData(body)).toEqual({
      queueDatas: [{ brokerName: 'broker-a', readQueueNums: 4, writeQueueNums: 4, perm: 6, topicSysFlag: 0 }],
      brokerDatas: [
        { cluster: 'DefaultCluster', brokerName: 'broker-a', brokerAddrs: new Map([[0, '127.0.0.1:10911']]) },
      ],
    });
  });

  it('is pulled as it was sent, with what the broker adds to its properties', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    const { header } = await client.send('orders', { tags: 'created', body: 'one' });
    const message = (await client.messages('orders'))[0]!;
    expect(message.body.toString()).toBe('one');
    expect(message.offsetMsgId).toBe(header.msgId);
    expect(Object.fromEntries(message.properties)).toEqual({
      UNIQ_KEY: 'ABCDEF',
      TAGS: 'created',
      MSG_REGION: 'DefaultRegion',
      TRACE_ON: 'true',
      CLUSTER: 'DefaultCluster',
    });
  });

  it('is there after a restart, and so is the offset of its group', async () => {
    running = await TestBroker.start();
    const before = await running.client();
    await before.subscribe('me', 'consumers', { orders: '*' });
    await before.send('orders', { body: 'kept' });
    const header = { consumerGroup: 'consumers', topic: 'orders', queueId: 0 };
    await before.connection.request(Requests.UPDATE_CONSUMER_OFFSET, { ...header, commitOffset: 1 });
    await running.restart();
    const after = await running.client();
    const messages = await after.messages('orders');
    expect(messages.map((message) => message.body.toString())).toEqual(['kept']);
    const { header: kept } = await after.connection.request(Requests.QUERY_CONSUMER_OFFSET, header);
    expect(kept.offset).toBe(1);
  });
});

describe('T002: ten messages to each queue', () => {
  it('are all consumed, and the offsets say so, over several restarts in between', async () => {
    running = await TestBroker.start();
    const consumer = { consumerGroup: 'consumers', topic: 'orders' };
    const queues = [0, 1, 2, 3];
    for (let round = 0; round < 3; round++) {
      const client = await running.client();
      await client.subscribe('me', 'consumers', { orders: '*' });
      for (const queueId of queues) {
        const { header: place } = await client.connection.request(Requests.QUERY_CONSUMER_OFFSET, {
          ...consumer,
          queueId,
        });
        expect(place.offset).toBe(round * 10);
        for (let sent = 0; sent < 10; sent++) await client.send('orders', { queueId, body: `${round}-${sent}` });
        const messages = await client.messages('orders', { queueId, offset: place.offset! });
        expect(messages.map(({ body }) => body.toString())).toEqual(
          Array.from({ length: 10 }, (_, sent) => `${round}-${sent}`),
        );
        expect(messages.some(({ properties }) => properties.has('POP_CK'))).toBe(false);
        const commitOffset = place.offset! + messages.length;
        await client.connection.request(Requests.UPDATE_CONSUMER_OFFSET, { ...consumer, queueId, commitOffset });
      }
      await running.restart();
    }
  });
});

describe('a broker that has been stopped', () => {
  it('has no timer left', async () => {
    const clock = new ManualClock();
    running = await TestBroker.start({ clock });
    const client = await running.client(handlerTable());
    await client.subscribe('me', 'consumers', { orders: '*' });
    await client.send('orders', { properties: { DELAY: '3' } });
    const waiting = client.pull('orders', { suspend: 15_000 }).catch(() => undefined);
    await running.stop();
    await waiting;
    expect(clock.pending).toBe(0);
  });
});

describe('starting a broker', () => {
  it('fails on a store that is in use, and names the process', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'broker-'));
    const first = await startBroker({ store: folder });
    try {
      await expect(startBroker({ store: folder })).rejects.toMatchObject({ code: 'STORE_LOCKED', pid: process.pid });
      await expect(startBroker({ store: folder })).rejects.toBeInstanceOf(StoreLockedError);
    } finally {
      await first.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it('fails on an address that is taken, and leaves nothing behind', async () => {
    const clock = new ManualClock();
    const first = await startBroker({ store: 'memory', listen: '127.0.0.1:0', nameServerListen: '127.0.0.1:0' });
    const taken = { listen: first.brokerAddress, nameServerListen: '127.0.0.1:0' };
    await expect(startBroker({ ...taken, store: 'memory', clock })).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
    expect(clock.pending).toBe(0);
    await first.stop();
  });

  it('with ports of 0 takes free ones, and says which', async () => {
    const broker = await startBroker({ store: 'memory', listen: '127.0.0.1:0', nameServerListen: '127.0.0.1:0' });
    expect(broker.brokerAddress).toMatch(/^127\.0\.0\.1:[1-9]\d+$/);
    expect(broker.nameServerAddress).toMatch(/^127\.0\.0\.1:[1-9]\d+$/);
    await broker.stop();
    await broker.stop();
  });

  it('leaves two of them in one process alone with each other', async () => {
    const clock = new ManualClock();
    const [one, two] = [await startBroker({ store: 'memory', clock }), await startBroker({ store: 'memory', clock })];
    const address = one.nameServerAddress;
    expect(two.nameServerAddress).toBe(address);
    const ask = async (dial: typeof one.dial, topic: string): Promise<number> => {
      const connection = new Connection(await dial(address), {
        address,
        handlers: handlerTable(),
        clock,
        logger: silentLogger,
      });
      return (await connection.request(Requests.GET_ROUTEINFO_BY_TOPIC, { topic })).code;
    };
    await one.stop();
    await expect(ask(two.dial, 'TBW102')).resolves.toBe(ResponseCode.SUCCESS);
    await expect(ask(one.dial, 'TBW102')).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    await two.stop();
    expect(clock.pending).toBe(0);
  });

  it('keeps files of the log for as long as its options say', async () => {
    const deleteWhen = Array.from({ length: 24 }, (_, hour) => hour).join(';');
    const options = { mappedFileSizeCommitLog: 65_536, fileReservedTime: 2, deleteWhen, cleanResourceInterval: 1_000 };
    // The files' times are the clock's.
    const running = await TestBroker.start({ ...options, store: 'memory', fileSystem: undefined });
    const client = await running.client();
    const minOffset = async (): Promise<number | undefined> => {
      // Whoever was silent for hours is no longer connected.
      const { connection } = await running.client();
      return (await connection.request(Requests.GET_MIN_OFFSET, { topic: 't', queueId: 0 })).header.offset;
    };
    for (let i = 0; i < 10; i++) await client.send('t', { body: 'x'.repeat(20_000), queueId: 0 });
    await running.clock.advance(2 * 3_600_000 - 10_000);
    expect(await minOffset()).toBe(0);
    await running.clock.advance(20_000);
    expect(await minOffset()).toBeGreaterThan(0);
    await running.stop();
  });
});
