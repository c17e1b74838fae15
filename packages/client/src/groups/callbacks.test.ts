import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode, encodeJson, parseJsonObject, queueTable } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../client.js';
import type { MessageListener } from '../consumer/options/consumer-options.js';

let cluster: FakeCluster;
let client: RocketMQClient;
let got: MessageExt[];

async function consuming(listener: MessageListener = (messages) => void got.push(...messages)): Promise<void> {
  cluster = new FakeCluster({ topics: { t: 1 } });
  got = [];
  for (let i = 0; i < 3; i++) cluster.broker.put('t', 0, `m${i}`);
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  await client.createPushConsumer({ group: 'g', subscriptions: [{ topic: 't' }], listener }).start();
}

afterEach(async () => {
  await client.shutdown();
  await cluster.close();
  expect(cluster.clock.pending).toBe(0);
});

describe('a broker that asks a client', () => {
  it('for the offsets of a group gets them by queue', async () => {
    await consuming();
    cluster.broker.put('t', 0, 'one');
    await cluster.until('it came', () => got.length === 1);
    await cluster.clock.advance(0);
    const reply = await cluster.broker.connection.request(Requests.GET_CONSUMER_STATUS_FROM_CLIENT, {
      topic: 't',
      group: 'g',
    });
    expect(reply.body.toString()).toBe('{"messageQueueTable":{{"brokerName":"broker-a","queueId":0,"topic":"t"}:4}}');
  });

  it('T155: for its running info gets settings, subscriptions and queues', async () => {
    await consuming();
    const reply = await cluster.broker.connection.request(Requests.GET_CONSUMER_RUNNING_INFO, {
      consumerGroup: 'g',
      clientId: client.clientId,
    });
    const info = parseJsonObject(reply.body, 'a running info');
    expect(info['properties']).toMatchObject({
      PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
      PROP_CONSUMEORDERLY: 'false',
      PROP_NAMESERVER_ADDR: NAME_SERVER,
      pullBatchSize: '32',
    });
    expect(info['subscriptionSet']).toMatchObject([{ topic: 't' }, { topic: '%RETRY%g' }]);
    expect(reply.body.toString()).toContain('{"brokerName":"broker-a","queueId":0,"topic":"t"}:{');
  });

  it('T137: to reset offsets sees the group begin there, back or forth', async () => {
    await consuming();
    const queue = { topic: 't', brokerName: 'broker-a', queueId: 0 };
    cluster.broker.connection.oneway(
      Requests.RESET_CONSUMER_CLIENT_OFFSET,
      { topic: 't', group: 'g', timestamp: 0, isForce: true },
      { body: encodeJson({ offsetTable: queueTable([[queue, 1]]) }) },
    );
    await cluster.until('again', () => got.length === 2);
    expect(got.map(({ body }) => body.toString())).toEqual(['m1', 'm2']);
  });

  it('to reset offsets may also list them as C clients are told', async () => {
    await consuming();
    cluster.broker.connection.oneway(
      Requests.RESET_CONSUMER_CLIENT_OFFSET,
      { topic: 't', group: 'g', timestamp: 0, isForce: true },
      { body: encodeJson({ offsetTable: [{ topic: 't', brokerName: 'broker-a', queueId: 0, offset: 2 }] }) },
    );
    await cluster.until('again', () => got.length === 1);
    expect(got[0]!.body.toString()).toBe('m2');
  });

  it.each([
    ['CR_SUCCESS', () => undefined],
    ['CR_LATER', () => 'RECONSUME_LATER' as const],
    [
      'CR_THROW_EXCEPTION',
      () => {
        throw new Error('no');
      },
    ],
  ])('to consume one message directly hears %s', async (consumeResult, listener) => {
    await consuming(listener);
    const reply = await cluster.broker.connection.request(
      Requests.CONSUME_MESSAGE_DIRECTLY,
      { consumerGroup: 'g', clientId: client.clientId, msgId: 'x', brokerName: 'broker-a' },
      { body: cluster.broker.put('other', 0, 'direct') },
    );
    expect(parseJsonObject(reply.body, 'a result')).toMatchObject({ consumeResult, order: false, autoCommit: true });
  });

  it('about a group that it does not have is told so', async () => {
    await consuming();
    const reply = await cluster.broker.connection.request(Requests.GET_CONSUMER_RUNNING_INFO, {
      consumerGroup: 'none',
      clientId: client.clientId,
    });
    expect(reply).toMatchObject({ code: ResponseCode.SYSTEM_ERROR, remark: expect.stringContaining('none') });
  });
});
