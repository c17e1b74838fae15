import { afterEach, describe, expect, it } from '@jest/globals';
import { MQVersion, ResponseCode } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../../client.js';
import {
  BrokerNotFoundError,
  DelayNotSupportedError,
  DelayTooLongError,
  InvalidMessageError,
  RecallFailedError,
} from '../../errors.js';
import type { Producer } from '../producer.js';
import type { OutgoingMessage, ProducerOptions } from '../options/producer-options.js';

let cluster: FakeCluster;
let client: RocketMQClient;

async function producing(options: Partial<ProducerOptions> = {}, version?: number): Promise<Producer> {
  cluster = new FakeCluster({ topics: { t: 4 } });
  if (version !== undefined) cluster.broker.version = version;
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  const producer = client.createProducer({ group: 'orders', ...options });
  await producer.start();
  return producer;
}

afterEach(async () => {
  await client.shutdown();
  await cluster.close();
});

/** What the broker was told of the message's time, in ms from now. */
function told(): { timer?: number; level?: string } {
  const { properties } = cluster.broker.stored.at(-1)!;
  const timer = properties.get('TIMER_DELIVER_MS');
  const level = properties.get('DELAY');
  return {
    ...(timer !== undefined && { timer: Number(timer) - cluster.clock.now() }),
    ...(level !== undefined && { level }),
  };
}

const delayed = (some: Partial<OutgoingMessage>): OutgoingMessage => ({ topic: 't', body: 'x', ...some });

describe('a delay on a broker of 5.0 or later', () => {
  it.each<[string, () => Partial<OutgoingMessage>, number | undefined]>([
    ['delay: 1500', () => ({ delay: 1_500 }), 1_500],
    ['the length of a level', () => ({ delay: 10_000 }), 10_000],
    ['delay: 0', () => ({ delay: 0 }), undefined],
    ['delay: -0', () => ({ delay: -0 }), undefined],
    ['a part of a ms', () => ({ delay: 0.2 }), 1],
    ['a computed length', () => ({ delay: (0.1 + 0.2) * 1_000 }), 301],
    ['3 days', () => ({ delay: 259_200_000 }), 259_200_000],
    ['deliverAt as a Date', () => ({ deliverAt: new Date(cluster.clock.now() + 7_000) }), 7_000],
    ['deliverAt in ms', () => ({ deliverAt: cluster.clock.now() + 7_000 }), 7_000],
    ['deliverAt in parts of a ms', () => ({ deliverAt: cluster.clock.now() + 6_999.5 }), 7_000],
    ['deliverAt now', () => ({ deliverAt: cluster.clock.now() }), undefined],
    ['deliverAt long ago', () => ({ deliverAt: 0 }), undefined],
  ])('%s', async (_what, some, timer) => {
    const producer = await producing();
    await producer.send(delayed(some()));
    expect(told()).toEqual(timer === undefined ? {} : { timer });
  });

  it('counts in every verb', async () => {
    const producer = await producing();
    const message = delayed({ delay: 1_500 });
    const messageQueue = { topic: 't', brokerName: 'broker-a', queueId: 1 };
    const verbs = [
      () => producer.sendOneway(message),
      () => producer.send(message, { shardingKey: 'k' }),
      () => producer.send(message, { messageQueue }),
      () => producer.sendOneway(message, { selector: (queues) => queues[0]! }),
    ];
    for (const [index, verb] of verbs.entries()) {
      await verb();
      await cluster.until('stored', () => cluster.broker.stored.length === index + 1);
      expect(told()).toEqual({ timer: 1_500 });
    }
  });

  it('is refused in a batch, as Apache does', async () => {
    const producer = await producing();
    await expect(producer.sendBatch([delayed({}), delayed({ delay: 5 })])).rejects.toThrow(
      /message 1 of the batch is delayed; send delayed messages one by one/,
    );
    await producer.sendBatch([delayed({ delay: 0 }), delayed({ deliverAt: 5 })]);
  });

  it('is refused in a transaction: Apache 5.5.0 would hold back the half message', async () => {
    const producer = await producing({
      transactionListener: {
        executeLocalTransaction: () => 'COMMIT_MESSAGE',
        checkLocalTransaction: () => 'COMMIT_MESSAGE',
      },
    });
    const refused = /has a delay and is sent in a transaction: brokers do not do both/;
    const message = delayed({ delay: 5 });
    await expect(producer.sendMessageInTransaction(message)).rejects.toThrow(refused);
    await expect(producer.beginTransaction(message)).rejects.toThrow(refused);
    await expect(producer.transaction(message, () => undefined)).rejects.toThrow(refused);
    expect(cluster.broker.stored).toEqual([]);
    await producer.sendMessageInTransaction(delayed({ delay: 0 }));
  });

  it.each<[Partial<OutgoingMessage>, RegExp]>([
    [{ delay: -1 }, /delay for topic t is -1; allowed: ms, 0 or more/],
    [{ delay: NaN }, /delay for topic t is NaN/],
    [{ delay: Infinity }, /delay for topic t is Infinity/],
    [{ delay: '5s' as never }, /delay for topic t is 5s/],
    [{ deliverAt: new Date(NaN) }, /deliverAt for topic t is Invalid Date; allowed: a valid Date/],
    [{ delay: 1, deliverAt: 2 }, /more than one of delay, deliverAt and delayLevel: give one/],
    [{ delay: 1, delayLevel: 2 }, /more than one/],
  ])('%j is no delay', async (some, message) => {
    const producer = await producing();
    await expect(producer.send(delayed(some))).rejects.toThrow(InvalidMessageError);
    await expect(producer.send(delayed(some))).rejects.toThrow(message);
    expect(cluster.broker.stored).toEqual([]);
  });

  it.each([
    [{}, 259_200_001, 259_200_000],
    [{ maxDelay: 1_000 }, 1_001, 1_000],
  ])('is no longer than maxDelay: %j', async (options, delay, maxDelay) => {
    const producer = await producing(options);
    await expect(producer.send(delayed({ delay }))).rejects.toThrow(DelayTooLongError);
    await expect(producer.send(delayed({ deliverAt: cluster.clock.now() + delay }))).rejects.toMatchObject({
      code: 'DELAY_TOO_LONG',
      delay,
      maxDelay,
    });
  });
});

