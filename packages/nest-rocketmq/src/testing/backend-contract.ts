// Lists what every backend has to do, as cases for any test framework.
import { strict as assert } from 'node:assert';
import { Outcome } from '@nest-rocketmq/client';
import type { RocketMQBackend } from '../backends/backend.js';
import { backendInApp } from './backend-in-app.js';
import { BackendScene } from './backend-scene.js';
import type { ContractTest } from './idempotency-contract.js';

/** Options of `backendContract`. */
export interface BackendContractOptions {
  /** How long one step may take, real time, ms. A cluster needs up to 20 s to give a new group its queues. Default 60000. */
  patience?: number;
}

/** More than one read of a stream brings, bytes. */
const LARGE_BODY = 3 * 1024 * 1024;
const MANY = 500;
const KEYED = 20;
const DEFAULT_PATIENCE_MS = 60_000;

type Case = (scene: BackendScene) => Promise<void>;

const CASES: Readonly<Record<string, Case>> = {
  'has a name, and starts with name servers that can be dialled': async (scene) => {
    assert.ok(typeof scene.backend.name === 'string' && scene.backend.name !== '', 'name must not be empty');
    assert.match(scene.nameServer, /^[^;]+:\d+(;[^;]+:\d+)*$/, "start must resolve with 'host:port;host2:port'");
    await scene.client();
  },

  'refuses an address that nobody has, soon': async ({ backend, within }) => {
    const refused = backend.dial('127.0.0.1:1').then(
      (stream) => (stream.destroy(), false),
      () => true,
    );
    assert.ok(await within('the refusal', refused), 'dial must reject');
  },

  'brings a message as it was sent': async (scene) => {
    const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const topic = await scene.topic();
    const next = await scene.consume(topic);
    const producer = await scene.producer();
    const properties = { greeting: 'grüezi 你好', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    const sent = await producer.send({ topic, body, tags: 'TagA', keys: ['k1', 'k2'], properties });
    const message = await next();
    assert.deepEqual(message.body, body);
    assert.equal(message.msgId, sent.msgId);
    const given = Object.entries({ ...properties, TAGS: 'TagA', KEYS: 'k1 k2' });
    assert.deepEqual(
      given.map(([name]) => [name, message.properties.get(name)]),
      given,
    );
  },

  'brings a body of 3 MiB': async (scene) => {
    const body = Buffer.alloc(LARGE_BODY, 'large ');
    const topic = await scene.topic();
    const next = await scene.consume(topic);
    await (await scene.producer({ compressMsgBodyOverHowmuch: LARGE_BODY + 1 })).send({ topic, body });
    assert.ok((await next()).body.equals(body), 'the body must be the same');
  },

  'serves several clients at once, and answers each send': async (scene) => {
    const topic = await scene.topic();
    const next = await scene.consume(topic);
    const producers = [await scene.producer(), await scene.producer()];
    const texts = Array.from({ length: MANY }, (_, at) => `message ${at}`);
    const sends = texts.map((body, at) => producers[at % producers.length]!.send({ topic, body }));
    const results = await scene.within('the sends', Promise.all(sends));
    assert.equal(new Set(results.map(({ msgId }) => msgId)).size, MANY);
    const got: string[] = [];
    while (got.length < MANY) got.push((await next()).body.toString());
    assert.deepEqual(got.toSorted(), texts.toSorted());
  },

  'keeps the order of a key': async (scene) => {
    const topic = await scene.topic();
    const next = await scene.consume(topic, { consumeMode: 'ORDERLY' });
    const producer = await scene.producer();
    const texts = Array.from({ length: KEYED }, (_, at) => String(at));
    for (const body of texts) await producer.send({ topic, body }, { shardingKey: 'one' });
    const got: string[] = [];
    while (got.length < KEYED) got.push((await next()).body.toString());
    assert.deepEqual(got, texts);
  },

  'delivers a failed message again': async (scene) => {
    const topic = await scene.topic();
    let tries = 0;
    const next = await scene.consume(topic, {}, () => (++tries === 1 ? Outcome.retryLater({ level: 1 }) : Outcome.ack));
    await (await scene.producer()).send({ topic, body: 'x' });
    assert.equal((await next()).reconsumeTimes, 0);
    assert.equal((await next()).reconsumeTimes, 1);
  },

  'delivers of transactions only those that are committed': async (scene) => {
    const topic = await scene.topic();
    const next = await scene.consume(topic);
    const producer = await scene.producer();
    const kept = await producer.beginTransaction({ topic, body: 'kept' });
    const dropped = await producer.beginTransaction({ topic, body: 'dropped' });
    await dropped.rollback();
    await kept.commit();
    await producer.send({ topic, body: 'last' });
    assert.deepEqual([(await next()).body.toString(), (await next()).body.toString()].toSorted(), ['kept', 'last']);
  },

  'brings the reply to a request': async (scene) => {
    const topic = await scene.topic();
    const answering = await scene.producer();
    await scene.consume(
      topic,
      {},
      async (message) => void (await answering.replyTo(message, `re: ${message.body.toString()}`)),
    );
    const asking = (await scene.producer()).request({ topic, body: 'question' }, { timeout: scene.patience });
    assert.equal((await scene.within('the reply', asking)).body.toString(), 're: question');
  },

  'gives the queues of a consumer that has left to the others': async (scene) => {
    const topic = await scene.topic();
    const group = scene.unique('group');
    const leaver = await scene.consumer(topic, { group });
    const next = await scene.consume(topic, { group });
    await leaver.shutdown();
    const producer = await scene.producer();
    const got = new Set<string>();
    // To each queue one: some of them were the other consumer's.
    const queues = await producer.fetchPublishMessageQueues(topic);
    for (const messageQueue of queues) await producer.send({ topic, body: 'x' }, { messageQueue });
    while (got.size < queues.length) got.add((await next()).msgId);
  },
};

/**
 * What every backend has to do, for any test framework:
 * `for (const { name, run } of backendContract(() => new MyBackend())) test(name, run)`.
 * Each case starts a backend of its own, and stops it. Its time must pass: not on a manual clock. Where a cluster makes no topics by
 * itself, it must let the client make them.
 * @param create a backend that is not started; what several make may share a cluster: topics and groups are new ones each time
 */
export function backendContract(
  create: () => RocketMQBackend | Promise<RocketMQBackend>,
  { patience = DEFAULT_PATIENCE_MS }: BackendContractOptions = {},
): ContractTest[] {
  const cases = Object.entries(CASES).map(([name, check]) => ({
    name,
    run: async (): Promise<void> => {
      const scene = await BackendScene.open(await create(), patience);
      try {
        await check(scene);
      } finally {
        await scene.close();
      }
    },
  }));
  const inApp = 'runs a Nest app: started once, told that the app closes, and stopped after its last connection';
  return [...cases, { name: inApp, run: async () => backendInApp(await create(), patience) }];
}
