// Tests clients whose name servers are gone, slow, behind or wrong: they go on with what they know, and recover by themselves.
import { afterEach, describe, expect, it } from '@jest/globals';
import { ResponseCode, encodeRouteData, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { Answer, MessageExt, Requests } from '@nest-rocketmq/remoting/internal';
import { FakeCluster } from '../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../client.js';
import { NotNameServerError } from '../errors.js';

type RouteAnswer = Answer<typeof Requests.GET_ROUTEINFO_BY_TOPIC>;

const POLL_MS = 30_000;
const [A, B] = ['ns-a:9876', 'ns-b:9876'] as const;

let cluster: FakeCluster;
let client: RocketMQClient;
const got: string[] = [];
afterEach(async () => {
  got.length = 0;
  await client.shutdown();
  await cluster.close();
  expect(cluster.clock.pending).toBe(0);
});

/** Both name servers know the topic; the client asks the first one, and has a producer and a consumer that run. */
async function running(nameServers: string[] = [A, B]) {
  cluster = new FakeCluster({ topics: { t: 1 }, nameServers });
  const { clock, dial } = cluster;
  // The list begins where chance has it: with the first one, here.
  for (const other of nameServers.slice(1)) cluster.down.add(other);
  client = new RocketMQClient({ nameServer: nameServers.join(';'), dial, clock, logger: silentLogger });
  const producer = client.createProducer({ group: 'p', topics: ['t'] });
  await producer.start();
  const listener = (messages: MessageExt[]): void => void got.push(...messages.map(({ body }) => body.toString()));
  const consumer = client.createPushConsumer({
    group: 'c',
    subscriptions: [{ topic: 't' }],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    listener,
  });
  const starting = consumer.start();
  await clock.advance(1_000);
  await starting;
  for (const other of nameServers.slice(1)) cluster.bringUp(other);
  cluster.routeRequests.length = 0;
  return { producer, consumer };
}

/** The broker goes to another address, and the name servers in `where` know. */
function move(where: readonly string[]): void {
  const { broker } = cluster;
  cluster.takeDown(broker.address);
  const old = cluster.routeOf('t')!;
  const moved = 'broker-a:20911';
  cluster.alias(moved, broker);
  cluster.answerRoutes((address, topic) => {
    const route = topic === 't' ? old : cluster.routeOf(topic);
    if (!route) return undefined;
    const brokerDatas = route.brokerDatas.map((data) => ({
      ...data,
      brokerAddrs: new Map([[0, where.includes(address) ? moved : broker.address]]),
    }));
    return { body: encodeRouteData({ ...route, brokerDatas }, true) };
  });
}

const huge = (fields: object): Buffer =>
  Buffer.from(
    JSON.stringify({
      brokerDatas: [{ brokerName: 'broker-a', cluster: 'C', brokerAddrs: { 0: 'broker-a:10911' } }],
      queueDatas: [{ brokerName: 'broker-a', readQueueNums: 1, writeQueueNums: 1, perm: 6 }],
      ...fields,
    }),
  );

const WRONG: readonly [string, RouteAnswer][] = [
  ['with no JSON', { body: Buffer.from('{"brokerDatas":[') }],
  ['with a list', { body: Buffer.from('[]') }],
  ['with nothing', { body: Buffer.alloc(0) }],
  ['with an empty route', { body: encodeRouteData({ brokerDatas: [], queueDatas: [] }, true) }],
  ['with an object of something else', { body: Buffer.from('{"brokerDatas":7,"queueDatas":null}') }],
  ['with queues and no broker', { body: huge({ brokerDatas: [] }) }],
  ['with an error', { code: ResponseCode.SYSTEM_ERROR, remark: 'out of memory' }],
  ['that the topic does not exist', { code: ResponseCode.TOPIC_NOT_EXIST, remark: 'no route' }],
  [
    'with 2 ** 31 queues',
    {
      body: huge({
        queueDatas: [{ brokerName: 'broker-a', readQueueNums: 2 ** 31, writeQueueNums: 2 ** 31, perm: 6 }],
      }),
    },
  ],
  ['with 2 ** 31 queues in its order', { body: huge({ orderTopicConf: `broker-a:${2 ** 31}` }) }],
];

describe('a name server that answers', () => {
  it.each(WRONG)('%s leaves producers and consumers the last route', async (_how, answer) => {
    const { producer } = await running([A]);
    cluster.answerRoutes(() => answer);
    await cluster.clock.advance(3 * POLL_MS);
    expect(cluster.routeRequests).toContain('t');
    await producer.send({ topic: 't', body: 'a' });
    await cluster.clock.advance(1_000);
    expect(got).toEqual(['a']);
  });

  it.each(WRONG.slice(0, 3).concat(WRONG.slice(6, 7), WRONG.slice(8)))(
    '%s is passed over for one that knows',
    async (_how, answer) => {
      const { producer } = await running();
      // Nothing else is wrong: no failure makes the client turn to the other one by itself.
      cluster.answerRoutes((address, topic) => {
        const route = cluster.routeOf(topic);
        if (address === A) return answer;
        return route && { body: encodeRouteData(route, true) };
      });
      cluster.topics.set('u', 1);
      await producer.send({ topic: 'u', body: 'a' });
      expect(cluster.broker.stored).toHaveLength(1);
    },
  );

  it('wrongly at the start does not keep a client from starting and sending when it is well again', async () => {
    cluster = new FakeCluster({ topics: { t: 1 } });
    const { clock, dial } = cluster;
    cluster.answerRoutes(() => ({ body: Buffer.from('{') }));
    client = new RocketMQClient({ nameServer: A, dial, clock, logger: silentLogger });
    const producer = client.createProducer({ group: 'p' });
    await producer.start();
    await expect(producer.send({ topic: 't', body: 'a' })).rejects.toThrow();
    cluster.answerRoutes(undefined);
    await producer.send({ topic: 't', body: 'a' });
    expect(cluster.broker.stored).toHaveLength(1);
  });
});

describe('of two name servers', () => {
  it.each(['hangs', 'is gone', 'is dialled for ever'] as const)('one that %s holds nobody up for long', async (how) => {
    const { producer } = await running();
    if (how === 'hangs') cluster.silence(A);
    else cluster.takeDown(A);
    if (how === 'is dialled for ever') {
      cluster.down.delete(A);
      cluster.undialled.add(A);
    }
    move([B]);
    // One time-out of the name server, and the next one is asked.
    await cluster.clock.advance(POLL_MS + 3_000);
    await producer.send({ topic: 't', body: 'a' });
    expect(cluster.broker.stored).toHaveLength(1);
  });

  it('one that is behind is left for the other when its broker cannot be reached', async () => {
    const { producer } = await running();
    move([B]);
    const sent = producer.send({ topic: 't', body: 'a' }).catch((error: unknown) => error);
    await cluster.clock.advance(5_000);
    await sent;
    await producer.send({ topic: 't', body: 'b' });
    expect(cluster.broker.stored.map(({ body }) => body.toString())).toContain('b');
  });
});

describe('name servers that are all gone', () => {
  it('cost sends and messages nothing, are dialled ever less often, and are used again when they are back', async () => {
    const { producer } = await running();
    for (const address of [A, B]) cluster.takeDown(address);
    cluster.dialled.length = 0;
    for (let minutes = 1; minutes <= 10; minutes++) {
      await producer.send({ topic: 't', body: 'a' });
      await cluster.clock.advance(60_000);
    }
    expect(got).toHaveLength(10);
    // A refresh every 30 s, which tries for the 3 s of mqClientApiTimeout.
    expect(cluster.dialled.length).toBeLessThan(10 * 2 * 2 * 9);
    for (const address of [A, B]) cluster.bringUp(address);
    move([A, B]);
    await cluster.clock.advance(POLL_MS + 3_000);
    await producer.send({ topic: 't', body: 'b' });
    expect(cluster.broker.stored).toHaveLength(11);
  });
});

describe('a name server that is a broker', () => {
  const started = async (nameServer: string): Promise<void> => {
    cluster = new FakeCluster();
    const { clock, dial } = cluster;
    client = new RocketMQClient({ nameServer, dial, clock, logger: silentLogger });
    await client.start();
  };

  it('keeps the client from starting, and the error says which port is meant', async () => {
    const refused = started('broker-a:10911');
    await expect(refused).rejects.toThrow(NotNameServerError);
    await expect(refused).rejects.toThrow(/^broker-a:10911 answers, but is no name server: .* usually 9876/);
  });

  it('is passed over where there is another', async () => {
    await started(`broker-a:10911;${A}`);
    expect(cluster.routeRequests).toHaveLength(1);
  });
});