describe('a delay on a broker before 5.0', () => {
  it.each([
    [1_000, '1'],
    [30_000, '4'],
    [7_200_000, '18'],
  ])('of %i ms goes by level %s', async (delay, level) => {
    const producer = await producing({}, MQVersion.V4_9_7);
    await producer.send(delayed({ delay }));
    expect(told()).toEqual({ level });
  });

  it('goes by the levels that the broker says it has', async () => {
    const producer = await producing({}, MQVersion.V4_9_7);
    cluster.broker.next('GET_BROKER_CONFIG', () => ({
      header: { version: '{}' },
      body: Buffer.from('brokerName=broker-a\nmessageDelayLevel=2s 90s\n'),
    }));
    await producer.send(delayed({ delay: 90_000 }));
    expect(told()).toEqual({ level: '2' });
    // It is asked once.
    await producer.send(delayed({ delay: 2_000 }));
    expect(told()).toEqual({ level: '1' });
  });

  it.each<[number, string[]]>([
    [1, ['1s', '5s']],
    [1_500, ['1s', '5s']],
    [90_000, ['1m', '2m']],
    [11_000, ['10s', '30s']],
    [129_600_000, ['1h', '2h']],
  ])('of %i ms is refused, and the nearest are %j', async (delay, nearest) => {
    const producer = await producing({}, MQVersion.V4_9_7);
    const sending = producer.send(delayed({ delay }));
    await expect(sending).rejects.toThrow(DelayNotSupportedError);
    await expect(sending).rejects.toMatchObject({ code: 'DELAY_NOT_SUPPORTED', delay, nearest });
    await expect(sending).rejects.toThrow(
      `broker broker-a is of a version before 5.0, which knows fixed levels only. Nearest are ${nearest.join(' and ')}`,
    );
    expect(cluster.broker.stored).toEqual([]);
  });
});

