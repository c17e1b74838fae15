import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Requests,
  ResponseCode,
  decodeQueueTable,
  handlerTable,
  objectOf,
  parseJson,
} from '@nest-rocketmq/remoting/internal';
import type { HeaderOf } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';

let running: TestBroker;
afterEach(() => running.stop());

type Topic = HeaderOf<typeof Requests.UPDATE_AND_CREATE_TOPIC>;

const topic = (more: Partial<Topic> = {}): Topic => ({
  topic: 'orders',
  defaultTopic: 'TBW102',
  readQueueNums: 2,
  writeQueueNums: 2,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  order: false,
  ...more,
});

const json = (body: Buffer): Record<string, unknown> => objectOf(parseJson(body));

describe('T175: administration of topics', () => {
  it('makes one that is there after a restart, in all its settings', async () => {
    running = await TestBroker.start();
    const before = await running.client();
    const made = await before.connection.request(
      Requests.UPDATE_AND_CREATE_TOPIC,
      topic({ attributes: '+message.type=FIFO' }),
    );
    expect(made.code).toBe(ResponseCode.SUCCESS);
    await running.restart();
    const { connection } = await running.client();
    const { body } = await connection.request(Requests.GET_TOPIC_CONFIG, { topic: 'orders' });
    expect(json(body)).toEqual({
      topicName: 'orders',
      readQueueNums: 2,
      writeQueueNums: 2,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
      attributes: { 'message.type': 'FIFO' },
    });
  });

  it.each<[string, Partial<Topic>]>([
    ['a system topic', { topic: 'TBW102' }],
    ['a name with a path in it', { topic: '../x' }],
    ['no queues', { writeQueueNums: 0 }],
    ['a permission that there is not', { perm: 99 }],
  ])('refuses %s', async (_what, wrong) => {
    running = await TestBroker.start();
    const { connection } = await running.client();
    expect((await connection.request(Requests.UPDATE_AND_CREATE_TOPIC, topic(wrong))).code).toBe(
      ResponseCode.INVALID_PARAMETER,
    );
  });

  it('deletes one with its messages and the offsets of its groups', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.subscribe('me', 'g', { orders: '*' });
    await client.send('orders');
    const place = { consumerGroup: 'g', topic: 'orders', queueId: 0 };
    await client.connection.request(Requests.UPDATE_CONSUMER_OFFSET, { ...place, commitOffset: 1 });
    expect((await client.connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic: 'orders' })).code).toBe(
      ResponseCode.SUCCESS,
    );
    expect((await client.pull('orders', { group: 'g' })).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    const { header } = await client.connection.request(Requests.QUERY_CONSUMER_OFFSET, place);
    expect(header.offset).toBe(0);
    expect((await client.connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic: 'TBW102' })).code).toBe(
      ResponseCode.INVALID_PARAMETER,
    );
  });

  it('shows all of them', async () => {
    running = await TestBroker.start();
    const { connection } = await running.client();
    const { header, body } = await connection.request(Requests.GET_ALL_TOPIC_CONFIG, {});
    const table = objectOf(json(body)['topicConfigTable']);
    expect(Object.keys(table)).toHaveLength(header.totalTopicNum ?? -1);
    expect(table['TBW102']).toMatchObject({ perm: 7, readQueueNums: 8, writeQueueNums: 8 });
  });

  it('says which are its own', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('orders');
    const { body } = await client.connection.request(Requests.GET_SYSTEM_TOPIC_LIST_FROM_BROKER, {});
    const { topicList } = json(body);
    expect(topicList).toEqual(expect.arrayContaining(['TBW102', 'SCHEDULE_TOPIC_XXXX', 'broker-a', 'DefaultCluster']));
    expect(topicList).not.toContain('orders');
  });

  it('says how full its queues are', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('orders', { queueId: 1 });
    const { body } = await client.connection.request(Requests.GET_TOPIC_STATS_INFO, { topic: 'orders' });
    const rows = decodeQueueTable(json(body)['offsetTable']);
    expect(rows).toHaveLength(4);
    expect(rows[1]).toEqual([
      { topic: 'orders', brokerName: 'broker-a', queueId: 1 },
      { lastUpdateTimestamp: running.clock.now(), maxOffset: 1, minOffset: 0 },
    ]);
    const unknown = await client.connection.request(Requests.GET_TOPIC_STATS_INFO, { topic: 'nowhere' });
    expect(unknown.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });
});

