// Tests a broker that stands still under load: its process is paused, or the application that embeds it blocks their event
// loop. PAUSE_MS and BLOCK_MS set how long. Needs the build.
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { RequestTimeoutError, Requests, encodeProperties } from '@nest-rocketmq/remoting/internal';
import { RocketMQClient } from '@nest-rocketmq/client';
import type { Producer } from '@nest-rocketmq/client';
import { startChild } from '../interop/harness/children.js';
import { cleanUp } from '../interop/harness/clean-up.js';
import { temporaryFolder } from '../interop/harness/temporary.js';
import { BrokerProcess } from './broker-process.js';
import { Load, NONE, pull, readBack, sendOne } from './load.js';

const pauseMs = Number(process.env['PAUSE_MS'] ?? 1_000);
const blockMs = Number(process.env['BLOCK_MS'] ?? 2_000);
const PRODUCERS = 2;
/** So few that a slow machine answers each of them long before its timeout while it is not standing still. */
const DEPTH = 32;
/** Shorter than the shortest standstill. */
const TIMEOUT_MS = 500;
const ENOUGH = 500;
const TOPIC = 'orders';
const PATIENCE_MS = 30_000;

jest.setTimeout(300_000 + 2 * (pauseMs + blockMs));
const clients: RocketMQClient[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.shutdown()));
  await cleanUp();
});

/** Resolves when nothing is in flight any more. */
async function send(broker: BrokerProcess, load: Load, timeout?: number): Promise<void> {
  const connections = await Promise.all(Array.from({ length: PRODUCERS }, () => broker.connect()));
  await Promise.all(connections.map((connection) => load.send({ connection, depth: DEPTH, timeout })));
}

/** An application that sends and consumes, and is not told that anything is wrong. */
class Application {
  readonly #bodies = new Set<string>();
  readonly #waiting = new Map<string, () => void>();

  private constructor(readonly producer: Producer) {}

  static async start(nameServer: string): Promise<Application> {
    const client = new RocketMQClient({ nameServer });
    clients.push(client);
    const producer = client.createProducer({ group: 'p', sendMsgTimeout: TIMEOUT_MS });
    const application = new Application(producer);
    await client.start();
    await client.admin.createTopic({ topic: TOPIC, queues: 1 });
    const consumer = client.createPushConsumer({
      group: 'c',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      subscriptions: [{ topic: TOPIC }],
      listener: (messages) => application.#consumed(messages.map(({ body }) => body.toString())),
    });
    await producer.start();
    await consumer.start();
    return application;
  }

  consumed(body: string): Promise<void> {
    if (this.#bodies.has(body)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(body, resolve));
  }

  #consumed(bodies: string[]): void {
    for (const body of bodies) {
      this.#bodies.add(body);
      this.#waiting.get(body)?.();
    }
  }
}

interface Standstill {
  /** Resolves when the broker stands. */
  begin: () => Promise<unknown>;
  end: () => Promise<unknown>;
}

/** What clients and messages go through, however it comes about. */
async function survives(broker: BrokerProcess, { begin, end }: Standstill): Promise<void> {
  const application = await Application.start(broker.nameServer);
  await application.producer.send({ topic: TOPIC, body: 'before' }, { timeout: PATIENCE_MS });
  await application.consumed('before');
  const load = new Load();
  const other = await broker.connect();
  const due = { topic: 'delayed', properties: encodeProperties([['DELAY', '1']]), timeout: PATIENCE_MS };
  await sendOne(other, 'due', due);
  const enough = load.untilAcknowledged(ENOUGH).then(() => true);
  let sending = send(broker, load, TIMEOUT_MS);
  // On a busy machine every hand may run into its timeout before.
  while (!(await Promise.race([enough, sending.then(() => false)]))) sending = send(broker, load, TIMEOUT_MS);
  await begin();
  // Every hand runs into its timeout, and so does the application, while the broker still stands.
  await Promise.all([
    sending,
    expect(application.producer.send({ topic: TOPIC, body: 'in between' })).rejects.toThrow(),
  ]);
  const before = load.acknowledged.size;
  await end();
  const goingOn = send(broker, load);
  await load.untilAcknowledged(before + ENOUGH);
  load.stop();
  await goingOn;
  expect(load.compare(await readBack(await broker.connect()))).toEqual(NONE);
  await application.producer.send({ topic: TOPIC, body: 'after' }, { timeout: PATIENCE_MS });
  await application.consumed('after');
  const { body } = await pull(await broker.connect(), { topic: 'delayed', offset: 0, suspend: PATIENCE_MS });
  expect(body.includes('due')).toBe(true);
}

describe('a broker that stands still under load', () => {
  it(`for ${pauseMs} ms (SIGSTOP, SIGCONT) keeps what it acknowledged, and clients go on afterwards`, async () => {
    const broker = await BrokerProcess.start({ store: join(temporaryFolder('stop'), 'store') });
    const watch = await broker.connect();
    let paused: Promise<unknown> = Promise.resolve();
    await survives(broker, {
      begin: async () => {
        broker.signal('SIGSTOP');
        paused = expect(watch.request(Requests.GET_BROKER_RUNTIME_INFO, {}, { timeout: pauseMs })).rejects.toThrow(
          RequestTimeoutError,
        );
      },
      end: async () => {
        await paused;
        broker.signal('SIGCONT');
      },
    });
    expect((await broker.stop()).code).toBe(0);
  });

  it(`for ${blockMs} ms by its host’s busy loop keeps what it acknowledged, and clients go on afterwards`, async () => {
    const store = join(temporaryFolder('block'), 'store');
    const args = [join(import.meta.dirname, 'blocked-host.mjs'), store, String(blockMs)];
    const host = await BrokerProcess.of(startChild('the host', process.execPath, args, { env: { NODE_OPTIONS: '' } }));
    await survives(host, {
      begin: () => {
        host.signal('SIGUSR2');
        return host.child.line(/^blocked$/, PATIENCE_MS);
      },
      end: () => host.child.line(/^free$/, PATIENCE_MS + blockMs),
    });
    expect((await host.stop()).code).toBe(0);
  });
});
