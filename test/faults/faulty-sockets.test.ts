// Tests our client on our broker over TCP, through a proxy that does to its requests what networks do, by the machine's
// clock with small time-outs: nothing acknowledged is lost, everybody goes on, and no socket or timer is left.
// FAULT_SEED plays a run again; FAULT_RUNS makes more of them.
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { startBroker } from '@nest-rocketmq/broker';
import type { Broker } from '@nest-rocketmq/broker';
import { RocketMQClient } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/client';
import { Requests, dialTcp, silentLogger, systemClock } from '@nest-rocketmq/remoting/internal';
import { Random } from '../crash/random.js';
import { ANSWER_FAULTS, FaultyLinks, REQUEST_FAULTS } from './faulty-links.js';
import type { Fault } from './faulty-links.js';
import { FaultyProxy } from './faulty-proxy.js';
import { Misdeeds, openSockets, openSocketsAbove, openTimers } from './leaks.js';

jest.setTimeout(600_000);
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
const FAULT_RUNS = Number(process.env['FAULT_RUNS'] ?? 1);
/** Of all faults. The fast run tries a few of them. */
const RUNS = Math.ceil(FAULT_RUNS / 30);
/** Of whatever a client asks, ms: beyond it the client takes a peer for gone. On a busy machine, answers take their time. */
const TIMEOUT_MS = 1_000;
const EVERY_MS = 400;
/** For all of it to have come about, on a busy machine. ms */
const PATIENCE_MS = 180_000;

let broker: Broker;
let misdeeds: Misdeeds;
beforeAll(async () => {
  broker = await startBroker({
    store: 'memory',
    logger: silentLogger,
    listen: '127.0.0.1:0',
    nameServerListen: '127.0.0.1:0',
  });
  misdeeds = new Misdeeds();
});
afterAll(async () => {
  await broker.stop();
  misdeeds.stop();
});

/** Resolves when it is so, which `tell` has looked at. */
class Watch {
  #waiting: { holds: () => boolean; resolve: () => void }[] = [];

  readonly tell = (): void => {
    for (const one of this.#waiting) if (one.holds()) one.resolve();
  };

  until(what: string, holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`waited ${PATIENCE_MS} ms: ${what}`)), PATIENCE_MS);
      this.#waiting.push({ holds, resolve: () => (clearTimeout(limit), resolve()) });
      this.tell();
    });
  }
}

/** A client all of whose connections go through proxies. */
class Faulty {
  readonly links: FaultyLinks;
  readonly client: RocketMQClient;
  readonly #proxies: FaultyProxy[];

  private constructor(links: FaultyLinks, proxies: [FaultyProxy, FaultyProxy]) {
    this.links = links;
    this.#proxies = proxies;
    const [nameServer, before] = proxies;
    this.client = new RocketMQClient({
      nameServer: nameServer.address,
      // The route names the broker itself.
      dial: (address, given) => dialTcp(address === broker.brokerAddress ? before.address : address, given),
      logger: silentLogger,
      connectTimeout: TIMEOUT_MS,
      mqClientApiTimeout: TIMEOUT_MS,
      heartbeatBrokerInterval: EVERY_MS,
      pollNameServerInterval: EVERY_MS,
      rebalanceInterval: EVERY_MS,
      persistConsumerOffsetInterval: EVERY_MS,
    });
  }

  static async open(random: Random): Promise<Faulty> {
    const links = new FaultyLinks({
      clock: systemClock,
      random,
      late: 2 * TIMEOUT_MS,
      announces: FAULT_RUNS > 1,
    });
    const before = [broker.nameServerAddress, broker.brokerAddress].map((target) => FaultyProxy.before(target, links));
    return new Faulty(links, (await Promise.all(before)) as [FaultyProxy, FaultyProxy]);
  }

  async close(): Promise<void> {
    await this.client.shutdown();
    this.links.close();
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
  }
}

