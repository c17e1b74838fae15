import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  InvalidOptionError,
  NotRunningError,
  ResponseCode,
  ResponseError,
  SysFlag,
  canCompress,
  inflateBody,
} from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../../client.js';
import type { ClientOptions } from '../../config/options.js';
import { MessageTooLargeError, TopicNotFoundError } from '../../errors.js';
import type { Producer } from '../producer.js';
import type { OutgoingMessage, ProducerOptions, SendOptions } from '../options/producer-options.js';

let cluster: FakeCluster;
let client: RocketMQClient;

async function producing(
  fake: FakeCluster,
  options: Partial<ProducerOptions> = {},
  more: Partial<ClientOptions> = {},
): Promise<Producer> {
  cluster = fake;
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock, ...more });
  const producer = client.createProducer({ group: 'orders', ...options });
  await producer.start();
  return producer;
}

afterEach(async () => {
  await client.shutdown();
  await cluster.clock.advance(0);
});

describe('a send', () => {
  it('stores keys, tags, properties and delay level under the names that Apache gives them', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 2 } }));
    const result = await producer.send({
      topic: 't',
      body: 'hällo',
      tags: 'A',
      keys: ['k1', 'k2'],
      delayLevel: 3,
      properties: { color: 'red' },
    });
    const [stored] = cluster.broker.stored;
    expect(stored!.body.toString()).toBe('hällo');
    expect(Object.fromEntries(stored!.properties)).toEqual({
      KEYS: 'k1 k2',
      TAGS: 'A',
      DELAY: '3',
      WAIT: 'true',
      UNIQ_KEY: result.msgId,
      color: 'red',
    });
    expect(result).toMatchObject({ sendStatus: 'SEND_OK', regionId: 'DefaultRegion', traceOn: true, queueOffset: 0 });
    expect(result.msgId).toMatch(/^[0-9A-F]{32}$/);
    expect(result.offsetMsgId).toBe('7F00000100002A9F0000000000000000');
  });

  it('goes round the queues', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 3 } }));
    for (let i = 0; i < 6; i++) await producer.send({ topic: 't', body: 'x' });
    const queues = cluster.broker.stored.map(({ queueId }) => queueId);
    expect(new Set(queues.slice(0, 3))).toEqual(new Set([0, 1, 2]));
    expect(queues.slice(3)).toEqual(queues.slice(0, 3));
  });

  it('tells the broker of its group before the first message', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    await producer.send({ topic: 't', body: 'x' });
    expect(cluster.broker.received.map(({ name }) => name)).toEqual(['HEART_BEAT', 'SEND_MESSAGE_V2']);
    expect(cluster.broker.heartbeats[0]!.producerGroups).toEqual(['orders']);
  });

  it('T024: compresses bodies of 4096 bytes and more, and leaves the message as it was', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    const message = { topic: 't', body: Buffer.alloc(4096, 'ab') };
    await producer.send(message);
    await producer.send({ topic: 't', body: Buffer.alloc(4095, 'ab') });
    const [large, small] = cluster.broker.stored;
    expect(large!.sysFlag).toBe(SysFlag.COMPRESSED | SysFlag.COMPRESSION_ZLIB);
    expect(large!.body.subarray(0, 2).toString('hex')).toBe('785e');
    expect(inflateBody(large!.body, large!.sysFlag)).toEqual(message.body);
    expect(small!.sysFlag).toBe(0);
    expect(message).toEqual({ topic: 't', body: Buffer.alloc(4096, 'ab') });
  });

  const types = (['ZLIB', 'LZ4', 'ZSTD'] as const).filter((type) => canCompress(type));
  it.each(types)(
    'T024: compresses by %s, marked as in Java, also one-way, and leaves the message as it was',
    async (type) => {
      const producer = await producing(new FakeCluster({ topics: { t: 1 } }), {
        compressType: type,
        compressLevel: 3,
        compressMsgBodyOverHowmuch: 100,
      });
      const message = { topic: 't', body: Buffer.alloc(5_000, 'ab') };
      await Promise.all([producer.send(message), producer.sendOneway(message)]);
      await cluster.until('both', () => cluster.broker.stored.length === 2);
      for (const { sysFlag, body } of cluster.broker.stored) {
        expect(sysFlag).toBe({ ZLIB: 0x301, LZ4: 0x101, ZSTD: 0x201 }[type]);
        expect(body.length).toBeLessThan(200);
        expect(inflateBody(body, sysFlag)).toEqual(message.body);
      }
      expect(message).toEqual({ topic: 't', body: Buffer.alloc(5_000, 'ab') });
    },
  );

  it.each(types)('leaves a body as it is that %s would make larger, or no smaller', async (type) => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }), { compressType: type });
    const random = randomBytes(100_000);
    await producer.send({ topic: 't', body: random });
    expect(cluster.broker.stored[0]!.sysFlag).toBe(0);
    expect(cluster.broker.stored[0]!.body.equals(random)).toBe(true);
  });

  it.each<[string, object]>([
    ['compressType', { compressType: 'SNAPPY' }],
    ['compressLevel', { compressLevel: 10 }],
    ['compressLevel', { compressLevel: -1 }],
    ...(canCompress('ZSTD')
      ? ([['compressLevel', { compressType: 'ZSTD', compressLevel: 0 }]] as [string, object][])
      : ([['compressType', { compressType: 'ZSTD' }]] as [string, object][])),
  ])('refuses a wrong %s: %j', async (option, options) => {
    await expect(producing(new FakeCluster({ topics: { t: 1 } }), options)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      option,
    });
  });

  it('leaves a body as it is that compression would make larger, or no smaller', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    const random = randomBytes(4_194_304);
    await producer.send({ topic: 't', body: random });
    const [stored] = cluster.broker.stored;
    expect(stored!.sysFlag).toBe(0);
    expect(stored!.body.equals(random)).toBe(true);
  });

  it('refuses a body above maxMessageSize before asking anybody', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }), { maxMessageSize: 100 });
    const sending = producer.send({ topic: 't', body: Buffer.alloc(101) });
    await expect(sending).rejects.toThrow(MessageTooLargeError);
    await expect(sending).rejects.toThrow(/topic t has 101 bytes and maxMessageSize is 100/);
    expect(cluster.routeRequests).not.toContain('t');
  });

  it('of a producer that is not started, or is shut down, is refused', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    await producer.shutdown();
    await expect(producer.send({ topic: 't', body: 'x' })).rejects.toThrow(NotRunningError);
  });
});

