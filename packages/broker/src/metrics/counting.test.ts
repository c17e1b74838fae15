import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Requests,
  ResponseCode,
  SysFlag,
  decodeOffsetMsgId,
  decodeQueueTable,
  encodeBatch,
  objectOf,
  parseJson,
} from '@nest-rocketmq/remoting/internal';
import type { HeaderOf } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';

let running: TestBroker;
afterEach(() => running.stop());

const SECOND = 1000;
type Asked = HeaderOf<typeof Requests.GET_CONSUME_STATS>;

async function started(): Promise<TestClient> {
  running = await TestBroker.start();
  return running.client();
}

/** Sum of the day; undefined where the broker counts nothing under this name and key. */
async function counted({ connection }: TestClient, statsName: string, statsKey: string): Promise<number | undefined> {
  const { code, body } = await connection.request(Requests.VIEW_BROKER_STATS_DATA, { statsName, statsKey });
  if (code !== ResponseCode.SUCCESS) return undefined;
  return Number(objectOf(objectOf(parseJson(body))['statsDay'])['sum']);
}

async function figures({ connection }: TestClient): Promise<Record<string, unknown>> {
  const { body } = await connection.request(Requests.GET_BROKER_RUNTIME_INFO, {});
  return objectOf(objectOf(parseJson(body))['table']);
}

/** `topic queueId` to broker, consumer and pull offset, of the queues in which something is. */
async function progress(client: TestClient, asked: Asked): Promise<Record<string, unknown[]>> {
  const { body } = await client.connection.request(Requests.GET_CONSUME_STATS, asked);
  const rows = decodeQueueTable(objectOf(parseJson(body))['offsetTable']);
  return Object.fromEntries(
    rows.map(([{ topic, queueId }, row]) => {
      const { brokerOffset, consumerOffset, pullOffset } = objectOf(row);
      return [`${topic} ${queueId}`, [brokerOffset, consumerOffset, pullOffset]];
    }),
  );
}

const commit = (client: TestClient, topic: string, commitOffset: number): Promise<unknown> =>
  client.connection.request(Requests.UPDATE_CONSUMER_OFFSET, { consumerGroup: 'g', topic, queueId: 0, commitOffset });

