import { afterEach, describe, expect, it } from '@jest/globals';
import { ResponseCode, decodeBatch, decodeProperties, encodeBatch } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../../client.js';
import { BatchSendFailedError, SendSkippedError } from './batch-errors.js';
import { queueOfKey } from '../queues/choose-queue.js';
import type { Producer } from '../producer.js';
import type { BatchMessage, ProducerOptions, SendOptions, SendResult } from '../options/producer-options.js';

let cluster: FakeCluster;
let client: RocketMQClient;

async function producing(fake: FakeCluster, options: Partial<ProducerOptions> = {}): Promise<Producer> {
  cluster = fake;
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  const producer = client.createProducer({ group: 'orders', ...options });
  await producer.start();
  return producer;
}

afterEach(async () => {
  await client.shutdown();
  await cluster.clock.advance(0);
});

const message = (body: string, some: Partial<BatchMessage> = {}): BatchMessage => ({ topic: 't', body, ...some });
const sizes = (): number[] =>
  cluster.brokers.flatMap((broker) => broker.requests('SEND_BATCH_MESSAGE').map(({ body }) => body.length));
const counts = (): number[] =>
  cluster.brokers.flatMap((broker) =>
    broker.requests('SEND_BATCH_MESSAGE').map(({ body }) => decodeBatch(body).length),
  );

/** Where each message is stored, by its result, must be where the broker has it. */
function expectStoredAsSaid(messages: readonly BatchMessage[], results: readonly SendResult[]): void {
  expect(results).toHaveLength(messages.length);
  for (const [index, result] of results.entries()) {
    const broker = cluster.brokers.find(({ name }) => name === result.messageQueue.brokerName)!;
    const stored = broker.stored.find(({ properties }) => properties.get('UNIQ_KEY') === result.msgId)!;
    const { topic, queueId } = result.messageQueue;
    expect({ body: stored.body.toString(), topic: stored.topic, queueId: stored.queueId }).toEqual({
      body: messages[index]!.body,
      topic,
      queueId,
    });
    const inQueue = broker.stored.filter((each) => each.topic === topic && each.queueId === queueId);
    expect(inQueue[result.queueOffset]).toBe(stored);
  }
  expect(new Set(results.map(({ msgId }) => msgId)).size).toBe(messages.length);
  const places = results.map(({ offsetMsgId, messageQueue }) => `${messageQueue.brokerName} ${offsetMsgId}`);
  expect(new Set(places).size).toBe(messages.length);
}

/** A request waits for flush and replication, or does not: as all its messages ask. */
function expectOneWaitEach(): void {
  for (const { header, body } of cluster.brokers.flatMap((broker) => broker.requests('SEND_BATCH_MESSAGE'))) {
    const wait = decodeProperties(String(header['i'])).get('WAIT')!;
    for (const { properties } of decodeBatch(body)) expect(properties.toString()).toContain(`WAIT\u0001${wait}`);
  }
}