describe('a topic that does not exist', () => {
  it('is created by sending along the route of TBW102, with at most 4 queues', async () => {
    const producer = await producing(new FakeCluster());
    await producer.send({ topic: 'new', body: 'x' });
    expect(cluster.routeRequests.slice(-2)).toEqual(['new', 'TBW102']);
    expect(cluster.broker.requests('SEND_MESSAGE_V2')[0]!.header).toMatchObject({ b: 'new', c: 'TBW102', d: 4 });
    expect(await producer.fetchPublishMessageQueues('new')).toHaveLength(4);
  });

  it('T026: is an error that names topic, name server and remedy where brokers create none', async () => {
    const producer = await producing(new FakeCluster({ autoCreate: false }));
    const sending = producer.send({ topic: 'new', body: 'x' });
    await expect(sending).rejects.toThrow(TopicNotFoundError);
    await expect(sending).rejects.toThrow(/topic new .*ns-a:9876.*createTopic/);
  });

  it('is the same error when the broker says so', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    for (let i = 0; i < 3; i++) cluster.broker.next('SEND_MESSAGE_V2', () => ({ code: ResponseCode.TOPIC_NOT_EXIST }));
    await expect(producer.send({ topic: 't', body: 'x' })).rejects.toThrow(TopicNotFoundError);
  });
});

describe('a message that is stored but not yet flushed', () => {
  it('is a success with a status of its own', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    cluster.broker.next('SEND_MESSAGE_V2', () => ({
      code: ResponseCode.FLUSH_DISK_TIMEOUT,
      header: { msgId: 'A', queueId: 0, queueOffset: 7 } as never,
    }));
    expect(await producer.send({ topic: 't', body: 'x' })).toMatchObject({
      sendStatus: 'FLUSH_DISK_TIMEOUT',
      queueOffset: 7,
    });
  });

  it('goes to another broker where the producer wants that', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 2 } }), { retryAnotherBrokerWhenNotStoreOK: true });
    cluster.broker.next('SEND_MESSAGE_V2', () => ({ code: ResponseCode.SLAVE_NOT_AVAILABLE }));
    expect(await producer.send({ topic: 't', body: 'x' })).toMatchObject({ sendStatus: 'SEND_OK' });
  });
});

describe('a send to a chosen queue', () => {
  it('goes there, and nowhere else when it fails', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 4 } }));
    const messageQueue = { topic: 't', brokerName: 'broker-a', queueId: 2 };
    await producer.send({ topic: 't', body: 'x' }, { messageQueue });
    expect(cluster.broker.stored[0]!.queueId).toBe(2);
    cluster.broker.next('SEND_MESSAGE_V2', () => ({ code: ResponseCode.SYSTEM_BUSY }));
    await expect(producer.send({ topic: 't', body: 'x' }, { messageQueue })).rejects.toThrow(ResponseError);
  });

  it.each([5, ''])('is not chosen by %p: that is no sharding key', async (shardingKey) => {
    const producer = await producing(new FakeCluster({ topics: { t: 4 } }));
    await expect(producer.send({ topic: 't', body: 'x' }, { shardingKey: shardingKey as never })).rejects.toThrow(
      InvalidOptionError,
    );
  });

  it('by sharding key is always the same queue', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 4 } }));
    for (let i = 0; i < 3; i++) await producer.send({ topic: 't', body: 'x' }, { shardingKey: 'order-4711' });
    expect(new Set(cluster.broker.stored.map(({ queueId }) => queueId)).size).toBe(1);
  });

  it('by selector is that of the selector', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 4 } }));
    await producer.send({ topic: 't', body: 'x' }, { selector: (queues) => queues[3]! });
    expect(cluster.broker.stored[0]!.queueId).toBe(3);
  });
});