describe('T175: administration of groups', () => {
  it('says how far one has come, and who is in it', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.subscribe('me', 'g', { orders: 'a' });
    await client.produce('me', 'p');
    for (let sent = 0; sent < 3; sent++) await client.send('orders');
    const place = { consumerGroup: 'g', topic: 'orders', queueId: 0 };
    await client.connection.request(Requests.UPDATE_CONSUMER_OFFSET, { ...place, commitOffset: 2 });
    const stats = await client.connection.request(Requests.GET_CONSUME_STATS, { consumerGroup: 'g' });
    const queues = new Map(
      decodeQueueTable(json(stats.body)['offsetTable']).map(([queue, row]) => [`${queue.topic}${queue.queueId}`, row]),
    );
    expect(queues.get('orders0')).toMatchObject({ brokerOffset: 3, consumerOffset: 2 });
    const consumers = await client.connection.request(Requests.GET_CONSUMER_CONNECTION_LIST, { consumerGroup: 'g' });
    expect(json(consumers.body)).toMatchObject({
      connectionSet: [{ clientId: 'me' }],
      messageModel: 'CLUSTERING',
      subscriptionTable: { orders: { subString: 'a' } },
    });
    const producers = await client.connection.request(Requests.GET_PRODUCER_CONNECTION_LIST, { producerGroup: 'p' });
    expect(json(producers.body)).toMatchObject({ connectionSet: [{ clientId: 'me' }] });
    const groups = await client.connection.request(Requests.QUERY_TOPIC_CONSUME_BY_WHO, { topic: 'orders' });
    expect(json(groups.body)).toEqual({ groupList: ['g'] });
  });

  it('says how far all of them have come, and which topics one has consumed', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.subscribe('me', 'g', { orders: 'a' });
    for (let sent = 0; sent < 3; sent++) await client.send('orders');
    const place = { consumerGroup: 'g', topic: 'orders', queueId: 0 };
    await client.connection.request(Requests.UPDATE_CONSUMER_OFFSET, { ...place, commitOffset: 2 });
    const all = await client.connection.request(Requests.GET_BROKER_CONSUME_STATS, { isOrder: false });
    expect(json(all.body)).toMatchObject({ brokerAddr: '127.0.0.1:10911', totalDiff: 1 });
    expect(json(all.body)['consumeStatsList']).toContainEqual({ g: [expect.objectContaining({ consumeTps: 0 })] });
    const ordered = await client.connection.request(Requests.GET_BROKER_CONSUME_STATS, { isOrder: true });
    expect(json(ordered.body)).toMatchObject({ totalDiff: 0, consumeStatsList: [] });
    const topics = await client.connection.request(Requests.QUERY_TOPICS_BY_CONSUMER, { group: 'g' });
    expect(json(topics.body)).toEqual({ topicList: ['orders'] });
    const asked = { group: 'g', topic: 'orders' };
    const subscription = await client.connection.request(Requests.QUERY_SUBSCRIPTION_BY_CONSUMER, asked);
    expect(json(subscription.body)).toMatchObject({ ...asked, subscriptionData: { topic: 'orders', subString: 'a' } });
  });

  it('lists the producers of all, with their last sign of life', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.produce('me', 'p');
    const { body } = await client.connection.request(Requests.GET_ALL_PRODUCER_INFO, {});
    expect(json(body)).toMatchObject({ data: { p: [{ clientId: 'me', lastUpdateTimestamp: running.clock.now() }] } });
  });

  it('says so when nobody is in it', async () => {
    running = await TestBroker.start();
    const { connection } = await running.client();
    const consumers = await connection.request(Requests.GET_CONSUMER_CONNECTION_LIST, { consumerGroup: 'g' });
    const producers = await connection.request(Requests.GET_PRODUCER_CONNECTION_LIST, { producerGroup: 'p' });
    expect([consumers.code, producers.code]).toEqual([ResponseCode.CONSUMER_NOT_ONLINE, ResponseCode.SYSTEM_ERROR]);
  });

  it('T174: changes one, so that it may not consume, and keeps that over a restart', async () => {
    running = await TestBroker.start();
    const before = await running.client();
    await before.send('orders');
    const body = Buffer.from(JSON.stringify({ groupName: 'g', consumeEnable: false, retryMaxTimes: 3 }));
    await before.connection.request(Requests.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, { body });
    await running.restart();
    const client = await running.client();
    expect((await client.pull('orders', { group: 'g' })).code).toBe(ResponseCode.NO_PERMISSION);
    const { body: config } = await client.connection.request(Requests.GET_SUBSCRIPTIONGROUP_CONFIG, { group: 'g' });
    expect(json(config)).toMatchObject({ groupName: 'g', retryMaxTimes: 3, consumeEnable: false });
  });
});