describe('what is counted', () => {
  it('is every message put into a topic, of a batch too, and its bytes', async () => {
    const client = await started();
    for (let sent = 0; sent < 2; sent++) await client.send('shop', { body: 'x' });
    const { storeSize } = (await client.messages('shop'))[0]!;
    const item = { body: Buffer.from('y'), flag: 0, properties: Buffer.alloc(0) };
    const fields = { a: 'p', b: 'shop', c: 'TBW102', d: 4, e: 0, f: 0, g: 0, h: 0 };
    const batch = encodeBatch([item, item, item]);
    await client.connection.request(Requests.SEND_BATCH_MESSAGE, fields, { body: batch });
    expect(await counted(client, 'TOPIC_PUT_NUMS', 'shop')).toBe(5);
    const batched = await client.messages('shop', { offset: 2 });
    const size = batched.reduce((sum, message) => sum + message.storeSize, 2 * storeSize);
    expect(await counted(client, 'TOPIC_PUT_SIZE', 'shop')).toBe(size);
    expect(await counted(client, 'BROKER_PUT_NUMS', 'DefaultCluster')).toBe(5);
  });

  it('is what each group was given, by topic and queue', async () => {
    const client = await started();
    for (let sent = 0; sent < 3; sent++) await client.send('shop', { queueId: 1 });
    const all = await client.messages('shop', { group: 'g', queueId: 1 });
    await client.messages('shop', { group: 'h', queueId: 1, offset: 2 });
    await client.messages('shop', { group: 'h', queueId: 1, offset: 3 });
    const bytes = all.reduce((sum, { storeSize }) => sum + storeSize, 0);
    expect(await counted(client, 'GROUP_GET_NUMS', 'shop@g')).toBe(3);
    expect(await counted(client, 'GROUP_GET_SIZE', 'shop@g')).toBe(bytes);
    expect(await counted(client, 'GROUP_GET_NUMS', 'shop@h')).toBe(1);
    expect(await counted(client, 'GROUP_GET_LATENCY', '1@shop@g')).toBe(0);
    expect(await counted(client, 'BROKER_GET_NUMS', 'DefaultCluster')).toBe(4);
    expect(await figures(client)).toMatchObject({ msgGetTotalTodayNow: '4' });
  });

  it('is nothing under a name or key that there is not', async () => {
    const client = await started();
    await client.send('shop');
    expect(await counted(client, 'TOPIC_PUT_NUMS', 'nowhere')).toBeUndefined();
    expect(await counted(client, 'NO_SUCH_NAME', 'shop')).toBeUndefined();
    const { remark } = await client.connection.request(Requests.VIEW_BROKER_STATS_DATA, {
      statsName: 'TOPIC_PUT_NUMS',
      statsKey: 'nowhere',
    });
    expect(remark).toBe('The stats <TOPIC_PUT_NUMS> <nowhere> not exist');
  });

  // Measured at Apache 5.5.0 with the same traffic.
  it('is a delayed message under the schedule topic first, and under its own when it is delivered', async () => {
    const client = await started();
    await client.send('later', { properties: { DELAY: '1' } });
    expect(await counted(client, 'TOPIC_PUT_NUMS', 'later')).toBeUndefined();
    expect(await counted(client, 'TOPIC_PUT_NUMS', 'SCHEDULE_TOPIC_XXXX')).toBe(1);
    expect(await counted(client, 'QUEUE_PUT_NUMS', 'SCHEDULE_TOPIC_XXXX@0')).toBe(1);
    expect(await figures(client)).toMatchObject({ msgPutTotalTodayNow: '0' });
    await running.clock.advance(SECOND);
    expect(await counted(client, 'TOPIC_PUT_NUMS', 'later')).toBe(1);
    expect(await counted(client, 'GROUP_GET_NUMS', 'SCHEDULE_TOPIC_XXXX@SCHEDULE_CONSUMER')).toBe(1);
    expect(await counted(client, 'QUEUE_GET_NUMS', 'SCHEDULE_TOPIC_XXXX@0@SCHEDULE_CONSUMER')).toBe(1);
    expect(await counted(client, 'BROKER_PUT_NUMS', 'DefaultCluster')).toBe(2);
    expect(await counted(client, 'BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC', 'DefaultCluster')).toBe(1);
    expect(await figures(client)).toMatchObject({ msgPutTotalTodayNow: '1', scheduleMessageOffset_1: '1,1' });
  });

  it('is a half message under the half topic, and under its own when it is committed', async () => {
    const client = await started();
    const prepared = { sysFlag: SysFlag.TRANSACTION_PREPARED, properties: { TRAN_MSG: 'true', PGROUP: 'p' } };
    const { header } = await client.send('tx', prepared);
    expect(await counted(client, 'TOPIC_PUT_NUMS', 'RMQ_SYS_TRANS_HALF_TOPIC')).toBe(1);
    expect(await counted(client, 'TOPIC_PUT_NUMS', 'tx')).toBeUndefined();
    await client.connection.request(Requests.END_TRANSACTION, {
      producerGroup: 'p',
      tranStateTableOffset: header.queueOffset ?? -1,
      commitLogOffset: decodeOffsetMsgId(header.msgId ?? '').physicalOffset,
      commitOrRollback: SysFlag.TRANSACTION_COMMIT,
      msgId: 'ABCDEF',
    });
    expect(await counted(client, 'TOPIC_PUT_NUMS', 'tx')).toBe(1);
    expect(await counted(client, 'TOPIC_PUT_NUMS', 'RMQ_SYS_TRANS_OP_HALF_TOPIC')).toBeUndefined();
    expect(await figures(client)).toMatchObject({ msgPutTotalTodayNow: '1', putMessageTimesTotal: '3' });
  });

  it('is a message that was given back under its first topic, and no put of a producer', async () => {
    const client = await started();
    await client.subscribe('me', 'g', { fails: '*' });
    await client.send('fails');
    const back = async (topic: string): Promise<void> => {
      const { physicalOffset } = (await client.messages(topic, { group: 'g' }))[0]!;
      const header = { offset: physicalOffset, group: 'g', delayLevel: 0, maxReconsumeTimes: 1 };
      await client.connection.request(Requests.CONSUMER_SEND_MSG_BACK, header);
    };
    await back('fails');
    expect(await counted(client, 'SNDBCK_PUT_NUMS', 'fails@g')).toBe(1);
    expect(await counted(client, 'TOPIC_PUT_NUMS', 'SCHEDULE_TOPIC_XXXX')).toBe(1);
    expect(await counted(client, 'BROKER_PUT_NUMS', 'DefaultCluster')).toBe(1);
    await running.clock.advance(10 * SECOND);
    expect(await counted(client, 'TOPIC_PUT_NUMS', '%RETRY%g')).toBe(1);
    await back('%RETRY%g');
    expect(await counted(client, 'SNDBCK_PUT_NUMS', 'fails@g')).toBe(2);
    expect(await counted(client, 'SNDBCK2DLQ_TIMES', 'null@fails@g@SEND_BACK_TO_DLQ')).toBe(1);
    expect(await counted(client, 'TOPIC_PUT_NUMS', 'fails')).toBe(1);
    expect(await figures(client)).toMatchObject({ msgPutTotalTodayNow: '2' });
  });

  it('goes with its topic, and with its group', async () => {
    const client = await started();
    const { connection } = client;
    for (const topic of ['a', 'b']) {
      await client.send(topic);
      for (const group of ['g', 'h']) await client.messages(topic, { group });
    }
    await connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic: 'a' });
    await connection.request(Requests.DELETE_SUBSCRIPTIONGROUP, { groupName: 'g' });
    const left = async (name: string, keys: string[]): Promise<unknown[]> =>
      Promise.all(keys.map((key) => counted(client, name, key)));
    expect(await left('TOPIC_PUT_NUMS', ['a', 'b'])).toEqual([undefined, 1]);
    const keys = ['a@g', 'a@h', 'b@g', 'b@h'];
    expect(await left('GROUP_GET_NUMS', keys)).toEqual([undefined, undefined, undefined, 1]);
    const queues = keys.map((key) => `0@${key}`);
    expect(await left('GROUP_GET_LATENCY', queues)).toEqual([undefined, undefined, undefined, 0]);
  });
});

