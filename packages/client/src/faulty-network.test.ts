// Tests each operation of a client under each fault of the network: it ends in time, loses nothing, and leaves nothing behind.
import { afterEach, expect, it } from '@jest/globals';
import { Requests, ResponseCode, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { FAULTS, FaultyDial } from '../test-kit/faulty-dial.js';
import type { Fault } from '../test-kit/faulty-dial.js';
import { FakeCluster, NAME_SERVER } from '../test-kit/fake-cluster.js';
import { RocketMQClient } from './client.js';

const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
/** Runs of each operation under each fault. */
const RUNS = Number(process.env['FAULT_RUNS'] ?? 1);
/** After this, whatever was asked has ended: it is beyond each time-out, a held pull's and its pause included. */
const ALL_ENDED_MS = 120_000;
const STEP_MS = 5_000;

/** A linear congruential generator. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

interface Stage {
  readonly cluster: FakeCluster;
  readonly client: RocketMQClient;
  /** Lets the fault befall the next requests with this code. */
  arm(code: number): void;
  /** Waits, on the manual clock, until it has settled. */
  settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>>;
  until(what: string, holds: () => boolean): Promise<void>;
}

const storedBodies = ({ cluster }: Stage): string[] => cluster.broker.stored.map(({ body }) => body.toString());

async function producing(stage: Stage) {
  const producer = stage.client.createProducer({ group: 'p', topics: ['t'] });
  await producer.start();
  return producer;
}

async function sending(stage: Stage): Promise<void> {
  const producer = await producing(stage);
  stage.arm(Requests.SEND_MESSAGE_V2.code);
  const bodies = ['a', 'b', 'c', 'd'];
  const sends = await Promise.all(
    bodies.map((body) => stage.settled(producer.send({ topic: 't', body }, { timeout: 3_000 }))),
  );
  const acknowledged = bodies.filter((_body, i) => sends[i]!.status === 'fulfilled');
  expect(storedBodies(stage)).toEqual(expect.arrayContaining(acknowledged));
}

async function batching(stage: Stage): Promise<void> {
  const producer = await producing(stage);
  stage.arm(Requests.SEND_BATCH_MESSAGE.code);
  const sent = await stage.settled(producer.sendBatch(['a', 'b'].map((body) => ({ topic: 't', body }))));
  if (sent.status === 'fulfilled') expect(storedBodies(stage)).toEqual(expect.arrayContaining(['a', 'b']));
}

async function oneWay(stage: Stage): Promise<void> {
  const producer = await producing(stage);
  stage.arm(Requests.SEND_MESSAGE_V2.code);
  await stage.settled(producer.sendOneway({ topic: 't', body: 'a' }));
  // One that waits on the same dead connection is told so; the next finds a new one. The fault befalls three at most.
  for (let tries = 0; tries < 4 && !storedBodies(stage).includes('b'); tries++) {
    await stage.settled(producer.send({ topic: 't', body: 'b' }));
  }
  expect(storedBodies(stage)).toContain('b');
}

async function inTransaction(stage: Stage): Promise<void> {
  let ran = 0;
  const transactionListener = {
    executeLocalTransaction: () => {
      ran++;
      return 'COMMIT_MESSAGE' as const;
    },
    checkLocalTransaction: () => 'COMMIT_MESSAGE' as const,
  };
  const producer = stage.client.createProducer({ group: 'p', topics: ['t'], transactionListener });
  await producer.start();
  stage.arm(Requests.SEND_MESSAGE_V2.code);
  const sent = await stage.settled(producer.sendMessageInTransaction({ topic: 't', body: 'a' }));
  // The local transaction runs where the half message was acknowledged, and nowhere else.
  expect(ran).toBe(sent.status === 'fulfilled' ? 1 : 0);
  if (ran === 1) expect(storedBodies(stage)).toContain('a');
}

async function asking(stage: Stage): Promise<void> {
  const producer = await producing(stage);
  stage.arm(Requests.SEND_MESSAGE_V2.code);
  const asked = await stage.settled(producer.request({ topic: 't', body: 'a' }, { timeout: 3_000 }));
  // Nobody answers.
  expect(asked.status).toBe('rejected');
  expect(stage.client.requestCounts).toMatchObject({ pending: 0 });
}

