import { afterEach, describe, expect, it } from '@jest/globals';
import { ResponseCode, decodeBatch } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../../client.js';
import type { Producer } from '../producer.js';
import type { OutgoingMessage, ProducerOptions, SendOptions, SendResult } from '../options/producer-options.js';

let cluster: FakeCluster;
let client: RocketMQClient;

async function producing(
  autoBatch: ProducerOptions['autoBatch'],
  some: Partial<ProducerOptions> = {},
): Promise<Producer> {
  cluster = new FakeCluster({ topics: { t: 2, u: 2 } });
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  const producer = client.createProducer({ group: 'orders', autoBatch, ...some });
  await producer.start();
  await producer.fetchPublishMessageQueues('t');
  return producer;
}

afterEach(async () => {
  await client.shutdown();
  await cluster.clock.advance(0);
});

const batches = (): number[] =>
  cluster.broker.requests('SEND_BATCH_MESSAGE').map(({ body }) => decodeBatch(body).length);
const singles = (): number => cluster.broker.requests('SEND_MESSAGE_V2').length;

function sendAll(
  producer: Producer,
  count: number,
  some: Partial<OutgoingMessage> = {},
  options?: SendOptions,
): Promise<SendResult>[] {
  return Array.from({ length: count }, (_, i) => producer.send({ topic: 't', body: `${i}`, ...some }, options));
}

/** Lets all happen that needs no time. */
const settle = (): Promise<void> => cluster.clock.advance(0);