describe('T175: administration of the broker', () => {
  it("shows the figures that Apache's tools print, and its options", async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('orders');
    const stored = running.clock.now();
    await running.clock.advance(1000);
    const { body } = await client.connection.request(Requests.GET_BROKER_RUNTIME_INFO, {});
    expect(json(body)['table']).toMatchObject({ earliestMessageTimeStamp: String(stored) });
    expect(json(body)['table']).toMatchObject({
      brokerVersionDesc: 'V5_0_0',
      msgPutTotalTodayNow: '1',
      putTps: '1.0 1.0 1.0',
    });
    const config = await client.connection.request(Requests.GET_BROKER_CONFIG, {});
    expect(config.body.toString().split('\n')).toEqual(
      expect.arrayContaining(['brokerName=broker-a', 'flushDiskType=ASYNC_FLUSH']),
    );
  });

  it('hands a question about a consumer on to it', async () => {
    running = await TestBroker.start();
    const consumer = await running.client(
      handlerTable({
        GET_CONSUMER_RUNNING_INFO: ({ header }) => ({ body: Buffer.from(`{"of":"${header.clientId}"}`) }),
      }),
    );
    await consumer.subscribe('me', 'g', { t: '*' });
    const { connection } = await running.client();
    const asked = { consumerGroup: 'g', clientId: 'me' };
    expect((await connection.request(Requests.GET_CONSUMER_RUNNING_INFO, asked)).body.toString()).toBe('{"of":"me"}');
    const nobody = await connection.request(Requests.GET_CONSUMER_RUNNING_INFO, { ...asked, clientId: 'you' });
    expect(nobody.code).toBe(ResponseCode.CONSUMER_NOT_ONLINE);
  });

  it('finds a message by its key, and by its id', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('orders', { body: 'wanted', properties: { KEYS: 'k1 k2' } });
    await client.send('orders', { body: 'other', properties: { KEYS: 'k3' } });
    const message = (await client.messages('orders'))[0]!;
    const range = { maxNum: 10, beginTimestamp: 0, endTimestamp: running.clock.now() + 1 };
    const found = await client.connection.request(Requests.QUERY_MESSAGE, { topic: 'orders', key: 'k2', ...range });
    expect(found.body.includes('wanted')).toBe(true);
    expect(found.body.includes('other')).toBe(false);
    const missing = await client.connection.request(Requests.QUERY_MESSAGE, { topic: 'orders', key: 'k9', ...range });
    expect(missing.code).toBe(ResponseCode.QUERY_NOT_FOUND);
    const viewed = await client.connection.request(Requests.VIEW_MESSAGE_BY_ID, { offset: message.physicalOffset });
    expect(viewed.body.includes('wanted')).toBe(true);
    expect((await client.connection.request(Requests.VIEW_MESSAGE_BY_ID, { offset: 7_777_777 })).code).toBe(
      ResponseCode.SYSTEM_ERROR,
    );
  });
});

describe('places in queues', () => {
  it('are found: beginning, end, by time, and the earliest message', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('orders');
    const first = running.clock.now();
    await running.clock.advance(1000);
    await client.send('orders');
    const queue = { topic: 'orders', queueId: 0 };
    const { connection } = client;
    expect((await connection.request(Requests.GET_MIN_OFFSET, queue)).header.offset).toBe(0);
    expect((await connection.request(Requests.GET_MAX_OFFSET, queue)).header.offset).toBe(2);
    expect(
      (await connection.request(Requests.SEARCH_OFFSET_BY_TIMESTAMP, { ...queue, timestamp: first + 1 })).header.offset,
    ).toBe(1);
    expect((await connection.request(Requests.GET_EARLIEST_MSG_STORETIME, queue)).header.timestamp).toBe(first);
  });

  it('T138: begin at 0 for a group that has committed nothing, unless it asks to be told', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('orders');
    const place = { consumerGroup: 'g', topic: 'orders', queueId: 0 };
    expect((await client.connection.request(Requests.QUERY_CONSUMER_OFFSET, place)).header.offset).toBe(0);
    const told = await client.connection.request(Requests.QUERY_CONSUMER_OFFSET, {
      ...place,
      setZeroIfNotFound: false,
    });
    expect(told.code).toBe(ResponseCode.QUERY_NOT_FOUND);
  });

  it('T138: are not kept for a group, a topic or a queue that there is not', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.subscribe('me', 'g', { orders: '*' });
    await client.send('orders');
    const commit = async (wrong: object): Promise<number> => {
      const place = { consumerGroup: 'g', topic: 'orders', queueId: 0, commitOffset: 1, ...wrong };
      return (await client.connection.request(Requests.UPDATE_CONSUMER_OFFSET, place)).code;
    };
    expect(await commit({ consumerGroup: 'h' })).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
    expect(await commit({ topic: 'nowhere' })).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect(await commit({ queueId: 9 })).toBe(ResponseCode.INVALID_PARAMETER);
  });
});