describe('a recall', () => {
  const handleOf = (
    topic = 't',
    broker = 'broker-a',
    deliverAt = cluster.clock.now() + 5_000,
    version = 'v1',
  ): string => Buffer.from(`${version} ${topic} ${broker} ${deliverAt} ABCDEF`).toString('base64url');

  it('takes the handle of the send, and gives the id of the message', async () => {
    const producer = await producing();
    const recallHandle = handleOf();
    cluster.broker.next('SEND_MESSAGE_V2', () => ({
      header: { msgId: 'ABC', queueId: 0, queueOffset: 3, recallHandle },
    }));
    const sent = await producer.send(delayed({ delay: 5_000 }));
    expect(sent.recallHandle).toBe(recallHandle);
    cluster.broker.next('RECALL_MESSAGE', ({ header }) => {
      expect(header).toMatchObject({ producerGroup: 'orders', topic: 't', recallHandle, bname: 'broker-a' });
      return { header: { msgId: 'ABCDEF' } };
    });
    expect(await producer.recall('t', recallHandle)).toBe('ABCDEF');
  });

  it.each<[string, () => string]>([
    ['no handle', () => 'nonsense'],
    ['nothing', () => undefined as never],
    ['a handle of another version', () => handleOf('t', 'broker-a', 5, 'v2')],
    ['a handle of another topic', () => handleOf('other')],
    ['a handle of a broker that is not here', () => handleOf('t', 'broker-z')],
  ])('of %s is foreign', async (_what, handle) => {
    const producer = await producing();
    await expect(producer.recall('t', handle())).rejects.toMatchObject({ code: 'RECALL_FAILED', reason: 'foreign' });
    expect(cluster.broker.requests('RECALL_MESSAGE')).toEqual([]);
  });

  it('fails for now while the master is away', async () => {
    const producer = await producing();
    const route = cluster.routeOf('t')!;
    const replica = { cluster: 'DefaultCluster', brokerName: 'broker-b', brokerAddrs: new Map([[1, 'broker-b:1']]) };
    cluster.routeOf = () => ({ ...route, brokerDatas: [...route.brokerDatas, replica] });
    await expect(producer.recall('t', handleOf('t', 'broker-b'))).rejects.toThrow(BrokerNotFoundError);
  });

  // The words are those of Apache's RecallMessageProcessor; "no such message" is ours.
  it.each([
    ['too late', ResponseCode.ILLEGAL_OPERATION, 'recall failed, timestamp invalid'],
    ['unknown', ResponseCode.ILLEGAL_OPERATION, 'recall failed, no such message waits'],
    ['foreign', ResponseCode.ILLEGAL_OPERATION, 'recall failed, topic not match'],
    ['foreign', ResponseCode.TOPIC_NOT_EXIST, 'recall failed, the topic[t] not exist'],
    ['not enabled', ResponseCode.NO_PERMISSION, 'recall failed, operation is forbidden'],
    ['not enabled', ResponseCode.REQUEST_CODE_NOT_SUPPORTED, 'request type 370 not supported'],
  ])('is %s by the answer %i, %s', async (reason, code, remark) => {
    const producer = await producing();
    cluster.broker.next('RECALL_MESSAGE', () => ({ code, remark }));
    const recalling = producer.recall('t', handleOf());
    await expect(recalling).rejects.toThrow(RecallFailedError);
    await expect(recalling).rejects.toMatchObject({ reason, topic: 't' });
    await expect(recalling).rejects.toThrow(remark);
  });

  it('that the broker cannot do now is an error of its own', async () => {
    const producer = await producing();
    cluster.broker.next('RECALL_MESSAGE', () => ({ code: ResponseCode.SYSTEM_BUSY, remark: 'busy' }));
    await expect(producer.recall('t', handleOf())).rejects.toMatchObject({ code: 'RESPONSE_CODE' });
  });
});

describe('a sharding key', () => {
  it('stands in the message, in every verb, for consumers that keep its order', async () => {
    const producer = await producing();
    const options = { shardingKey: 'order-4711' };
    await producer.send(delayed({}), options);
    await producer.sendOneway(delayed({}), options);
    await producer.transaction(delayed({}), () => undefined, options);
    await cluster.until('three', () => cluster.broker.stored.length === 3);
    for (const { properties, queueId } of cluster.broker.stored) {
      expect(properties.get('__SHARDINGKEY')).toBe('order-4711');
      expect(queueId).toBe(cluster.broker.stored[0]!.queueId);
    }
    const [first] = await producer.sendBatch([delayed({}), delayed({})], options);
    expect(first!.messageQueue.queueId).toBe(cluster.broker.stored[0]!.queueId);
  });

  it('that no property can hold still picks the queue', async () => {
    const producer = await producing();
    await producer.send(delayed({}), { shardingKey: 'a\u0001b' });
    expect(cluster.broker.stored.map(({ properties }) => properties.has('__SHARDINGKEY'))).toEqual([false]);
  });
});