const SOME = ['0', '1', '2', '3', '4', '5', '6', '7'];

function pushing(consumeMode: 'CONCURRENTLY' | 'ORDERLY') {
  return async (stage: Stage): Promise<void> => {
    const got: string[] = [];
    const listener = (messages: MessageExt[]): void => void got.push(...messages.map(({ body }) => body.toString()));
    const subscriptions = [{ topic: 't' }];
    const consumer = stage.client.createPushConsumer({ group: 'c', subscriptions, consumeMode, listener });
    const before = SOME.slice(0, 3);
    for (const body of before) stage.cluster.broker.put('t', 0, body);
    stage.cluster.broker.offsets.set('c@t@0', 0);
    stage.arm(Requests.PULL_MESSAGE.code);
    await consumer.start();
    await stage.until('the first are there', () => before.every((body) => got.includes(body)));
    for (const body of SOME.slice(3)) stage.cluster.broker.put('t', 0, body);
    await stage.until('all are there', () => SOME.every((body) => got.includes(body)));
    // The place in the queue outlives a connection: a fault repeats the pull, not the listener's call.
    expect(consumeMode === 'ORDERLY' ? got : [...got].sort()).toEqual(SOME);
  };
}

async function polling(stage: Stage): Promise<void> {
  const consumer = stage.client.createLitePullConsumer({
    group: 'l',
    subscriptions: [{ topic: 't' }],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  });
  for (const body of SOME) stage.cluster.broker.put('t', 0, body);
  stage.arm(Requests.LITE_PULL_MESSAGE.code);
  await consumer.start();
  const got: string[] = [];
  for (let turn = 0; turn < ALL_ENDED_MS / STEP_MS && got.length < SOME.length; turn++) {
    const polled = await stage.settled(consumer.poll({ timeout: STEP_MS }));
    if (polled.status === 'fulfilled') got.push(...polled.value.map(({ body }) => body.toString()));
  }
  expect(got).toEqual(SOME);
}

async function administering(stage: Stage): Promise<void> {
  stage.cluster.broker.put('t', 0, 'a');
  await stage.client.start();
  await stage.client.admin.topicRoute('t');
  stage.arm(Requests.GET_MAX_OFFSET.code);
  const queue = { topic: 't', brokerName: 'broker-a', queueId: 0 };
  const asked = await stage.settled(stage.client.admin.maxOffset(queue));
  if (asked.status === 'fulfilled') expect(asked.value).toBe(1);
}

const OPERATIONS: readonly [string, (stage: Stage) => Promise<void>][] = [
  ['send', sending],
  ['sendBatch', batching],
  ['sendOneway', oneWay],
  ['sendMessageInTransaction', inTransaction],
  ['request', asking],
  ['a push consumer', pushing('CONCURRENTLY')],
  ['an orderly consumer', pushing('ORDERLY')],
  ['a lite pull consumer', polling],
  ['admin', administering],
];

let unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
process.on('unhandledRejection', note);
afterEach(() => {
  const found = unhandled;
  unhandled = [];
  expect(found).toEqual([]);
});

async function run(operation: (stage: Stage) => Promise<void>, fault: Fault, seed: number): Promise<void> {
  const random = randomOf(seed);
  const cluster = new FakeCluster({ topics: { t: 1 } });
  const { clock } = cluster;
  const faulty = new FaultyDial(cluster.dial, clock, random);
  const client = new RocketMQClient({ nameServer: NAME_SERVER, dial: faulty.dial, clock, logger: silentLogger });
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    for (let passed = 0; !holds(); passed += STEP_MS) {
      if (passed >= ALL_ENDED_MS) throw new Error(`waited ${ALL_ENDED_MS} ms: ${what}`);
      await clock.advance(STEP_MS);
    }
  };
  const times = 1 + Math.floor(random() * 3);
  await operation({
    cluster,
    client,
    arm: (code) => faulty.arm(fault, code, times),
    async settled(promise) {
      let result: PromiseSettledResult<Awaited<typeof promise>> | undefined;
      void Promise.allSettled([promise]).then(([one]) => (result = one));
      await until('it ends', () => result !== undefined);
      return result!;
    },
    until,
  });
  expect(faulty.done).toBeGreaterThan(0);
  let down = false;
  void client.shutdown().then(() => (down = true));
  await until('shutdown', () => down);
  expect(faulty.open).toBe(0);
  faulty.close();
  await cluster.close();
  expect(clock.pending).toBe(0);
}

