// Tests a broker and its name server over TCP against clients that keep no rules: others are served meanwhile, what the
// clients held is free afterwards, and nothing is left of them. Sockets are real; time is turned by hand.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startBroker } from '@nest-rocketmq/broker';
import type { Broker, BrokerOptions } from '@nest-rocketmq/broker';
import {
  ManualClock,
  Requests,
  ResponseCode,
  addressIn,
  decodeRecords,
  encodeProperties,
  objectOf,
  parseJson,
  silentLogger,
} from '@nest-rocketmq/remoting/internal';
import { Random } from '../crash/random.js';
import { HOSTILE_FRAMES } from './hostile-frames.js';
import { openSockets, openSocketsAbove, usedBuffers } from './leaks.js';
import { HonestClient, RawClient, frameOf, popHeader, pullHeader, sendHeader } from './raw-client.js';

const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
/** More of each kind than in the fast run. */
const TIMES = Math.min(10, Number(process.env['FAULT_RUNS'] ?? 1));
const START = Date.UTC(2026, 2, 1);
const HOLD_MS = 15_000;
const HALF_PREPARED = 4;
/** Real time, on a busy machine. */
const PATIENCE_MS = 30_000;

let broker: Broker;
let clock: ManualClock;
let honest: HonestClient;
let before: number;

async function start(options: BrokerOptions = {}): Promise<void> {
  clock = new ManualClock(START);
  broker = await startBroker({
    store: 'memory',
    clock,
    logger: silentLogger,
    listen: '127.0.0.1:0',
    nameServerListen: '127.0.0.1:0',
    ...options,
  });
  honest = await HonestClient.connect(broker.brokerAddress, clock);
  await honest.maxOffset('t');
}

const rawClients = (count: number): Promise<RawClient[]> =>
  Promise.all(Array.from({ length: count }, () => RawClient.connect(broker.brokerAddress)));

/** Asks over TCP until it is so: the broker hears of a reset when its socket does. */
async function untilAsked(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end;) if (await holds()) return;
  throw new Error(`asked in vain: ${what}`);
}

/** Turns the clock, by `atMost` ms, until the broker has closed them. It may not have accepted them all before. */
async function untilClosed(clients: readonly RawClient[], atMost: number): Promise<void> {
  const left = (): number => clients.filter(({ socket }) => !socket.destroyed).length;
  for (let passed = 0; left() > 0; passed += 5_000) {
    if (passed >= atMost) throw new Error(`${left()} of ${clients.length} are open after ${atMost} ms`);
    await clock.advance(5_000);
    await honest.maxOffset('t');
  }
}

/** Clients of a consumer group, as the broker sees them. */
async function members(group: string): Promise<number> {
  const { code, body } = await honest.ask(Requests.GET_CONSUMER_LIST_BY_GROUP, { consumerGroup: group });
  if (code !== ResponseCode.SUCCESS) return 0;
  return (objectOf(parseJson(body))['consumerIdList'] as unknown[]).length;
}

beforeEach(() => {
  before = openSockets();
});
afterEach(async () => {
  honest.connection.close();
  await broker.stop();
  expect(clock.pending).toBe(0);
  expect(await openSocketsAbove(before)).toBe(0);
});

describe('clients that fall silent', () => {
  it('are given up with their groups and their held pulls, and those that go on are kept', async () => {
    await start();
    await honest.send('t', 'a');
    const silent = await rawClients(10 * TIMES);
    await Promise.all(silent.map((one, i) => one.join(`silent-${i}`, { consumer: 'g' })));
    for (const one of silent) one.socket.write(frameOf(Requests.PULL_MESSAGE, pullHeader('t', 1, HOLD_MS)));
    await untilAsked('all have joined', async () => (await members('g')) === silent.length);
    await clock.advance(60_000);
    await honest.send('t', 'b');
    await untilClosed(silent, 130_000);
    expect(await members('g')).toBe(0);
    expect(await honest.send('t', 'c')).toBe(0);
  });

  it('before their first frame are closed after 10 s, and within a frame after 30 s', async () => {
    await start();
    const mute = await rawClients(5 * TIMES);
    const halves = await rawClients(5 * TIMES);
    const frame = frameOf(Requests.SEND_MESSAGE_V2, sendHeader('t'), { body: Buffer.alloc(1_000) });
    const random = new Random(SEED);
    for (const one of halves) {
      await one.ask(Requests.GET_MAX_OFFSET, { topic: 't', queueId: 0 });
      one.socket.write(frame.subarray(0, random.integer(1, frame.length - 1)));
    }
    await untilClosed(mute, 25_000);
    expect(halves.every(({ socket }) => !socket.destroyed)).toBe(true);
    await untilClosed(halves, 60_000);
    expect(await honest.maxOffset('t')).toBe(0);
  });
});