describe('the figures of the broker', () => {
  it('are of what was stored and read, and leave out what is not known', async () => {
    const client = await started();
    await client.send('shop', { body: 'x' });
    const { storeSize } = (await client.messages('shop'))[0]!;
    await client.pull('shop', { offset: 1 });
    await running.clock.advance(SECOND);
    const table = await figures(client);
    expect(table).toMatchObject({
      putMessageTimesTotal: '1',
      putMessageSizeTotal: String(storeSize),
      putMessageAverageSize: `${storeSize}.0`,
      putMessageFailedTimes: '0',
      dispatchBehindBytes: '0',
      commitLogMaxOffset: String(storeSize),
      commitLogDiskRatio: '-1',
      getFoundTps: '1.0 1.0 1.0',
      getMissTps: '1.0 1.0 1.0',
      getTotalTps: '2.0 2.0 2.0',
      // There is no such pool, but tools fail without its figures.
      sendThreadPoolQueueCapacity: '0',
    });
    expect(Object.keys(table)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/putMessageDistributeTime|putLatency|^\//)]),
    );
    await running.clock.advance(60 * SECOND);
    expect(await figures(client)).toMatchObject({
      putMessageDistributeTime: expect.stringMatching(/^\[<=0ms\]:1 \[0~10ms\]:0 /),
      putLatency99: '0.00',
    });
  });

  it('tell today from yesterday', async () => {
    const client = await started();
    await client.send('shop');
    await running.clock.advance(24 * 3600 * SECOND);
    // The first connection was idle for too long.
    const today = await running.client();
    await today.send('shop');
    expect(await figures(today)).toMatchObject({
      msgPutTotalYesterdayMorning: '0',
      msgPutTotalTodayMorning: '1',
      msgPutTotalTodayNow: '2',
    });
  });
});

