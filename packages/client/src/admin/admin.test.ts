import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ConnectError,
  DecodeError,
  MQVersion,
  RequestTimeoutError,
  ResponseCode,
  ResponseError,
  encodeOffsetMsgId,
} from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../test-kit/fake-cluster.js';
import { ReplicatedCluster } from '../../test-kit/replicated.js';
import type { Admin } from './admin.js';
import { RocketMQClient } from '../client.js';
import { BrokerNotFoundError, TopicNotFoundError } from '../errors.js';

const MSG_ID = '7F0000010001D7A3E6B1000000000000';
const queue = { topic: 't', brokerName: 'broker-a', queueId: 1 };

let cluster: FakeCluster;
let client: RocketMQClient;
let admin: Admin;

beforeEach(async () => {
  cluster = new FakeCluster({ topics: { t: 2, u: 1 } });
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  await client.start();
  ({ admin } = client);
  await admin.fetchSubscribeMessageQueues('t');
});

afterEach(async () => {
  await client.shutdown();
  await cluster.close();
});

describe('T038, T176: administration', () => {
  it('asks for the set-up of a topic, but not a broker before 5.0, which might never answer', async () => {
    await expect(admin.topicConfigs('t')).resolves.toEqual([]);
    expect(cluster.broker.requests('GET_TOPIC_CONFIG')).toHaveLength(1);
    const old = new FakeCluster({ topics: { t: 1 } });
    old.broker.version = MQVersion.V4_9_0;
    const itsClient = new RocketMQClient({ nameServer: NAME_SERVER, dial: old.dial, clock: old.clock });
    await expect(itsClient.admin.topicConfigs('t')).resolves.toEqual([]);
    expect(old.broker.requests('GET_TOPIC_CONFIG')).toEqual([]);
    await itsClient.shutdown();
    await old.close();
  });

  it('names the queues of a topic', async () => {
    expect(await admin.fetchSubscribeMessageQueues('t')).toEqual([{ ...queue, queueId: 0 }, queue]);
    await expect(admin.fetchSubscribeMessageQueues('none')).rejects.toThrow(TopicNotFoundError);
  });

  it('asks the broker of a queue for its ends, for an offset by time, and for the time of its first message', async () => {
    expect(await admin.earliestMsgStoreTime(queue)).toBeUndefined();
    cluster.broker.put('t', 1, 'first');
    const storedAt = cluster.clock.now();
    await cluster.clock.advance(1_000);
    cluster.broker.put('t', 1, 'second');
    cluster.broker.minOffset = 0;
    expect(await admin.maxOffset(queue)).toBe(2);
    expect(await admin.minOffset(queue)).toBe(0);
    expect(await admin.earliestMsgStoreTime(queue)).toBe(storedAt);
    await admin.searchOffset(queue, storedAt);
    expect(cluster.broker.requests('SEARCH_OFFSET_BY_TIMESTAMP')[0]!.header).toMatchObject({
      topic: 't',
      queueId: 1,
      timestamp: storedAt,
      boundaryType: 'LOWER',
    });
  });

  it.each([
    [undefined, 6_000],
    [20_000, 20_000],
  ])(
    'waits for an answer as long as other small requests do, %s ms, and 6 s at least',
    async (mqClientApiTimeout, atMost) => {
      const { dial, clock, broker } = cluster;
      const asking = new RocketMQClient({ nameServer: NAME_SERVER, dial, clock, mqClientApiTimeout });
      await asking.start();
      broker.next('GET_MAX_OFFSET', () => undefined);
      let error: unknown;
      const asked = asking.admin.maxOffset(queue).catch((thrown: unknown) => (error = thrown));
      await clock.advance(atMost - 1);
      expect(error).toBeUndefined();
      await clock.advance(1);
      await asked;
      expect(error).toBeInstanceOf(RequestTimeoutError);
      await asking.shutdown();
    },
  );

  it('says that a queue is of a broker that it does not know, and asks nobody', async () => {
    const elsewhere = { ...queue, brokerName: 'broker-z' };
    for (const asking of [
      admin.maxOffset(elsewhere),
      admin.minOffset(elsewhere),
      admin.searchOffset(elsewhere, 0),
      admin.earliestMsgStoreTime(elsewhere),
      admin.consumerOffset('g', elsewhere),
    ]) {
      await expect(asking).rejects.toThrow(BrokerNotFoundError);
    }
    expect(cluster.broker.received).toEqual([]);
  });

  it('finds messages by key, and leaves out what only has the same hash', async () => {
    cluster.broker.put('t', 0, 'wanted', { properties: { KEYS: 'other k' } });
    cluster.broker.put('t', 0, 'other key', { properties: { KEYS: 'kk' } });
    cluster.broker.put('t', 0, 'no key');
    cluster.broker.put('u', 0, 'other topic', { properties: { KEYS: 'k' } });
    const found = await admin.queryMessage({ topic: 't', key: 'k', maxNum: 40, begin: 1, end: 2 });
    expect(found.map(({ body }) => body.toString())).toEqual(['wanted']);
    expect(cluster.broker.requests('QUERY_MESSAGE')[0]!.header).toMatchObject({
      topic: 't',
      key: 'k',
      maxNum: 40,
      beginTimestamp: 1,
      endTimestamp: 2,
      _UNIQUE_KEY_QUERY: false,
    });
  });

  it('finds a message by the id that its producer made, and of two of the same id the first', async () => {
    cluster.broker.put('t', 0, 'another', { properties: { UNIQ_KEY: MSG_ID.replace('7F', '7E') } });
    cluster.broker.put('t', 1, 'first', { properties: { UNIQ_KEY: MSG_ID } });
    await cluster.clock.advance(1);
    cluster.broker.put('t', 0, 'again', { properties: { UNIQ_KEY: MSG_ID } });
    expect((await admin.queryMessageByUniqKey('t', MSG_ID))!.body.toString()).toBe('first');
    expect(cluster.broker.requests('QUERY_MESSAGE')[0]!.header).toMatchObject({ key: MSG_ID, _UNIQUE_KEY_QUERY: true });
    expect(await admin.queryMessageByUniqKey('t', MSG_ID.toLowerCase())).toBeUndefined();
  });

  it('finds messages at the replica of a master that is away; its offsets nobody can say', async () => {
    const replicated = new ReplicatedCluster();
    const { dial, clock } = replicated;
    const asking = new RocketMQClient({ nameServer: NAME_SERVER, dial, clock });
    await asking.start();
    replicated.replica.put('t', 0, 'wanted', { properties: { KEYS: 'k', UNIQ_KEY: MSG_ID } });
    replicated.loseMaster();
    expect(await asking.admin.queryMessage({ topic: 't', key: 'k' })).toHaveLength(1);
    expect((await asking.admin.queryMessageByUniqKey('t', MSG_ID))!.body.toString()).toBe('wanted');
    await expect(asking.admin.maxOffset({ ...queue, queueId: 0 })).rejects.toThrow(BrokerNotFoundError);
    replicated.masterIsBack();
    expect(await asking.admin.maxOffset({ ...queue, queueId: 0 })).toBe(0);
    await asking.shutdown();
    await replicated.close();
  });

  it('finds what the other brokers have while one cannot be reached, and fails where they have nothing', async () => {
    const two = new FakeCluster({ brokers: ['broker-a', 'broker-b'], topics: { t: 1 } });
    const { dial, clock } = two;
    const asking = new RocketMQClient({ nameServer: NAME_SERVER, dial, clock });
    await asking.start();
    two.takeDown(two.broker.address);
    await expect(asking.admin.queryMessage({ topic: 't', key: 'k' })).rejects.toThrow(ConnectError);
    two.brokers[1]!.put('t', 0, 'wanted', { properties: { KEYS: 'k' } });
    expect(await asking.admin.queryMessage({ topic: 't', key: 'k' })).toHaveLength(1);
    await asking.shutdown();
    await two.close();
  });

  it('finds none where there is none', async () => {
    expect(await admin.queryMessage({ topic: 't', key: 'k' })).toEqual([]);
    expect(await admin.queryMessageByUniqKey('t', MSG_ID)).toBeUndefined();
    await expect(admin.queryMessage({ topic: 'none', key: 'k' })).rejects.toThrow(TopicNotFoundError);
  });

  it('needs a client that has not been shut down', async () => {
    await client.shutdown();
    await expect(admin.maxOffset(queue)).rejects.toThrow(/shut down/);
    await expect(admin.queryMessage({ topic: 't', key: 'k' })).rejects.toThrow(/shut down/);
    const producer = client.createProducer({ group: 'p' });
    await expect(producer.fetchPublishMessageQueues('t')).rejects.toThrow(/not started/);
  });
});