describe('frames', () => {
  it(`byte by byte, and many in one piece, of clients that take turns are what they are whole (seed ${SEED})`, async () => {
    await start();
    const random = new Random(SEED);
    const clients = await rawClients(8);
    const each = 5;
    const bytes = clients.map((_client, i) =>
      Buffer.concat(
        Array.from({ length: each }, (_, j) =>
          frameOf(Requests.SEND_MESSAGE_V2, sendHeader('t'), { opaque: j, body: Buffer.from(`${i}-${j} `.repeat(40)) }),
        ),
      ),
    );
    const at = clients.map(() => 0);
    for (let i = 0; at.some((done, j) => done < bytes[j]!.length); i = (i + 1) % clients.length) {
      const end = at[i]! + random.pick([1, 1, 2, 3, 7, 500, 5_000]);
      clients[i]!.socket.write(bytes[i]!.subarray(at[i]!, end));
      at[i] = end;
      if (random.chance(0.05)) await new Promise(setImmediate);
    }
    for (const client of clients) {
      const answers = await client.received(each);
      expect(answers.map(({ code, opaque }) => [code, opaque])).toEqual(Array.from({ length: each }, (_, j) => [0, j]));
    }
    const bodies: string[] = [];
    for (let offset = 0; bodies.length < clients.length * each; offset = bodies.length) {
      const { body } = await honest.ask(Requests.PULL_MESSAGE, pullHeader('t', offset));
      bodies.push(...decodeRecords(body).map((message) => message.body.toString()));
    }
    const sent = clients.flatMap((_client, i) => Array.from({ length: each }, (_, j) => `${i}-${j} `.repeat(40)));
    expect(bodies.toSorted()).toEqual(sent.toSorted());
    for (const { socket } of clients) socket.destroy();
  });

  it.each(['brokerAddress', 'nameServerAddress'] as const)(
    'that are none close their own connection (%s)',
    async (which) => {
      await start();
      const address = broker[which];
      for (const [what, frame] of HOSTILE_FRAMES) {
        const client = await RawClient.connect(address);
        client.socket.write(frame);
        await Promise.race([client.received(1), client.closed]);
        expect([what, client.socket.destroyed || client.frames[0]!.code !== ResponseCode.SUCCESS]).toEqual([
          what,
          true,
        ]);
        client.socket.destroy();
      }
      expect(await honest.send('t', 'a')).toBe(0);
    },
  );

  it('cut at every byte store nothing of themselves', async () => {
    await start();
    await honest.send('t', 'first');
    const frame = frameOf(Requests.SEND_MESSAGE_V2, sendHeader('t'), { body: Buffer.from('cut') });
    const step = TIMES > 1 ? 1 : 23;
    for (let at = 1; at < frame.length; at += step) {
      const client = await RawClient.connect(broker.brokerAddress);
      client.socket.write(frame.subarray(0, at));
      if (at % 2 === 0) client.socket.resetAndDestroy();
      else client.socket.end();
      await client.closed;
    }
    expect(await honest.maxOffset('t')).toBe(1);
  });

  it('announced with 16 MiB, of which nothing follows, cost no memory and end', async () => {
    await start();
    const count = 50 * TIMES;
    const head = Buffer.alloc(12);
    head.writeUInt32BE(16 * 1024 * 1024 - 4, 0);
    head.writeUInt32BE(100, 4);
    const resident = usedBuffers();
    const clients = await rawClients(count);
    for (const { socket } of clients) socket.write(head);
    await honest.maxOffset('t');
    // The clock is turned faster than many clients are accepted, and each has its own 30 s.
    await untilClosed(clients, 60_000 * TIMES);
    expect(usedBuffers() - resident).toBeLessThan(count * 256 * 1024);
  });
});