describe('how far a group has come', () => {
  it('T120: shows what it has pulled and not consumed', async () => {
    const client = await started();
    await client.subscribe('me', 'g', { shop: '*' });
    for (let sent = 0; sent < 20; sent++) await client.send('shop');
    await client.messages('shop', { group: 'g' });
    await commit(client, 'shop', 3);
    expect(await progress(client, { consumerGroup: 'g' })).toMatchObject({ 'shop 0': [20, 3, 20] });
    const all = await client.connection.request(Requests.GET_BROKER_CONSUME_STATS, { isOrder: false });
    expect(parseJson(all.body)).toMatchObject({ totalDiff: 17, totalInflightDiff: 17 });
    await commit(client, 'shop', 20);
    expect(await progress(client, { consumerGroup: 'g' })).toMatchObject({ 'shop 0': [20, 20, 20] });
    client.connection.close();
    await running.clock.advance(0);
    // Also when the last member has gone.
    const asking = await running.client();
    await asking.send('shop');
    expect(await progress(asking, { consumerGroup: 'g' })).toMatchObject({ 'shop 0': [21, 20, 20] });
  });

  it('shows no pull from before a reset, and never a pull behind what is consumed', async () => {
    const client = await started();
    await client.subscribe('me', 'g', { shop: '*' });
    for (let sent = 0; sent < 20; sent++) await client.send('shop');
    await client.messages('shop', { group: 'g' });
    await commit(client, 'shop', 20);
    const reset = { topic: 'shop', group: 'g', timestamp: -1, offset: 5, queueId: 0, isForce: true };
    await client.connection.request(Requests.INVOKE_BROKER_TO_RESET_OFFSET, reset);
    expect(await progress(client, { consumerGroup: 'g' })).toMatchObject({ 'shop 0': [20, 5, 5] });
  });

  it('leaves out topics that its members do not subscribe to any more, unless they are asked for as a list', async () => {
    const client = await started();
    for (const topic of ['old', 'shop']) {
      await client.subscribe('me', 'g', { old: '*', shop: '*' });
      await client.send(topic);
      await commit(client, topic, 1);
    }
    await client.subscribe('me', 'g', { shop: '*' }, 2);
    await client.send('old');
    const topics = async (asked: Partial<Asked>): Promise<unknown> => {
      const rows = await progress(client, { consumerGroup: 'g', ...asked });
      return [...new Set(Object.keys(rows).map((row) => row.split(' ')[0]))];
    };
    expect(await topics({})).toEqual(['shop']);
    expect(await topics({ topic: 'old' })).toEqual([]);
    expect(await topics({ topicList: 'old;shop' })).toEqual(['old', 'shop']);
    const all = await client.connection.request(Requests.GET_BROKER_CONSUME_STATS, { isOrder: false });
    expect(parseJson(all.body)).toMatchObject({ totalDiff: 0 });
    client.connection.close();
    const other = await running.client();
    expect(await progress(other, { consumerGroup: 'g' })).toMatchObject({ 'old 0': [2, 1, 1], 'shop 0': [1, 1, 1] });
  });

  it('counts the queues that can be read, and for ordered topics alone when asked so', async () => {
    const client = await started();
    const topic = {
      defaultTopic: 'TBW102',
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      readQueueNums: 1,
      writeQueueNums: 2,
    };
    for (const [name, order] of [
      ['ordered', true],
      ['plain', false],
    ] as const) {
      await client.connection.request(Requests.UPDATE_AND_CREATE_TOPIC, { ...topic, topic: name, order });
      await client.subscribe('me', 'g', { ordered: '*', plain: '*' });
      await commit(client, name, 0);
      for (const queueId of [0, 1]) await client.send(name, { queueId });
    }
    expect(Object.keys(await progress(client, { consumerGroup: 'g' }))).toEqual(['ordered 0', 'plain 0']);
    const total = async (isOrder: boolean): Promise<unknown> =>
      objectOf(parseJson((await client.connection.request(Requests.GET_BROKER_CONSUME_STATS, { isOrder })).body))[
        'totalDiff'
      ];
    expect([await total(false), await total(true)]).toEqual([2, 1]);
  });
});
