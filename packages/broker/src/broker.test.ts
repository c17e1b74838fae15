import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, Requests, ResponseCode, decodeRouteData, handlerTable } from '@nest-rocketmq/remoting';
import { TestBroker } from './broker.test.kit.js';

let running: TestBroker;
afterEach(() => running.stop());

describe('a message', () => {
  it('makes its topic by the rule of TBW102, which has a route from then on', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    const { code, header } = await client.send('orders');
    expect(code).toBe(ResponseCode.SUCCESS);
    expect(header).toMatchObject({ queueId: 0, queueOffset: 0, transactionId: 'ABCDEF' });
    const nameServer = await running.nameServer();
    const { body } = await nameServer.request(Requests.GET_ROUTEINFO_BY_TOPIC, { topic: 'orders' });
    expect(decodeRouteData(body)).toEqual({
      queueDatas: [{ brokerName: 'broker-a', readQueueNums: 4, writeQueueNums: 4, perm: 6, topicSysFlag: 0 }],
      brokerDatas: [{ cluster: 'DefaultCluster', brokerName: 'broker-a', brokerAddrs: new Map([[0, '127.0.0.1:10911']]) }],
    });
  });

  it('is pulled as it was sent, with what the broker adds to its properties', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    const { header } = await client.send('orders', { tags: 'created', body: 'one' });
    const [message] = await client.messages('orders');
    expect(message.body.toString()).toBe('one');
    expect(message.offsetMsgId).toBe(header.msgId);
    expect(Object.fromEntries(message.properties)).toEqual({
      UNIQ_KEY: 'ABCDEF',
      TAGS: 'created',
      MSG_REGION: 'DefaultRegion',
      TRACE_ON: 'true',
      CLUSTER: 'DefaultCluster',
    });
  });

  it('is there after a restart, and so is the offset of its group', async () => {
    running = await TestBroker.start();
    const before = await running.client();
    await before.subscribe('me', 'consumers', { orders: '*' });
    await before.send('orders', { body: 'kept' });
    const header = { consumerGroup: 'consumers', topic: 'orders', queueId: 0 };
    await before.connection.request(Requests.UPDATE_CONSUMER_OFFSET, { ...header, commitOffset: 1 });
    await running.restart();
    const after = await running.client();
    const messages = await after.messages('orders');
    expect(messages.map((message) => message.body.toString())).toEqual(['kept']);
    const { header: kept } = await after.connection.request(Requests.QUERY_CONSUMER_OFFSET, header);
    expect(kept.offset).toBe(1);
  });
});

describe('a broker that has been stopped', () => {
  it('has no timer left', async () => {
    const clock = new ManualClock();
    running = await TestBroker.start({ clock });
    const client = await running.client(handlerTable());
    await client.subscribe('me', 'consumers', { orders: '*' });
    await client.send('orders', { properties: { DELAY: '3' } });
    const waiting = client.pull('orders', { suspend: 15_000 }).catch(() => undefined);
    await running.stop();
    await waiting;
    expect(clock.pending).toBe(0);
  });
});