describe('connections', () => {
  it('beyond maxConnections are closed at once, the others stay, and one that ends makes room', async () => {
    const most = 100 * TIMES;
    await start({ maxConnections: most, firstFrameTimeout: 3_600_000 });
    const clients = await rawClients(most + 20);
    // One is the honest client's.
    const closed: Promise<unknown>[] = [];
    await new Promise<void>((resolve) => {
      let count = 0;
      for (const client of clients) {
        closed.push(client.closed);
        void client.closed.then(() => ++count === 21 && resolve());
      }
    });
    expect(clients.filter(({ socket }) => !socket.destroyed)).toHaveLength(most - 1);
    expect(await honest.send('t', 'a')).toBe(0);
    const kept = clients.filter(({ socket }) => !socket.destroyed);
    await kept[0]!.reset();
    await untilAsked('there is room', async () => {
      const another = connect({ ...addressIn(broker.brokerAddress)! }).on('error', () => undefined);
      another.write(frameOf(Requests.GET_MAX_OFFSET, { topic: 't', queueId: 0 }));
      // One that is closed at once may hear of it as an error.
      const answered = await Promise.race([
        once(another, 'data').then(
          () => true,
          () => false,
        ),
        new Promise<false>((resolve) => another.once('close', () => resolve(false))),
      ]);
      another.destroy();
      return answered;
    });
    for (const { socket } of kept) socket.destroy();
  });

  it(`that come and go, in every state of a client, leave nothing (seed ${SEED})`, async () => {
    await start();
    const random = new Random(SEED);
    await honest.send('t', 'a');
    const timers = clock.pending;
    const round = async (i: number): Promise<void> => {
      const client = await RawClient.connect(broker.brokerAddress);
      if (random.chance(0.7)) await client.join(`c${i}`, { producer: 'p', consumer: 'g' });
      if (random.chance(0.5)) client.socket.write(frameOf(Requests.PULL_MESSAGE, pullHeader('t', 1, HOLD_MS)));
      if (random.chance(0.5))
        client.socket.write(
          frameOf(Requests.POP_MESSAGE, popHeader('nobody', { pollTime: HOLD_MS, bornTime: clock.now() })),
        );
      if (random.chance(0.3)) client.socket.write(frameOf(Requests.SEND_MESSAGE_V2, sendHeader('t')).subarray(0, 50));
      if (random.chance(0.5)) await client.reset();
      else client.socket.destroy();
    };
    for (let i = 0; i < 100 * TIMES; i += 20) await Promise.all(Array.from({ length: 20 }, (_, j) => round(i + j)));
    await untilAsked('the group is empty', async () => (await members('g')) === 0);
    // Those of the group's own checks end with their next round.
    await clock.advance(60_000);
    await untilAsked(
      'no timer is left',
      async () => (await honest.maxOffset('t')) !== undefined && clock.pending <= timers + 1,
    );
  });
});

describe('pulls', () => {
  it('many of them that wait are all answered by one message, and leave nothing', async () => {
    await start();
    const [count, connections] = [100 * TIMES, 10];
    await honest.send('t', 'a');
    const clients = await rawClients(connections);
    for (const { socket } of clients)
      for (let opaque = 1; opaque <= count; opaque++)
        socket.write(frameOf(Requests.PULL_MESSAGE, pullHeader('t', 1, HOLD_MS), { opaque }));
    const timers = clock.pending;
    await untilAsked('they wait', async () => {
      await honest.maxOffset('t');
      return clock.pending >= timers + count * connections;
    });
    await honest.send('t', 'b');
    for (const client of clients) {
      const answers = await client.received(count);
      expect(answers.map(({ code }) => code)).toEqual(Array.from({ length: count }, () => 0));
      client.socket.destroy();
    }
  });
});

describe('clients that do not read', () => {
  it('make the broker hold no more than its limits, hold nobody else up, and are closed', async () => {
    await start({ maxTotalUnsentBytes: 8 * 1024 * 1024, maxUnsentBytes: 4 * 1024 * 1024 });
    const large = 'x'.repeat(1024 * 1024);
    for (let i = 0; i < 4; i++) await honest.send('large', large);
    const external = usedBuffers();
    const clients = await rawClients(5);
    for (const { socket } of clients) {
      socket.pause();
      for (let opaque = 0; opaque < 100; opaque++)
        socket.write(frameOf(Requests.PULL_MESSAGE, pullHeader('large', opaque % 4), { opaque }));
    }
    for (let i = 0; i < 20; i++) expect(await honest.send('t', 'a')).toBe(0);
    expect(usedBuffers() - external).toBeLessThan(32 * 1024 * 1024);
    await clock.advance(5_000);
    await honest.maxOffset('t');
    await clock.advance(60_000);
    for (const { socket } of clients) socket.resume();
    await Promise.all(clients.map(({ closed }) => closed));
    const { body } = await honest.ask(Requests.PULL_MESSAGE, pullHeader('large', 0));
    expect(decodeRecords(body)).toHaveLength(1);
  });
});

