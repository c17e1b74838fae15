import { InvalidOptionError, ResponseCode } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeCluster, NAME_SERVER } from '../test-kit/fake-cluster.js';
import { RocketMQClient } from './client.js';
import { GroupInUseError, NameServerUnreachableError } from './errors.js';
import type { ClientOptions } from './config/options.js';

const FIRST = 'CONSUME_FROM_FIRST_OFFSET' as const;

let cluster: FakeCluster;
let client: RocketMQClient;

function clientOn(fake: FakeCluster, options: Partial<ClientOptions> = {}): RocketMQClient {
  cluster = fake;
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock, ...options });
  return client;
}

afterEach(async () => {
  await client?.shutdown();
  await cluster?.close();
  if (cluster) expect(cluster.clock.pending).toBe(0);
});

describe('a client', () => {
  it('whose name servers are all down says so, with their addresses', async () => {
    clientOn(new FakeCluster({ nameServers: ['a:1', 'b:2'] }), { nameServer: 'a:1;b:2' });
    cluster.down.add('a:1').add('b:2');
    const starting = client.start().catch((thrown: unknown) => thrown);
    await cluster.clock.advance(3_000);
    const error = await starting;
    expect(error).toBeInstanceOf(NameServerUnreachableError);
    expect(String(error)).toMatch(/a:1, b:2/);
  });

  it('starts when a name server comes up within 2 s, and dials it ever less often meanwhile', async () => {
    clientOn(new FakeCluster());
    cluster.down.add(NAME_SERVER);
    const starting = client.start();
    await cluster.clock.advance(2_000);
    expect(cluster.dialled.length).toBeLessThan(10);
    cluster.bringUp(NAME_SERVER);
    await cluster.clock.advance(900);
    await starting;
  });

  it('that is shut down while it looks for a name server ends at once', async () => {
    clientOn(new FakeCluster());
    cluster.down.add(NAME_SERVER);
    const starting = client.start().catch((thrown: unknown) => thrown);
    await cluster.clock.advance(100);
    await client.shutdown();
    expect(await starting).toBeInstanceOf(NameServerUnreachableError);
  });

  it('that is shut down while a name server says nothing ends at once', async () => {
    clientOn(new FakeCluster());
    cluster.hung.add(NAME_SERVER);
    const starting = client.start().catch((thrown: unknown) => thrown);
    await cluster.clock.advance(100);
    await client.shutdown();
    expect(await starting).toBeInstanceOf(NameServerUnreachableError);
    expect(cluster.clock.pending).toBe(0);
  });

  it('that is shut down while it dials a name server ends at once', async () => {
    clientOn(new FakeCluster());
    cluster.undialled.add(NAME_SERVER);
    const starting = client.start().catch((thrown: unknown) => thrown);
    await cluster.clock.advance(100);
    await client.shutdown();
    expect(await starting).toBeInstanceOf(NameServerUnreachableError);
    expect(cluster.clock.pending).toBe(0);
  });

  it('does not wait for ever for a name server that takes the connection and says nothing', async () => {
    clientOn(new FakeCluster());
    cluster.hung.add(NAME_SERVER);
    const starting = client.start().catch((thrown: unknown) => thrown);
    await cluster.clock.advance(3_000);
    expect(await starting).toBeInstanceOf(NameServerUnreachableError);
  });

  it('asks the next name server when one is down, and stays with the one that answers', async () => {
    clientOn(new FakeCluster({ nameServers: ['a:1', 'b:2'] }), { nameServer: 'a:1;b:2' });
    cluster.down.add('a:1');
    await client.start();
    const dialled = cluster.dialled.length;
    await client.admin.topicRoute('TBW102');
    expect(cluster.dialled.at(-1)).toBe('b:2');
    expect(cluster.dialled.length).toBe(dialled);
  });

  it('that could not start can be started again', async () => {
    clientOn(new FakeCluster());
    cluster.down.add(NAME_SERVER);
    const failing = expect(client.start()).rejects.toThrow(NameServerUnreachableError);
    await cluster.clock.advance(3_000);
    await failing;
    cluster.bringUp(NAME_SERVER);
    await expect(client.start()).resolves.toBeUndefined();
  });

  it('asks for its topics again every 30 s, and keeps what it knows when the name server has forgotten', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    const producer = clientOn(fake).createProducer({ group: 'p' });
    await producer.start();
    await producer.send({ topic: 't', body: 'x' });
    cluster.routeRequests.length = 0;
    cluster.topics.delete('t');
    await cluster.clock.advance(30_000);
    expect(cluster.routeRequests).toContain('t');
    cluster.topics.set('t', 1);
    await expect(producer.send({ topic: 't', body: 'x' })).resolves.toMatchObject({ sendStatus: 'SEND_OK' });
  });

  it('tells brokers of its groups every 30 s', async () => {
    const producer = clientOn(new FakeCluster({ topics: { t: 1 } })).createProducer({ group: 'p', topics: ['t'] });
    await producer.start();
    const before = cluster.broker.heartbeats.length;
    await cluster.clock.advance(60_000);
    expect(cluster.broker.heartbeats.length).toBe(before + 2);
    expect(cluster.broker.heartbeats.at(-1)).toMatchObject({ clientID: client.clientId, producerGroups: ['p'] });
  });

  it('has one producer and one consumer of each group', async () => {
    await clientOn(new FakeCluster()).createProducer({ group: 'p' }).start();
    await expect(client.createProducer({ group: 'p' }).start()).rejects.toThrow(GroupInUseError);
  });

  it('tells brokers when a group ends', async () => {
    const producer = clientOn(new FakeCluster({ topics: { t: 1 } })).createProducer({ group: 'p', topics: ['t'] });
    await producer.start();
    await producer.shutdown();
    expect(cluster.broker.requests('UNREGISTER_CLIENT')[0]!.header).toEqual({
      clientID: client.clientId,
      producerGroup: 'p',
    });
  });

  it.each(['push', 'lite pull'])('has a %s consumer that could not start, and can be started again', async (kind) => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    clientOn(fake);
    const got: string[] = [];
    const listener = (messages: MessageExt[]): void => void got.push(...messages.map(({ body }) => body.toString()));
    const options = { group: 'c', subscriptions: [{ topic: 't' }], consumeFromWhere: FIRST };
    const consumer =
      kind === 'push' ? client.createPushConsumer({ ...options, listener }) : client.createLitePullConsumer(options);
    fake.broker.put('t', 0, 'a');
    fake.answerRoutes((_nameServer, topic) => (topic === 't' ? { code: ResponseCode.SYSTEM_ERROR } : undefined));
    for (let tries = 0; tries < 2; tries++) {
      await expect(consumer.start()).rejects.toThrow(/code 1/);
      expect(fake.broker.requests('HEART_BEAT')).toEqual([]);
    }
    fake.answerRoutes(undefined);
    await consumer.start();
    if ('poll' in consumer) listener(await consumer.poll({ timeout: 1_000 }));
    await fake.clock.advance(1_000);
    expect(got).toEqual(['a']);
  });

  it('has a producer that could not start, and can be started again', async () => {
    const producer = clientOn(new FakeCluster({ topics: { t: 1 } })).createProducer({ group: 'p', topics: ['t'] });
    await client.start();
    cluster.takeDown(NAME_SERVER);
    await expect(producer.start()).rejects.toThrow(NameServerUnreachableError);
    cluster.bringUp(NAME_SERVER);
    await producer.start();
    await expect(producer.send({ topic: 't', body: 'x' })).resolves.toMatchObject({ sendStatus: 'SEND_OK' });
  });

  it('T179: signs every request when it has keys', async () => {
    clientOn(new FakeCluster({ topics: { t: 1 } }), { accessKey: 'me', secretKey: 'secret' });
    const producer = client.createProducer({ group: 'p' });
    await producer.start();
    await producer.send({ topic: 't', body: 'x' });
    for (const { extFields } of cluster.broker.received) {
      expect(extFields).toMatchObject({ AccessKey: 'me', Signature: expect.stringMatching(/^[\w+/]{27}=$/) });
    }
  });

  it('shares nothing with another one of the same process', async () => {
    const other = new FakeCluster({ topics: { t: 1 } });
    const second = new RocketMQClient({ nameServer: NAME_SERVER, dial: other.dial, clock: other.clock });
    const producer = second.createProducer({ group: 'p' });
    await producer.start();
    await clientOn(new FakeCluster({ topics: { t: 1 } }))
      .createProducer({ group: 'p' })
      .start();
    await producer.send({ topic: 't', body: 'x' });
    expect(second.clientId).not.toBe(client.clientId);
    expect(cluster.broker.stored).toEqual([]);
    await second.shutdown();
    await other.close();
  });

  it('can be shut down before it was started, and twice', async () => {
    clientOn(new FakeCluster());
    await client.shutdown();
    await client.shutdown();
    await expect(client.start()).rejects.toThrow(/shut down/);
  });
});

