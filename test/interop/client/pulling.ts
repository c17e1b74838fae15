// Tests our client's consumers that pull.
import { expect, test } from '@jest/globals';
import type { LitePullConsumer, LitePullConsumerOptions, RocketMQClient } from '@nest-rocketmq/client';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { numbered, sorted } from '../harness/lists.js';
import { bodiesOf } from '../harness/our-reader.js';
import { type Peer, QUEUES } from './peer.js';

const PATIENCE_MS = 60_000;

/** Polls until so many have come; rejects after 60 s. */
export async function pollUntil(consumer: LitePullConsumer, count: number): Promise<MessageExt[]> {
  const got: MessageExt[] = [];
  const deadline = Date.now() + PATIENCE_MS;
  while (got.length < count) {
    if (Date.now() > deadline) throw new Error(`of ${count} messages there came: ${bodiesOf(got).join(', ')}`);
    got.push(...(await consumer.poll({ timeout: 500, max: count - got.length })));
  }
  return got;
}

const aConsumer = (client: RocketMQClient, options: LitePullConsumerOptions): LitePullConsumer =>
  client.createLitePullConsumer({ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', ...options });

const queuesOf = (topic: string): MessageQueue[] =>
  Array.from({ length: QUEUES }, (_, queueId) => ({ topic, brokerName: 'broker-a', queueId }));

/** Sends the bodies to the topic's queues in turn. */
async function fill(peer: Peer, topic: string, bodies: readonly string[], tags?: string): Promise<void> {
  await peer.client.admin.createTopic({ topic, queues: QUEUES });
  const queues = queuesOf(topic);
  for (const [i, body] of bodies.entries()) {
    await peer.producer.send({ topic, body, ...(tags && { tags }) }, { messageQueue: queues[i % QUEUES]! });
  }
}

export function declarePullTests(peer: Peer): void {
  declareReadingTests(peer);
  declarePlaceTests(peer);
  declareSharingTests(peer);
}

function declareReadingTests(peer: Peer): void {
  test('T131 a loop gets all messages with its tag, each queue in order', async () => {
    const topic = 'ours_pull_loop';
    await fill(peer, topic, numbered('no', 8), 'TagB');
    await fill(peer, topic, numbered('yes', 40), 'TagA');
    const consumer = aConsumer(peer.client, {
      group: `${topic}_group`,
      subscriptions: [{ topic, expression: 'TagA' }],
    });
    await consumer.start();
    const got: MessageExt[] = [];
    for await (const message of consumer) {
      got.push(message);
      if (got.length === 40) break;
    }
    expect(sorted(bodiesOf(got))).toEqual(sorted(numbered('yes', 40)));
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      const offsets = got.filter((message) => message.queueId === queueId).map(({ queueOffset }) => queueOffset);
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    }
    await consumer.commit();
    await consumer.shutdown();
    // All 12 of each queue are behind it, those of the other tag too.
    for (const queue of queuesOf(topic)) {
      expect(await peer.client.admin.consumerOffset(`${topic}_group`, queue)).toBe(12);
    }
  });

  test('T131 assigned queues are read, and what comes while it waits arrives at once', async () => {
    const topic = 'ours_pull_assign';
    await fill(peer, topic, numbered('m', 8));
    const consumer = aConsumer(peer.client, { group: `${topic}_group` });
    const [first, , third] = queuesOf(topic);
    await consumer.assign([first!, third!]);
    await consumer.start();
    expect(sorted(bodiesOf(await pollUntil(consumer, 4)))).toEqual(['m-0', 'm-2', 'm-4', 'm-6']);
    const waiting = consumer.poll({ timeout: 30_000 });
    const sentAt = Date.now();
    await peer.producer.send({ topic, body: 'later' }, { messageQueue: third! });
    expect(bodiesOf(await waiting)).toEqual(['later']);
    // Sooner than by the next pull: one that finds nothing is held for 15 s.
    expect(Date.now() - sentAt).toBeLessThan(10_000);
    await consumer.shutdown();
  });
}

function declarePlaceTests(peer: Peer): void {
  test('T133 T134 it seeks to offsets, ends and times, and pauses', async () => {
    const topic = 'ours_pull_seek';
    await fill(peer, topic, numbered('m', 8));
    const consumer = aConsumer(peer.client, { group: `${topic}_group` });
    const [queue, other] = queuesOf(topic) as [MessageQueue, MessageQueue];
    await consumer.assign([queue, other]);
    await consumer.start();
    expect(await consumer.fetchMessageQueues(topic)).toHaveLength(QUEUES);
    await pollUntil(consumer, 4);
    consumer.pause([other]);
    await consumer.seekToBegin(other);
    await consumer.seek(queue, 1);
    expect(bodiesOf(await pollUntil(consumer, 1))).toEqual(['m-4']);
    expect(await consumer.poll({ timeout: 500 })).toEqual([]);
    consumer.resume([other]);
    expect(bodiesOf(await pollUntil(consumer, 2))).toEqual(['m-1', 'm-5']);
    await expect(consumer.seek(queue, 3)).rejects.toThrow(/range/);
    await consumer.seekToEnd(queue);
    expect(consumer.position(queue)).toBe(2);
    expect(await consumer.offsetForTimestamp(queue, 0)).toBe(0);
    await consumer.seekToTimestamp(queue, 0);
    expect(bodiesOf(await pollUntil(consumer, 2))).toEqual(['m-0', 'm-4']);
    await consumer.shutdown();
  });

  test('T135 what is committed is not read again by the next consumer, and the rest is', async () => {
    const topic = 'ours_pull_commit';
    const options = { group: `${topic}_group`, subscriptions: [{ topic }], autoCommit: false };
    await fill(peer, topic, numbered('m', 16));
    const first = aConsumer(peer.client, options);
    await first.start();
    const before = await pollUntil(first, 6);
    await first.commit();
    await pollUntil(first, 5);
    await first.shutdown();
    const second = aConsumer(peer.client, options);
    await second.start();
    const after = await pollUntil(second, 10);
    expect(sorted(bodiesOf([...before, ...after]))).toEqual(sorted(numbered('m', 16)));
    const [queue] = queuesOf(topic) as [MessageQueue];
    // Undefined, if none of the first six was of that queue.
    expect((await second.committed(queue)) ?? 0).toBe(before.filter(({ queueId }) => queueId === 0).length);
    await second.shutdown();
  });
}

function declareSharingTests(peer: Peer): void {
  test('T131 two consumers of a group share the queues, and the one that stays takes over the rest', async () => {
    const topic = 'ours_pull_share';
    const options = { group: `${topic}_group`, subscriptions: [{ topic }] };
    await fill(peer, topic, []);
    const clients = [peer.newClient(), peer.newClient()];
    const consumers = clients.map((client) => aConsumer(client, options));
    const [left, right] = consumers as [LitePullConsumer, LitePullConsumer];
    try {
      for (const consumer of consumers) await consumer.start();
      const deadline = Date.now() + PATIENCE_MS;
      while (consumers.some((consumer) => consumer.assignment().length !== QUEUES / 2)) {
        if (Date.now() > deadline) throw new Error('the queues were not divided');
        for (const consumer of consumers) expect(await consumer.poll({ timeout: 100 })).toEqual([]);
      }
      await fill(peer, topic, numbered('both', 20));
      const both = [...(await pollUntil(left, 10)), ...(await pollUntil(right, 10))];
      expect(sorted(bodiesOf(both))).toEqual(sorted(numbered('both', 20)));
      await right.commit();
      await right.shutdown();
      await fill(peer, topic, numbered('alone', 8));
      expect(sorted(bodiesOf(await pollUntil(left, 8)))).toEqual(sorted(numbered('alone', 8)));
    } finally {
      for (const client of clients) await client.shutdown();
    }
  });
}