describe('T036: a topic to create', () => {
  it.each([
    ['', 'is empty'],
    ['  ', 'is empty'],
    ['a b', 'other characters'],
    ['a'.repeat(128), 'longer than 127'],
    ['RMQ_SYS_TRANS_HALF_TOPIC', 'kept by brokers'],
  ])('cannot be named %j', async (topic, reason) => {
    await expect(admin.createTopic({ topic })).rejects.toThrow(reason);
    expect(cluster.broker.received).toEqual([]);
  });

  it.each([-1, 8, 1.5])('cannot have the permission %d', async (perm) => {
    await expect(admin.createTopic({ topic: 'made', perm })).rejects.toThrow(/option perm is .*0 to 7/);
    expect(cluster.broker.received).toEqual([]);
  });

  it.each([0, 2, 4, 6, 7])('may have the permission %i', async (perm) => {
    await admin.createTopic({ topic: 'made', perm });
    expect(cluster.broker.requests('UPDATE_AND_CREATE_TOPIC')[0]!.header).toMatchObject({ perm });
  });
});

describe('T166: an id', () => {
  it.each([[undefined], [null], [''], ['no id'], ['7F00'], [MSG_ID.slice(1)]])(
    '%p is none of a message, and nobody is asked',
    async (id) => {
      await expect(admin.viewMessage('t', id as string)).rejects.toThrow(DecodeError);
      expect(cluster.broker.requests('VIEW_MESSAGE_BY_ID')).toEqual([]);
    },
  );

  it('of no message is answered with an error of its own', async () => {
    cluster.takeDown('127.0.0.1:1');
    const viewing = admin.viewMessage('t', encodeOffsetMsgId(Buffer.from([127, 0, 0, 1]), 1, 4_711));
    await expect(viewing).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
  });
});