describe('autoBatch', () => {
  it('T050: merges sends of 10 ms, and gives each its own result', async () => {
    const producer = await producing(true);
    const sending = sendAll(producer, 5);
    await cluster.clock.advance(9);
    expect([batches(), singles()]).toEqual([[], 0]);
    await cluster.clock.advance(1);
    const results = await Promise.all(sending);
    expect([batches(), singles()]).toEqual([[5], 0]);
    expect(results.map(({ queueOffset }) => queueOffset)).toEqual([0, 1, 2, 3, 4]);
    expect(new Set(results.map(({ offsetMsgId }) => offsetMsgId)).size).toBe(5);
    for (const [i, { msgId }] of results.entries()) {
      const stored = cluster.broker.stored.find(({ properties }) => properties.get('UNIQ_KEY') === msgId);
      expect(stored!.body.toString()).toBe(`${i}`);
    }
  });

  it('T050: merges what goes to one queue, however that was chosen, and nothing else', async () => {
    const producer = await producing(true);
    const messageQueue = { topic: 't', brokerName: 'broker-a', queueId: 1 };
    const sending = [
      ...sendAll(producer, 2, {}, { messageQueue }),
      ...sendAll(producer, 3, {}, { selector: (queues) => queues[1]! }),
      ...sendAll(producer, 2, {}, { messageQueue: { ...messageQueue, queueId: 0 } }),
      ...sendAll(producer, 4),
      ...sendAll(producer, 5, { tags: 'A' }),
      ...sendAll(producer, 6, { waitStoreMsgOk: false }),
      ...sendAll(producer, 7, { topic: 'u' }),
    ];
    await settle();
    await cluster.clock.advance(10);
    const results = await Promise.all(sending);
    expect(batches().toSorted((a, b) => a - b)).toEqual([2, 4, 5, 5, 6, 7]);
    expect(results.slice(0, 5).map((result) => result.messageQueue)).toEqual(Array(5).fill(messageQueue));
  });

  it('sends at once what is more than holdBytes, and what is alone by itself', async () => {
    const producer = await producing({ holdBytes: 100, holdMs: 30_000 });
    const sending = sendAll(producer, 3, { body: 'x'.repeat(50) });
    await Promise.all(sending);
    expect(batches()).toEqual([3]);
    const alone = producer.send({ topic: 't', body: 'alone' });
    await cluster.clock.advance(30_000);
    await alone;
    expect(singles()).toBe(1);
  });

  it('holds no more than totalBytes: what is beyond goes by itself, and there is room again when they are sent', async () => {
    const producer = await producing({ totalBytes: 100, holdMs: 1_000 });
    const held = sendAll(producer, 2, { body: 'x'.repeat(50) });
    await producer.send({ topic: 't', body: 'y' });
    expect([batches(), singles()]).toEqual([[], 1]);
    await cluster.clock.advance(1_000);
    await Promise.all(held);
    const again = sendAll(producer, 2, { body: 'x'.repeat(50) });
    await cluster.clock.advance(1_000);
    await Promise.all(again);
    expect([batches(), singles()]).toEqual([[2, 2], 1]);
  });

  it.each<[string, Partial<OutgoingMessage>, SendOptions]>([
    ['a delay level', { delayLevel: 1 }, {}],
    ['a delay', { delay: 5_000 }, {}],
    ['a time-out of its own', {}, { timeout: 1_000 }],
  ])('does not hold a send with %s', async (_what, some, options) => {
    const producer = await producing(true);
    await Promise.all(sendAll(producer, 2, some, options));
    expect([batches(), singles()]).toEqual([[], 2]);
  });

  it('does not hold half messages, one-way sends and requests', async () => {
    const producer = await producing(true);
    await (await producer.beginTransaction({ topic: 't', body: 'half' })).commit();
    await producer.sendOneway({ topic: 't', body: 'one-way' });
    await settle();
    expect([batches(), singles()]).toEqual([[], 2]);
  });

  it('splits what is held where a batch would be larger than maxMessageSize', async () => {
    const producer = await producing(
      { holdBytes: 10_000 },
      { maxMessageSize: 300, compressMsgBodyOverHowmuch: 10_000 },
    );
    const sending = sendAll(producer, 4, { body: 'x'.repeat(60) });
    await cluster.clock.advance(10);
    expect((await Promise.all(sending)).every(({ sendStatus }) => sendStatus === 'SEND_OK')).toBe(true);
    expect(batches()).toEqual([2, 2]);
  });

  it('gives each send of a batch that failed the error', async () => {
    const producer = await producing(true);
    cluster.broker.next('SEND_BATCH_MESSAGE', () => ({ code: ResponseCode.MESSAGE_ILLEGAL, remark: 'no' }));
    const sending = Promise.allSettled(sendAll(producer, 3));
    await cluster.clock.advance(10);
    for (const outcome of await sending) expect(outcome).toMatchObject({ reason: { responseCode: 13, remark: 'no' } });
  });

  it('refuses a wrong message at once', async () => {
    const producer = await producing(true);
    await expect(producer.send({ topic: 't', body: '' })).rejects.toMatchObject({ code: 'MESSAGE_ILLEGAL' });
    await expect(producer.send(null as never)).rejects.toMatchObject({ code: 'MESSAGE_ILLEGAL' });
  });

  it('sends at a shutdown what is held, without waiting, and loses nothing', async () => {
    const producer = await producing({ holdMs: 30_000 });
    const sending = sendAll(producer, 2, { tags: 'held' });
    await settle();
    // These are not held yet when the shutdown begins.
    sending.push(...sendAll(producer, 1), ...sendAll(producer, 2, {}, { shardingKey: 'k' }));
    await producer.shutdown();
    expect((await Promise.all(sending)).map(({ sendStatus }) => sendStatus)).toEqual(Array(5).fill('SEND_OK'));
    expect(cluster.broker.stored).toHaveLength(5);
    await expect(producer.send({ topic: 't', body: 'late' })).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  });

  it('with holdMs: 0 merges the sends of one turn, without a timer', async () => {
    const producer = await producing({ holdMs: 0 });
    await Promise.all(sendAll(producer, 4));
    expect(batches()).toEqual([4]);
  });

  it.each<[string, unknown]>([
    ['autoBatch', 'yes'],
    ['autoBatch', null],
    ['autoBatch.holdMs', { holdMs: -1 }],
    ['autoBatch.holdMs', { holdMs: 30_001 }],
    ['autoBatch.holdBytes', { holdBytes: 0 }],
    ['autoBatch.holdBytes', { holdBytes: 2_097_153 }],
    ['autoBatch.totalBytes', { totalBytes: 0 }],
  ])('refuses a wrong %s: %j', async (option, autoBatch) => {
    await producing(false);
    const make = (): Producer => client.createProducer({ group: 'g', autoBatch: autoBatch as boolean });
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });
});