describe('a batch', () => {
  it('T051: is one request, and has a result with both ids for each message, in their order', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    const messages = Array.from({ length: 100 }, (_, i) => message(`${i}`));
    const results = await producer.sendBatch(messages);
    expect(cluster.broker.requests('SEND_BATCH_MESSAGE')).toHaveLength(1);
    expect(cluster.broker.requests('SEND_BATCH_MESSAGE')[0]!.header).toMatchObject({ b: 't', m: true, f: 0 });
    expectStoredAsSaid(messages, results);
    expect(results.map(({ queueOffset }) => queueOffset)).toEqual(messages.map((_, i) => i));
  });

  it('T057: is split where the encoded batch would be larger than maxMessageSize, exactly', async () => {
    const bodies = Array.from({ length: 8 }, (_, i) => message(`${i}`.repeat(100)));
    const one = async (maxMessageSize: number): Promise<number[]> => {
      const producer = await producing(new FakeCluster({ topics: { t: 1 } }), { maxMessageSize });
      expectStoredAsSaid(bodies, await producer.sendBatch(bodies));
      return sizes();
    };
    const [whole] = await one(4_194_304);
    expect(await one(whole!)).toEqual([whole]);
    await client.shutdown();
    const parts = await one(whole! - 1);
    expect(parts).toEqual([(whole! / 8) * 7]);
    expect(cluster.broker.requests('SEND_MESSAGE_V2')).toHaveLength(1);
  });

  it('sends a message by itself that fits, but not as a batch', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }), { maxMessageSize: 200 });
    const messages = [message('a'), message('b'.repeat(200)), message('c')];
    expectStoredAsSaid(messages, await producer.sendBatch(messages));
  });

  it('is split by topic, which Java refuses, and by waitStoreMsgOk', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 2, u: 2 } }));
    const messages = Array.from({ length: 12 }, (_, i) =>
      message(`${i}`, { topic: i % 2 === 0 ? 't' : 'u', ...(i % 3 === 0 && { waitStoreMsgOk: false }) }),
    );
    expectStoredAsSaid(messages, await producer.sendBatch(messages));
    expect(counts().toSorted((a, b) => a - b)).toEqual([2, 2, 4, 4]);
    expectOneWaitEach();
  });

  it("takes the messages of one sharding key to Java's queue for it, in their order, across requests", async () => {
    const fake = new FakeCluster({ brokers: ['broker-a', 'broker-b'], topics: { t: 3 } });
    const producer = await producing(fake, { maxMessageSize: 400 });
    const keys = ['order-1', 'order-2', 'ключ', 'order-4'];
    const messages = Array.from({ length: 40 }, (_, i) =>
      message(`${i}`, { shardingKey: keys[i % 4]!, ...(i % 5 === 0 && { waitStoreMsgOk: false }) }),
    );
    const results = await producer.sendBatch(messages);
    expectStoredAsSaid(messages, results);
    const queues = await producer.fetchPublishMessageQueues('t');
    for (const [i, result] of results.entries()) {
      expect(result.messageQueue).toEqual(queueOfKey(queues, keys[i % 4]!));
      if (i >= 4) expect(result.queueOffset).toBeGreaterThan(results[i - 4]!.queueOffset);
    }
    expectOneWaitEach();
    const stored = cluster.brokers.flatMap((broker) => broker.stored);
    for (const { properties } of stored) expect(keys).toContain(properties.get('__SHARDINGKEY'));
  });

  it.each<[string, SendOptions, number]>([
    ['the queue', { messageQueue: { topic: 't', brokerName: 'broker-a', queueId: 2 } }, 2],
    ['a selector', { selector: (queues, { body }) => queues[String(body).length % 3]! }, 1],
  ])('goes where the options choose %s, but for messages that choose themselves', async (_what, options, queueId) => {
    const producer = await producing(new FakeCluster({ topics: { t: 3 } }));
    const own = { messageQueue: { topic: 't', brokerName: 'broker-a', queueId: 0 } };
    const messages = [message('1'), message('2', own), message('3')];
    const results = await producer.sendBatch(messages, options);
    expectStoredAsSaid(messages, results);
    expect(results.map(({ messageQueue }) => messageQueue.queueId)).toEqual([queueId, 0, queueId]);
  });

  it("shows a broker's one id for all where it keeps a batch as one", async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    cluster.broker.next('SEND_BATCH_MESSAGE', () => ({ header: { msgId: 'ONE', queueId: 0, queueOffset: 7 } }));
    const results = await producer.sendBatch([message('1'), message('2')]);
    expect(results).toMatchObject([
      { offsetMsgId: 'ONE', queueOffset: 7 },
      { offsetMsgId: 'ONE', queueOffset: 8 },
    ]);
  });

  it('leaves its messages as they are', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    const body = Buffer.from('x'.repeat(5_000));
    const given = Object.freeze([Object.freeze({ topic: 't', body }), Object.freeze({ topic: 't', body })]);
    await producer.sendBatch(given);
    expect(body.equals(Buffer.from('x'.repeat(5_000)))).toBe(true);
  });
});