describe('T177: a request that a broker refuses', () => {
  const refusal = { code: ResponseCode.NO_PERMISSION, remark: 'not today' };
  const calls = {
    UPDATE_AND_CREATE_TOPIC: () => admin.createTopic({ topic: 'made' }),
    GET_MAX_OFFSET: () => admin.maxOffset(queue),
    GET_MIN_OFFSET: () => admin.minOffset(queue),
    SEARCH_OFFSET_BY_TIMESTAMP: () => admin.searchOffset(queue, 0),
    GET_EARLIEST_MSG_STORETIME: () => admin.earliestMsgStoreTime(queue),
    QUERY_CONSUMER_OFFSET: () => admin.consumerOffset('g', queue),
    QUERY_MESSAGE: () => admin.queryMessage({ topic: 't', key: 'k' }),
    SEND_MESSAGE_V2: async () => (await producing()).send({ topic: 't', body: 'x' }, { messageQueue: queue }),
    SEND_BATCH_MESSAGE: async () => {
      const two = ['x', 'y'].map((body) => ({ topic: 't', body }));
      // A batch fails with the errors of its parts.
      await (await producing()).sendBatch(two, { messageQueue: queue }).catch((error: Error) => {
        throw error.cause;
      });
    },
  } as const;

  const producing = async (): Promise<ReturnType<RocketMQClient['createProducer']>> => {
    const producer = client.createProducer({ group: 'p' });
    await producer.start();
    return producer;
  };

  it.each(Object.keys(calls) as (keyof typeof calls)[])('is an error with its code and remark: %s', async (name) => {
    cluster.broker.next(name, () => refusal);
    const error: unknown = await calls[name]().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ResponseError);
    expect(error).toMatchObject({ responseCode: 16, remark: 'not today', address: cluster.broker.address });
    expect(String(error)).toContain(name);
  });
});