type Name = keyof typeof Requests;

/** Repeats what may fail while the network is faulty, or the machine busy. */
async function trying(action: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    const failed = await action().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    if (!failed) return;
    if (tries === 10) throw failed.error;
  }
}

async function run(name: Name, fault: Fault, topic: string, random: Random): Promise<void> {
  const faulty = await Faulty.open(random);
  const { client, links } = faulty;
  const [watch, got] = [new Watch(), new Set<string>()];
  try {
    const producer = client.createProducer({ group: `${topic}_p`, sendMsgTimeout: 4 * TIMEOUT_MS });
    const consumer = client.createPushConsumer({
      group: `${topic}_c`,
      subscriptions: [{ topic }],
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      consumeMode: 'ORDERLY',
      listener: (messages: MessageExt[]) => {
        for (const { body } of messages) got.add(body.toString());
        watch.tell();
      },
    });
    await trying(() => producer.start());
    const acknowledged: string[] = [];
    const send = async (body: string): Promise<void> => {
      const sent = await producer.send({ topic, body }).catch(() => undefined);
      if (sent) acknowledged.push(body);
    };
    await send('0');
    links.arm(fault, Requests[name].code, 1);
    await trying(() => consumer.start());
    for (let i = 1; i <= 3; i++) await send(String(i));
    await watch.until(`${name} ${fault}: what was acknowledged arrives`, () =>
      acknowledged.every((body) => got.has(body)),
    );
    // Whatever has befallen it, the client goes on.
    for (let tries = 0; tries < 10 && !acknowledged.includes('last'); tries++) await send('last');
    await watch.until(`${name} ${fault}: the last arrives`, () => got.has('last'));
    expect([name, fault, links.done]).toEqual([name, fault, 1]);
  } finally {
    await faulty.close();
  }
}

/** A pull that is lost on a connection which is well otherwise is asked for again after 30 s: see faulty-groups. */
const SLOW: readonly [Name, Fault][] = [
  ['PULL_MESSAGE', 'is lost'],
  ['PULL_MESSAGE', 'gets no answer'],
];
const NAMES = ['SEND_MESSAGE_V2', 'PULL_MESSAGE', 'HEART_BEAT', 'LOCK_BATCH_MQ', 'GET_ROUTEINFO_BY_TOPIC'] as const;
const ALL = NAMES.flatMap((name) => [...REQUEST_FAULTS, ...ANSWER_FAULTS].map((fault) => ({ name, fault }))).filter(
  ({ name, fault }) => !SLOW.some(([slow, how]) => slow === name && how === fault),
);
/** So many run side by side. */
const BATCH = 12;

/** All of them in many runs, else some, which the seed chooses. */
function batches(random: Random): (typeof ALL)[] {
  const mixed = ALL.map((one) => ({ one, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
  const count = FAULT_RUNS === 1 ? 1 : Math.ceil(ALL.length / BATCH);
  return Array.from({ length: count }, (_, i) => mixed.slice(i * BATCH, (i + 1) * BATCH));
}

it(`over sockets, a client goes on whatever befalls a request, and leaves nothing (seed ${SEED})`, async () => {
  // The broker's own timers run from here on.
  await run('SEND_MESSAGE_V2', 'gets its answer byte by byte', 'first', new Random(SEED));
  const [sockets, timers] = [openSockets(), openTimers()];
  for (let i = 0; i < RUNS; i++) {
    for (const [j, batch] of batches(new Random(SEED + i)).entries()) {
      const runs = batch.map(({ name, fault }, k) => run(name, fault, `t_${i}_${j}_${k}`, new Random(SEED + i + k)));
      const done = await Promise.allSettled(runs);
      expect(done.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))).toEqual([]);
    }
  }
  expect(await openSocketsAbove(sockets)).toBe(0);
  expect(openTimers()).toBeLessThanOrEqual(timers + 1);
  expect(misdeeds.found).toEqual([]);
});