describe('administration', () => {
  it('creates a topic on every master', async () => {
    clientOn(new FakeCluster({ brokers: ['broker-a', 'broker-b'] }));
    await client.start();
    await client.admin.createTopic({ topic: 'made', queues: 3 });
    for (const broker of cluster.brokers) {
      expect(broker.requests('UPDATE_AND_CREATE_TOPIC')[0]!.header).toMatchObject({
        topic: 'made',
        writeQueueNums: 3,
        perm: 6,
      });
    }
    expect(await client.admin.fetchSubscribeMessageQueues('made')).toHaveLength(6);
  });

  it('creates a topic of one queue, on one broker of several, for messages that are to be in one order', async () => {
    clientOn(new FakeCluster({ brokers: ['broker-a', 'broker-b'] }));
    await client.start();
    await client.admin.createTopic({ topic: 'global', queues: 1, brokers: ['broker-b'] });
    const [first, second] = cluster.brokers;
    expect(first!.requests('UPDATE_AND_CREATE_TOPIC')).toEqual([]);
    expect(second!.requests('UPDATE_AND_CREATE_TOPIC')[0]!.header).toMatchObject({
      topic: 'global',
      readQueueNums: 1,
      writeQueueNums: 1,
    });
    await expect(client.admin.createTopic({ topic: 'x', brokers: ['broker-z'] })).rejects.toThrow(/broker-z/);
  });

  it('says that a topic does not exist', async () => {
    clientOn(new FakeCluster());
    await client.start();
    expect(await client.admin.topicRoute('none')).toBeUndefined();
    await expect(client.admin.fetchSubscribeMessageQueues('none')).rejects.toThrow(/topic none/);
  });
});