describe('a batch of which a part fails', () => {
  it('rejects with the results and the failures of each message', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1, u: 1 } }));
    cluster.broker.next('SEND_BATCH_MESSAGE', () => ({ code: ResponseCode.MESSAGE_ILLEGAL, remark: 'no' }));
    const messages = [message('0'), message('1', { topic: 'u' }), message('2'), message('3', { topic: 'u' })];
    const error = await producer.sendBatch(messages).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BatchSendFailedError);
    const { results, failures, cause } = error as BatchSendFailedError;
    expect(results.map((result) => result?.messageQueue.topic)).toEqual([undefined, 'u', undefined, 'u']);
    expect(failures).toMatchObject([
      { index: 0, message: messages[0], error: { responseCode: 13 } },
      { index: 2, message: messages[2], error: { responseCode: 13 } },
    ]);
    expect(cause).toBe(failures[0]!.error);
    expect(String(error)).toMatch(/2 of the 4 messages of a batch failed.*Message 0: .*`failures` again/);
    const again = await producer.sendBatch(failures.map((failure) => failure.message));
    expect(again).toHaveLength(2);
  });

  it('sends nothing behind a failure to a queue that was chosen, so that the order can be kept', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 2 } }), { maxMessageSize: 200 });
    cluster.broker.next('SEND_BATCH_MESSAGE', () => ({ code: ResponseCode.MESSAGE_ILLEGAL }));
    const messages = Array.from({ length: 6 }, (_, i) => message(`${i}`));
    const error = (await producer
      .sendBatch(messages, { shardingKey: 'k' })
      .catch((thrown: unknown) => thrown)) as BatchSendFailedError;
    expect(error.results.filter((result) => result !== undefined)).toEqual([]);
    expect(error.failures.at(-1)!.error).toBeInstanceOf(SendSkippedError);
    expect(error.failures.at(-1)!.error).toMatchObject({
      code: 'SEND_SKIPPED',
      topic: 't',
      cause: { responseCode: 13 },
    });
    expect(cluster.broker.stored).toEqual([]);
  });

  it('tells which topic does not exist, and sends the others', async () => {
    const fake = new FakeCluster({ topics: { t: 1 }, autoCreate: false });
    const producer = await producing(fake);
    const messages = [
      message('0', { topic: 'absent', shardingKey: 'k' }),
      message('1'),
      message('2', { topic: 'gone' }),
    ];
    const error = await producer.sendBatch(messages).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      failures: [
        { index: 0, error: { code: 'NOT_FOUND_TOPIC', topic: 'absent' } },
        { index: 2, error: { code: 'NOT_FOUND_TOPIC', topic: 'gone' } },
      ],
    });
    expect(cluster.broker.stored.map(({ body }) => body.toString())).toEqual(['1']);
  });

  it('loses nothing at a shutdown: each message is stored, or told of', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }), { maxMessageSize: 200 });
    cluster.broker.next('SEND_BATCH_MESSAGE', () => new Promise(() => undefined));
    const messages = Array.from({ length: 6 }, (_, i) => message(`${i}`));
    const sending = producer.sendBatch(messages, { shardingKey: 'k' }).catch((thrown: unknown) => thrown);
    await cluster.until('sent', () => sizes().length === 1);
    const closing = producer.shutdown({ deadline: 1_000 });
    await cluster.clock.advance(1_000);
    await closing;
    await cluster.clock.advance(3_000);
    const { failures } = (await sending) as BatchSendFailedError;
    expect(failures.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe('a batch at a shutdown that does not wait for it any longer', () => {
  it('sends no further request', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }), { maxMessageSize: 200 });
    let answer = (): void => undefined;
    cluster.broker.next('SEND_BATCH_MESSAGE', () => {
      return new Promise((resolve) => {
        answer = () => resolve({ header: { msgId: 'A,B', queueId: 0, queueOffset: 0 } });
      });
    });
    const messages = Array.from({ length: 4 }, (_, i) => message(`${i}`));
    const sending = producer.sendBatch(messages, { shardingKey: 'k' }).catch((thrown: unknown) => thrown);
    await cluster.until('sent', () => sizes().length === 1);
    const closing = producer.shutdown({ deadline: 1_000 });
    await cluster.clock.advance(1_000);
    await closing;
    answer();
    const { failures } = (await sending) as BatchSendFailedError;
    expect(failures[0]).toMatchObject({ error: { code: 'NOT_RUNNING' } });
    expect(sizes()).toHaveLength(1);
  });
});