describe('a send whose queue cannot be chosen', () => {
  const broken = (): never => {
    throw new Error('no queue today');
  };
  const calls: [string, SendOptions, RegExp][] = [
    ['a selector that throws', { selector: broken }, /no queue today/],
    ['a selector that chooses nothing', { selector: (() => undefined) as never }, /the selector chose no queue/],
    ['a queue of another topic', { messageQueue: { topic: 'u', brokerName: 'a', queueId: 0 } }, /is of topic u/],
    ['no topic', {}, /topic name '' is empty/],
    ['a broker that is not there', { messageQueue: { topic: 't', brokerName: 'z', queueId: 0 } }, /broker z/],
  ];

  it.each(calls)('T019, T028: rejects, and throws nothing: %s', async (what, options, reason) => {
    const producer = await producing(new FakeCluster({ topics: { t: 2 } }));
    const topic = what === 'no topic' ? '' : 't';
    // Called outside of any promise: what it throws would end the test here.
    const sending = producer.send({ topic, body: 'x' }, options);
    await expect(sending).rejects.toThrow(reason);
    expect(cluster.broker.stored).toEqual([]);
    await expect(producer.send({ topic: 't', body: 'x' })).resolves.toMatchObject({ sendStatus: 'SEND_OK' });
  });

  it.each(calls)('T028: rejects also while others wait for their turn: %s', async (what, options, reason) => {
    const fake = new FakeCluster({ topics: { t: 2 } });
    const producer = await producing(fake, {}, { backPressureForAsyncSendNum: 1 });
    const topic = what === 'no topic' ? '' : 't';
    const all = [
      producer.send({ topic: 't', body: 'before' }),
      expect(producer.send({ topic, body: 'x' }, options)).rejects.toThrow(reason),
      producer.send({ topic: 't', body: 'behind' }),
    ];
    await Promise.all(all);
    expect(cluster.broker.stored.map(({ body }) => body.toString())).toEqual(['before', 'behind']);
  });

  it.each(calls)('T023: rejects when it is one-way, too: %s', async (what, options, reason) => {
    const producer = await producing(new FakeCluster({ topics: { t: 2 } }));
    const sending = producer.sendOneway({ topic: what === 'no topic' ? '' : 't', body: 'x' }, options);
    await expect(sending).rejects.toThrow(reason);
    expect(cluster.broker.stored).toEqual([]);
  });
});

describe('a one-way send', () => {
  it('asks for no answer', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    await producer.sendOneway({ topic: 't', body: 'x' });
    await cluster.until('stored', () => cluster.broker.stored.length === 1);
    expect(cluster.broker.requests('SEND_MESSAGE_V2')[0]!.oneway).toBe(true);
  });
});

describe('T036: a message that no broker would take', () => {
  it.each([
    ['no message at all (T004)', null, /the message is missing/],
    ['no topic (T008)', { body: 'x' }, /topic name undefined is empty/],
    ['an empty topic (T009)', { topic: '', body: 'x' }, /topic name '' is empty/],
    ['a topic with a space', { topic: 'a b', body: 'x' }, /other characters/],
    ['a topic of 128 characters', { topic: 'a'.repeat(128), body: 'x' }, /longer than 127/],
    ["the broker's own topic", { topic: 'SCHEDULE_TOPIC_XXXX', body: 'x' }, /kept by brokers/],
    ['no body (T005)', { topic: 't' }, /missing or empty/],
    ['a body without bytes (T006)', { topic: 't', body: '' }, /missing or empty/],
    ['a body of 4 MiB and a byte (T007)', { topic: 't', body: Buffer.alloc(4_194_305) }, /maxMessageSize is 4194304/],
    ['a reserved property', { topic: 't', body: 'x', properties: { UNIQ_KEY: '1' } }, /UNIQ_KEY is RocketMQ's own/],
    ['an empty property', { topic: 't', body: 'x', properties: { a: '' } }, /'a' is empty/],
    ['a separator in a value', { topic: 't', body: 'x', properties: { a: 'b\u0002' } }, /separate properties/],
    ['a delay level below 0', { topic: 't', body: 'x', delayLevel: -1 }, /delayLevel is -1/],
  ])('because of %s is refused before asking anybody', async (_what, message, reason) => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    await expect(producer.send(message as OutgoingMessage)).rejects.toThrow(reason);
    expect(cluster.broker.received).toEqual([]);
  });
});
