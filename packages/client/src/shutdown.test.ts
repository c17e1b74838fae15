// Tests that whoever shuts a client, a producer or a consumer down a second time waits for the first, and what comes meanwhile.
import { afterEach, expect, it } from '@jest/globals';
import { Requests, silentLogger, sleep } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../test-kit/fake-cluster.js';
import { RocketMQClient } from './client.js';
import type { PushConsumer } from './consumer/push-consumer.js';

let cluster: FakeCluster;
let client: RocketMQClient;

const warnings: string[] = [];

function connect(): void {
  cluster = new FakeCluster({ topics: { t: 1 } });
  const { dial, clock } = cluster;
  warnings.length = 0;
  const logger = { ...silentLogger, warn: (line: string) => void warnings.push(line) };
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial, clock, logger });
}

/** A consumer whose listener has half a second to go. */
async function consumerAtWork(): Promise<PushConsumer> {
  const { broker, clock } = cluster;
  broker.put('t', 0, 'a');
  const consumer = client.createPushConsumer({
    group: 'g',
    subscriptions: [{ topic: 't' }],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    listener: () => sleep(clock, 1_000),
  });
  await consumer.start();
  await clock.advance(500);
  return consumer;
}

afterEach(async () => {
  await client.shutdown();
  await cluster.close();
  expect(cluster.clock.pending).toBe(0);
});

it('a client waits for a consumer that is being shut down already, and its last result counts', async () => {
  connect();
  const { broker, clock } = cluster;
  const consumer = await consumerAtWork();
  const first = consumer.shutdown();
  await clock.advance(0);
  const all = client.shutdown();
  const ended = Promise.all([first, all]);
  await clock.advance(1_000);
  await ended;
  expect(broker.offsets.get('g@t@0')).toBe(1);
});

it('a client waits for a producer that is being shut down already, and its send is answered', async () => {
  connect();
  const { broker, clock } = cluster;
  const producer = client.createProducer({ group: 'p', topics: ['t'] });
  await producer.start();
  broker.next('SEND_MESSAGE_V2', async ({ header }) => {
    await sleep(clock, 1_000);
    return { header: { msgId: '0'.repeat(32), queueId: header.e, queueOffset: 0 } };
  });
  const sent = producer.send({ topic: 't', body: 'a' }).then(
    () => 'stored',
    (error: unknown) => String(error),
  );
  await clock.advance(500);
  const first = producer.shutdown();
  const all = client.shutdown();
  const ended = Promise.all([first, all]);
  await clock.advance(1_000);
  await ended;
  expect(await sent).toBe('stored');
});

it('a second call resolves when the first has ended', async () => {
  connect();
  const { clock } = cluster;
  await consumerAtWork();
  const order: string[] = [];
  const first = client.shutdown().then(() => order.push('first'));
  const second = client.shutdown().then(() => order.push('second'));
  await clock.advance(0);
  expect(order).toEqual([]);
  await clock.advance(1_000);
  await Promise.all([first, second]);
  expect(order).toEqual(['first', 'second']);
});

it('listener calls that outlast it are warned of, or told to whoever asks', async () => {
  for (const onAbandoned of [undefined, (calls: number) => void warnings.push(`abandoned: ${calls}`)]) {
    connect();
    const consumer = await consumerAtWork();
    const stopping = consumer.shutdown({ deadline: 100, ...(onAbandoned && { onAbandoned }) });
    await cluster.clock.advance(100);
    await stopping;
    expect(warnings).toEqual([onAbandoned ? 'abandoned: 1' : expect.stringMatching(/^g: 1 listener calls outlast/)]);
    await cluster.clock.advance(1_000);
    await client.shutdown();
    await cluster.close();
  }
});

/** The broker asks how a transaction of the group has ended. */
function ask(): void {
  const properties = { UNIQ_KEY: 'ABC', PGROUP: 'p', TRAN_MSG: 'true', REAL_TOPIC: 't' };
  const body = cluster.broker.put('t', 0, 'half', { properties });
  const check = { tranStateTableOffset: 7, commitLogOffset: 1, msgId: 'ABC', transactionId: 'ABC', offsetMsgId: 'X' };
  cluster.broker.connection.oneway(Requests.CHECK_TRANSACTION_STATE, check, { body });
}

it.each([
  ['that is being shut down is silent', true, 0],
  ['that goes on warns', false, 1],
])('asked about a transaction of a producer that has just left, a client %s', async (_what, ofClient, count) => {
  connect();
  const producer = client.createProducer({ group: 'p', topics: ['t'] });
  await producer.start();
  cluster.broker.next('UNREGISTER_CLIENT', async () => {
    ask();
    await cluster.clock.advance(0);
    return {};
  });
  await (ofClient ? client : producer).shutdown();
  expect(warnings.filter((line) => line.includes('asks about transaction ABC'))).toHaveLength(count);
});