describe('a wrong option', () => {
  it('T025: is to have no name server', () => {
    expect(() => new RocketMQClient({} as ClientOptions)).toThrow(/option nameServer is .*allowed: 'host:port'/);
    expect(() => new RocketMQClient({ nameServer: ' ; ' })).toThrow(InvalidOptionError);
  });

  it.each([
    ['nameServer', { nameServer: '' }],
    ['nameServer', { nameServer: 'localhost' }],
    ['nameServer', { nameServer: 'localhost:99999' }],
    ['heartbeatBrokerInterval', { heartbeatBrokerInterval: 0 }],
    ['maxPendingRequests', { maxPendingRequests: 0 }],
    ['serializeType', { serializeType: 'xml' as never }],
    ['secretKey', { accessKey: 'a' }],
  ])('%s is named, with what was given and what is allowed', (option, options) => {
    const making = (): RocketMQClient => new RocketMQClient({ nameServer: 'a:1', ...options });
    expect(making).toThrow(InvalidOptionError);
    expect(making).toThrow(new RegExp(`option ${option} is .*allowed: `));
  });

  it.each([
    ['group', { group: '' }],
    ['group', { group: 'DEFAULT_CONSUMER' }],
    ['subscriptions', { subscriptions: [] }],
    ['listener', { listener: undefined as never }],
    ['pullBatchSize', { pullBatchSize: 1025 }],
    ['consumeConcurrency', { consumeConcurrency: 0 }],
    ['messageModel', { messageModel: 'ALL' as never }],
    ['expression', { subscriptions: [{ topic: 't', expression: '|| ||' }] }],
  ])('%s of a consumer is named', (option, options) => {
    const one = new RocketMQClient({ nameServer: 'a:1' });
    const good = { group: 'g', subscriptions: [{ topic: 't' }], listener: () => undefined };
    expect(() => one.createPushConsumer({ ...good, ...options })).toThrow(new RegExp(option));
  });

  it.each([
    ['sendMsgTimeout', { sendMsgTimeout: 0 }],
    ['sendMsgMaxTimeoutPerRequest', { sendMsgMaxTimeoutPerRequest: 0 }],
    ['compressLevel', { compressLevel: 10 }],
    ['maxMessageSize', { maxMessageSize: 1.5 }],
  ])('%s of a producer is named', (option, options) => {
    const one = new RocketMQClient({ nameServer: 'a:1' });
    expect(() => one.createProducer({ group: 'g', ...options })).toThrow(new RegExp(`option ${option} is `));
  });
});