describe('a batch that no broker would take', () => {
  it.each<[string, unknown, unknown, RegExp, string]>([
    ['is null', null, {}, /messages is null.*array of messages/, 'INVALID_OPTION'],
    ['is undefined', undefined, {}, /messages is undefined/, 'INVALID_OPTION'],
    ['is one message', { topic: 't', body: 'x' }, {}, /array of messages/, 'INVALID_OPTION'],
    ['is empty', [], {}, /empty/, 'MESSAGE_ILLEGAL'],
    [
      'has a hole',
      Object.assign(Array(2), { 0: { topic: 't', body: 'x' } }),
      {},
      /message 1 of the batch is missing/,
      'MESSAGE_ILLEGAL',
    ],
    ['has a number', [7], {}, /message 0 of the batch is missing/, 'MESSAGE_ILLEGAL'],
    ['has options that are null', [{ topic: 't', body: 'x' }], null, /options is null/, 'INVALID_OPTION'],
    ['has a timeout of 0', [{ topic: 't', body: 'x' }], { timeout: 0 }, /timeout is 0/, 'INVALID_OPTION'],
    ['has no body', [{ topic: 't' }], {}, /body .*missing/, 'MESSAGE_ILLEGAL'],
    [
      'has a delay level',
      [message('1'), message('2', { delayLevel: 1 })],
      {},
      /message 1 .*delayed/,
      'MESSAGE_ILLEGAL',
    ],
    ['has a delay', [message('1', { delay: 5 })], {}, /message 0 .*delayed/, 'MESSAGE_ILLEGAL'],
    ['goes to a retry topic', [message('1', { topic: '%RETRY%g' })], {}, /retry topic %RETRY%g/, 'MESSAGE_ILLEGAL'],
    [
      'is a transaction',
      [message('1', { properties: { TRAN_MSG: 'true' } })],
      {},
      /TRAN_MSG is RocketMQ's/,
      'MESSAGE_ILLEGAL',
    ],
    ['has an empty key', [message('1', { shardingKey: '' })], {}, /shardingKey is ''/, 'INVALID_OPTION'],
    ['has a selector that is none', [message('1', { selector: 'hash' as never })], {}, /selector/, 'INVALID_OPTION'],
    [
      "has another topic's queue",
      [message('1', { messageQueue: { topic: 'u', brokerName: 'b', queueId: 0 } })],
      {},
      /queue given is of topic u/,
      'MESSAGE_ILLEGAL',
    ],
    [
      'has more properties than a record',
      [message('1', { properties: { a: 'x'.repeat(40_000) } })],
      {},
      /properties of message 0 of the batch have 4\d+ bytes/,
      'MESSAGE_ILLEGAL',
    ],
  ])('because it %s is refused before anything is sent', async (_what, messages, options, reason, code) => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    const error = await producer
      .sendBatch(messages as BatchMessage[], options as SendOptions)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringMatching(reason) });
    expect(cluster.broker.received.filter(({ name }) => name.startsWith('SEND'))).toEqual([]);
  });

  it('is too large in one message', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }), { maxMessageSize: 10 });
    await expect(producer.sendBatch([message('1'), message('2'.repeat(11))])).rejects.toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      size: 11,
    });
  });
});

it('the size of an item is what its encoding has', () => {
  const item = { flag: 1, body: Buffer.alloc(5), properties: Buffer.alloc(7) };
  expect(encodeBatch([item, item])).toHaveLength(2 * (22 + 12));
});
