import { afterEach, describe, expect, it } from '@jest/globals';
import { ResponseCode, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { Logger } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../client.js';
import type { PushConsumer } from '../consumer/push-consumer.js';
import type { Producer } from '../producer/producer.js';

let cluster: FakeCluster;
let client: RocketMQClient;
let log: string[];

const logger = (): Logger => {
  log = [];
  return {
    ...silentLogger,
    log: (line: string) => void log.push(line),
    warn: (line: string) => void log.push(line),
    error: (line: string) => void log.push(line),
  };
};

function clientOn(fake: FakeCluster): RocketMQClient {
  cluster = fake;
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock, logger: logger() });
  return client;
}

async function producing(topics: string[]): Promise<Producer> {
  const producer = clientOn(new FakeCluster({ topics: { t: 1 } })).createProducer({ group: 'p', topics });
  await producer.start();
  return producer;
}

afterEach(async () => {
  await client.shutdown();
  await cluster.close();
  expect(cluster.clock.pending).toBe(0);
});

describe('a heartbeat that failed', () => {
  it('leaves the connection ungreeted: it is repeated before a later request, and by itself', async () => {
    const producer = await producing([]);
    cluster.broker.next('HEART_BEAT', () => ({ code: ResponseCode.SYSTEM_ERROR, remark: 'not yet' }));
    await producer.send({ topic: 't', body: '1' });
    expect(cluster.broker.heartbeats).toHaveLength(0);
    await cluster.clock.advance(250);
    expect(cluster.broker.heartbeats).toHaveLength(1);
    expect(log.filter((line) => line.includes('does not take the heartbeat'))).toHaveLength(1);
  });

  it('comes again before a request, once a second has passed', async () => {
    const producer = await producing([]);
    for (let i = 0; i < 4; i++) cluster.broker.next('HEART_BEAT', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    await producer.send({ topic: 't', body: '1' });
    await cluster.clock.advance(2_800);
    expect(cluster.broker.heartbeats).toHaveLength(0);
    await producer.send({ topic: 't', body: '2' });
    expect(cluster.broker.heartbeats).toHaveLength(1);
    expect(cluster.broker.received.slice(-2).map(({ name }) => name)).toEqual(['HEART_BEAT', 'SEND_MESSAGE_V2']);
  });

  it('and has cost the connection is no failure of the send: that dials again, also for a queue of its own', async () => {
    const producer = await producing([]);
    cluster.broker.next('HEART_BEAT', () => {
      cluster.takeDown(cluster.broker.address);
      cluster.bringUp(cluster.broker.address);
      return undefined;
    });
    const messageQueue = { topic: 't', brokerName: 'broker-a', queueId: 0 };
    expect((await producer.send({ topic: 't', body: '1' }, { messageQueue })).sendStatus).toBe('SEND_OK');
    expect(cluster.broker.requests('SEND_MESSAGE_V2')).toHaveLength(1);
  });

  it('does not come with every request meanwhile', async () => {
    const producer = await producing([]);
    for (let i = 0; i < 3; i++) cluster.broker.next('HEART_BEAT', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    for (let i = 0; i < 20; i++) await producer.send({ topic: 't', body: '1' });
    expect(cluster.broker.requests('HEART_BEAT')).toHaveLength(1);
  });

  it('is repeated ever less often', async () => {
    await producing(['t']);
    for (let i = 0; i < 40; i++) cluster.broker.next('HEART_BEAT', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    await cluster.clock.advance(60_000);
    const before = cluster.broker.requests('HEART_BEAT').length;
    expect(before).toBeLessThan(12);
    await cluster.clock.advance(60_000);
    expect(cluster.broker.requests('HEART_BEAT').length - before).toBeLessThanOrEqual(5);
  });
});

describe('a heartbeat while another is under way', () => {
  /** The broker handles the next heartbeat when the function returned is called, as if its thread were slow. */
  const holdNext = (): (() => void) => {
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    cluster.broker.next('HEART_BEAT', () => held.then(() => ({})));
    return release;
  };
  const topicsTold = (): string[] =>
    cluster.broker.heartbeats
      .at(-1)!
      .consumers.flatMap(({ subscriptionDataSet }) => subscriptionDataSet.map(({ topic }) => topic));

  async function consuming(): Promise<PushConsumer> {
    clientOn(new FakeCluster({ topics: { t: 1, u: 1 } }));
    const consumer = client.createPushConsumer({
      group: 'g',
      subscriptions: [{ topic: 't' }],
      listener: () => undefined,
    });
    await consumer.start();
    return consumer;
  }

  it('waits for it, since brokers may handle two in any order, and says what is the case by then', async () => {
    const consumer = await consuming();
    const release = holdNext();
    await cluster.clock.advance(30_000);
    const before = cluster.broker.requests('HEART_BEAT').length;
    let done = 0;
    const changes = ['u', 'v'].map((topic) => consumer.subscribe({ topic }).then(() => done++));
    await cluster.clock.advance(0);
    expect([cluster.broker.requests('HEART_BEAT').length, done]).toEqual([before, 0]);
    release();
    await Promise.all(changes);
    expect(cluster.broker.requests('HEART_BEAT')).toHaveLength(before + 1);
    expect(topicsTold()).toEqual(expect.arrayContaining(['t', 'u', 'v']));
  });

  it('comes at once after one that is not answered', async () => {
    const consumer = await consuming();
    cluster.broker.next('HEART_BEAT', () => undefined as never);
    await cluster.clock.advance(30_000);
    const change = consumer.subscribe({ topic: 'u' });
    await cluster.clock.advance(3_000);
    await change;
    expect(topicsTold()).toContain('u');
  });

  it('holds back the word that a group leaves: it would be a member again', async () => {
    const consumer = await consuming();
    const release = holdNext();
    await cluster.clock.advance(30_000);
    const stopped = consumer.shutdown();
    await cluster.clock.advance(0);
    expect(cluster.broker.requests('UNREGISTER_CLIENT')).toEqual([]);
    release();
    await stopped;
    expect(cluster.broker.received.at(-1)!.name).toBe('UNREGISTER_CLIENT');
  });
});

describe("the broker's version", () => {
  it.each([
    [233, 'binary'],
    [121, 'json'],
  ])('%i, as its answer to a heartbeat has it, makes the headers of sends %s', async (version, serializeType) => {
    const producer = await producing([]);
    cluster.broker.version = version;
    await producer.send({ topic: 't', body: '1' });
    expect(cluster.broker.requests('SEND_MESSAGE_V2')[0]!.serializeType).toBe(serializeType);
  });
});

describe('a new connection', () => {
  it('after one that was lost is made and greeted by itself: the broker may want to ask how a transaction ended', async () => {
    await producing(['t']);
    cluster.takeDown(cluster.broker.address);
    await cluster.clock.advance(1_500);
    cluster.bringUp(cluster.broker.address);
    const before = cluster.broker.heartbeats.length;
    await cluster.clock.advance(2_000);
    expect(cluster.broker.heartbeats.length).toBeGreaterThan(before);
    expect(cluster.broker.heartbeats.at(-1)).toMatchObject({ producerGroups: ['p'] });
  });
});

describe('the log of an outage', () => {
  it('is one line with the address at a start without the broker, and one when it is there', async () => {
    clientOn(new FakeCluster({ topics: { t: 8, u: 8, v: 8 } }));
    cluster.topics.set('%RETRY%g', 1);
    cluster.down.add(cluster.broker.address);
    const consumer = client.createPushConsumer({
      group: 'g',
      subscriptions: [{ topic: 't' }, { topic: 'u' }, { topic: 'v' }],
      listener: () => undefined,
    });
    const starting = consumer.start();
    await cluster.clock.advance(20_000);
    await starting;
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(/cannot connect to broker-a:10911: connection refused.* tried again/);
    cluster.bringUp(cluster.broker.address);
    await cluster.clock.advance(30_000);
    expect(log.filter((line) => line.includes('broker-a:10911 answers again, after'))).toHaveLength(1);
    expect(log.filter((line) => line.includes('cannot'))).toHaveLength(1);
  });

  it('is one line and one at its end, for a broker with many queues', async () => {
    clientOn(new FakeCluster({ topics: { t: 8 } }));
    const subscriptions = [{ topic: 't' }];
    const consumer = client.createPushConsumer({ group: 'g', subscriptions, listener: () => undefined });
    await consumer.start();
    await cluster.until('pulls', () => cluster.broker.heldPulls === 9);
    log.length = 0;
    cluster.takeDown(cluster.broker.address);
    await cluster.clock.advance(40_000);
    expect(log).toHaveLength(1);
    cluster.bringUp(cluster.broker.address);
    await cluster.clock.advance(25_000);
    expect(log).toHaveLength(2);
    expect(log[1]).toMatch(/^broker-a:10911 answers again, after 4\d\.\d s$/);
  });

  it('is the same for name servers', async () => {
    await producing(['t']);
    cluster.takeDown(NAME_SERVER);
    await cluster.clock.advance(100_000);
    cluster.bringUp(NAME_SERVER);
    await cluster.clock.advance(31_000);
    expect(log).toHaveLength(2);
    expect(log[0]).toMatch(/no name server answers; asked ns-a:9876/);
    expect(log[1]).toMatch(/^name server ns-a:9876 answers again/);
  });

  it('says nothing of a client that closes', async () => {
    await producing(['t']);
    await client.shutdown();
    expect(log).toEqual([]);
  });
});