describe('a connection that is reset', () => {
  it('while its pull waits costs the message nothing: the next pull gets it', async () => {
    await start();
    await honest.send('t', 'a');
    const client = await RawClient.connect(broker.brokerAddress);
    await client.join('c', { consumer: 'raw_consumer' });
    client.socket.write(frameOf(Requests.PULL_MESSAGE, pullHeader('t', 1, HOLD_MS)));
    await untilAsked('it waits', async () => (await members('raw_consumer')) === 1);
    await client.reset();
    await honest.send('t', 'b');
    const { body } = await honest.ask(Requests.PULL_MESSAGE, pullHeader('t', 1));
    expect(decodeRecords(body).map((message) => message.body.toString())).toEqual(['b']);
  });

  it('while its pop waits, and with its popped messages in hand, gives them to the next one', async () => {
    await start();
    await honest.send('t', 'a');
    const [popper, waiting] = await rawClients(2);
    const popped = await popper!.ask(Requests.POP_MESSAGE, popHeader('t', { bornTime: clock.now() }));
    expect(popped.code).toBe(0);
    waiting!.socket.write(frameOf(Requests.POP_MESSAGE, popHeader('t', { bornTime: clock.now(), pollTime: HOLD_MS })));
    await Promise.all([popper!.reset(), waiting!.reset()]);
    const again = async (): Promise<string[]> => {
      const { body } = await honest.ask(Requests.POP_MESSAGE, popHeader('t', { bornTime: clock.now() }));
      return decodeRecords(body).map((message) => message.body.toString());
    };
    expect(await again()).toEqual([]);
    let got: string[] = [];
    for (let passed = 0; passed < 60 && got.length === 0; passed++) {
      await clock.advance(1_000);
      got = await again();
    }
    expect(got).toEqual(['a']);
  });

  it('while it is asked about a transaction has another producer of its group asked', async () => {
    await start({ transactionTimeOut: 1_000, transactionCheckInterval: 5_000 });
    const [client, other] = await rawClients(2);
    await client!.join('c', { producer: 'raw_producer' });
    await client!.ask(
      Requests.SEND_MESSAGE_V2,
      sendHeader('t', { TRAN_MSG: 'true', PGROUP: 'raw_producer' }, HALF_PREPARED),
      Buffer.from('half'),
    );
    await clock.advance(6_000);
    const asked = (await client!.received(3))[2]!;
    expect(asked.code).toBe(Requests.CHECK_TRANSACTION_STATE.code);
    await client!.reset();
    await other!.join('d', { producer: 'raw_producer' });
    const check = () => other!.frames.find(({ code }) => code === Requests.CHECK_TRANSACTION_STATE.code);
    for (let passed = 0; passed < 60_000 && !check(); passed += 5_000) {
      await clock.advance(5_000);
      await Promise.all([honest.maxOffset('t'), other!.join('d', { producer: 'raw_producer' })]);
    }
    const { extFields } = check()!;
    other!.socket.write(
      frameOf(Requests.END_TRANSACTION, {
        producerGroup: 'raw_producer',
        tranStateTableOffset: Number(extFields['tranStateTableOffset']),
        commitLogOffset: Number(extFields['commitLogOffset']),
        commitOrRollback: 8,
        fromTransactionCheck: true,
        msgId: 'k',
      }),
    );
    await untilAsked('it is committed', async () => (await honest.maxOffset('t')) === 1);
    other!.socket.destroy();
  });

  it('while a reply is on its way tells the replier that the requester is gone', async () => {
    await start();
    const client = await RawClient.connect(broker.brokerAddress);
    await client.join('asker', { producer: 'raw_producer' });
    const i = encodeProperties(
      Object.entries({ UNIQ_KEY: 'r', MSG_TYPE: 'reply', CORRELATION_ID: 'x', REPLY_TO_CLIENT: 'asker', TTL: '3000' }),
    );
    const replying = honest.ask(
      Requests.SEND_REPLY_MESSAGE_V2,
      { ...sendHeader('DefaultCluster_REPLY_TOPIC'), i },
      Buffer.from('reply'),
    );
    const [, push] = await client.received(2);
    expect(push!.code).toBe(Requests.PUSH_REPLY_MESSAGE_TO_CLIENT.code);
    await client.reset();
    expect((await replying).remark).toMatch(/push reply message to asker/);
  });
});