it.each(OPERATIONS.flatMap(([name, operation]) => FAULTS.map((fault) => ({ name, operation, fault }))))(
  `$name, with $fault: ends in time, loses nothing, leaves nothing (seed ${SEED})`,
  async ({ operation, fault }) => {
    for (let i = 0; i < RUNS; i++) await run(operation, fault, SEED + i);
  },
);

it('an answer without its offset is an error, and not offset 0', async () => {
  const cluster = new FakeCluster({ topics: { t: 1 } });
  const client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  cluster.broker.put('t', 0, 'a');
  await client.start();
  await client.admin.topicRoute('t');
  cluster.broker.next('GET_MAX_OFFSET', () => ({ header: {} as { offset: number } }));
  const queue = { topic: 't', brokerName: 'broker-a', queueId: 0 };
  await expect(client.admin.maxOffset(queue)).rejects.toThrow(/GET_MAX_OFFSET without the field offset/);
  await client.shutdown();
  await cluster.close();
});

it.each(['QUERY_CONSUMER_OFFSET', 'PULL_MESSAGE'] as const)(
  'a consumer skips and repeats nothing where an answer to %s lacks its offset',
  async (name) => {
    const cluster = new FakeCluster({ topics: { t: 1 } });
    const { broker, clock } = cluster;
    const client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock, logger: silentLogger });
    for (const body of SOME) broker.put('t', 0, body);
    broker.offsets.set('c@t@0', 2);
    const lacking = { header: {} as never, body: broker.queue('t', 0)[2]! };
    broker.next(name, () => lacking);
    const got: string[] = [];
    const listener = (messages: MessageExt[]): void => void got.push(...messages.map(({ body }) => body.toString()));
    const consumer = client.createPushConsumer({ group: 'c', subscriptions: [{ topic: 't' }], listener });
    await consumer.start();
    await clock.advance(ALL_ENDED_MS);
    expect(got.toSorted()).toEqual(SOME.slice(2));
    await client.shutdown();
    await cluster.close();
    expect(clock.pending).toBe(0);
  },
);

it('a consumer begins at the end of a queue whose master is gone, as its replica says', async () => {
  const cluster = new FakeCluster({ topics: { t: 1, '%RETRY%c': 1 } });
  const { broker, clock } = cluster;
  const routeOf = cluster.routeOf.bind(cluster);
  cluster.routeOf = (topic) => {
    const route = routeOf(topic);
    return (
      route && {
        ...route,
        brokerDatas: route.brokerDatas.map((data) => ({ ...data, brokerAddrs: new Map([[1, broker.address]]) })),
      }
    );
  };
  const client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock, logger: silentLogger });
  broker.put('t', 0, 'old');
  broker.next('QUERY_CONSUMER_OFFSET', () => ({ code: ResponseCode.QUERY_NOT_FOUND }));
  broker.next('QUERY_CONSUMER_OFFSET', () => ({ code: ResponseCode.QUERY_NOT_FOUND }));
  const got: string[] = [];
  const listener = (messages: MessageExt[]): void => void got.push(...messages.map(({ body }) => body.toString()));
  const consumer = client.createPushConsumer({ group: 'c', subscriptions: [{ topic: 't' }], listener });
  await consumer.start();
  await clock.advance(STEP_MS);
  broker.put('t', 0, 'new');
  await clock.advance(STEP_MS);
  expect(got).toEqual(['new']);
  await client.shutdown();
  await cluster.close();
  expect(clock.pending).toBe(0);
});
