// Holds what Apache's own tests of batches hold (table 5.2), and of the producer's accumulator.
import { expect, test } from '@jest/globals';
import type { OutgoingMessage, Producer, ProducerOptions, RocketMQClient, SendResult } from '@nest-rocketmq/client';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { Reader } from './reader.js';
import type { Stage } from './stage.js';

const MAX_MESSAGE_SIZE = 4_194_304;

interface Batching {
  client: RocketMQClient;
  producer: Producer;
  queues: MessageQueue[];
}

async function batching(
  stage: Stage,
  topic: string,
  queues: number,
  options: Partial<ProducerOptions> = {},
): Promise<Batching> {
  const client = await stage.newClient();
  await done(stage, client.admin.createTopic({ topic, queues }));
  const producer = client.createProducer({ group: `${topic}_producer`, sendMsgTimeout: 20_000, ...options });
  await producer.start();
  return { client, producer, queues: await producer.fetchPublishMessageQueues(topic) };
}

/** Lets time pass until the promise settles. */
async function done<T>(stage: Stage, promise: Promise<T>): Promise<T> {
  let settled = false;
  const settle = (): void => void (settled = true);
  promise.then(settle, settle);
  await stage.until('an answer', () => settled);
  return promise;
}

const numbered = (topic: string, from: number, to: number): OutgoingMessage[] =>
  Array.from({ length: to - from }, (_, i) => ({ topic, body: `${from + i}` }));

/** What is found by an id, as soon as the broker has indexed it. */
async function foundBy(stage: Stage, find: () => Promise<readonly MessageExt[]>): Promise<string[]> {
  let found: readonly MessageExt[] = [];
  for (let tries = 0; tries < 600 && found.length === 0; tries++) {
    found = await done(
      stage,
      find().catch(() => []),
    );
    if (found.length === 0) await stage.pass(100);
  }
  return found.map(({ body }) => body.toString());
}

/** @param takesFull whether a request of `maxMessageSize` is taken: brokers before 4.9.4 count what they store */
export function declareBatchTests(stageOf: () => Stage, takesFull = true): void {
  test('T051: a batch of 100 has 100 ids of each kind, and any message is viewed by either', async () => {
    const stage = stageOf();
    const topic = 'T051';
    const { client, producer } = await batching(stage, topic, 4);
    const results = await producer.sendBatch(numbered(topic, 0, 100));
    expect(new Set(results.map(({ msgId }) => msgId)).size).toBe(100);
    expect(new Set(results.map(({ offsetMsgId }) => offsetMsgId)).size).toBe(100);
    for (const index of [0, 1, 50, 99]) {
      const { msgId, offsetMsgId } = results[index]!;
      const viewed = await foundBy(stage, async () => [await client.admin.viewMessage(topic, offsetMsgId)]);
      const queried = await foundBy(stage, () =>
        client.admin.queryMessage({ topic, key: msgId, end: stage.now() + 3_600_000 }),
      );
      expect({ index, viewed, queried }).toEqual({ index, viewed: [`${index}`], queried: [`${index}`] });
    }
  });

  test('T053: 10 batches of 10 follow each other; a pull from 5 on has the other 95 in order', async () => {
    const stage = stageOf();
    const topic = 'T053';
    const { client, producer, queues } = await batching(stage, topic, 1);
    const [queue] = queues;
    const ends = async (): Promise<number[]> => [
      await done(stage, client.admin.minOffset(queue!)),
      await done(stage, client.admin.maxOffset(queue!)),
    ];
    expect(await ends()).toEqual([0, 0]);
    for (let batch = 0; batch < 10; batch++) {
      const results = await producer.sendBatch(numbered(topic, batch * 10, batch * 10 + 10));
      expect(new Set(results.map(({ msgId }) => msgId)).size).toBe(10);
      expect(results.map(({ queueOffset }) => queueOffset)).toEqual(results.map((_, i) => batch * 10 + i));
    }
    // A broker may tell the end only once its queue has what the log has.
    for (let tries = 0; tries < 100 && (await ends())[1]! < 100; tries++) await stage.pass(100);
    expect(await ends()).toEqual([0, 100]);
    const consumer = client.createLitePullConsumer({ group: 'T053_reader' });
    await done(stage, consumer.start());
    await done(stage, consumer.assign([queue!]));
    await done(stage, consumer.seek(queue!, 5));
    const pulled: MessageExt[] = [];
    while (pulled.length < 95) pulled.push(...(await done(stage, consumer.poll({ timeout: 10_000 }))));
    expect(pulled.map(({ body }) => Number(body.toString()))).toEqual(Array.from({ length: 95 }, (_, i) => i + 5));
  });

  test('T054: keys, tag, properties, flag, waitStoreMsgOk and ids are those of each message', async () => {
    const stage = stageOf();
    const topic = 'T054';
    const { producer } = await batching(stage, topic, 2);
    const reader = await Reader.start(stage, { group: 'T054_reader', topic });
    const messages = numbered(topic, 0, 6).map((message, i) => ({
      ...message,
      keys: [`key${i}`, 'all'],
      tags: `tag${i}`,
      flag: i,
      properties: { index: `${i}`, ü: '漢 = "😀"' },
      waitStoreMsgOk: i % 2 === 0,
    }));
    const results = await producer.sendBatch(messages);
    await stage.until('all', () => reader.got.length === 6);
    for (const { body, message } of reader.got) {
      const i = Number(body);
      expect(Object.fromEntries(message.properties)).toMatchObject({
        KEYS: `key${i} all`,
        TAGS: `tag${i}`,
        index: `${i}`,
        ü: '漢 = "😀"',
        WAIT: String(i % 2 === 0),
        UNIQ_KEY: results[i]!.msgId,
      });
      expect(message).toMatchObject({ flag: i, msgId: results[i]!.msgId, offsetMsgId: results[i]!.offsetMsgId });
    }
  });

  test('T057: what is larger than maxMessageSize in all goes in several requests, up to the last byte', async () => {
    const stage = stageOf();
    const topic = 'T057';
    const { client, producer } = await batching(stage, topic, 1);
    const body = Buffer.alloc(1_000_000, 'x');
    const results = await producer.sendBatch(Array.from({ length: 9 }, () => ({ topic, body })));
    expect(results.map(({ queueOffset }) => queueOffset).toSorted((a, b) => a - b)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    if (takesFull) await expectFullBatchTaken(client, producer, topic);
  });

  test('T050: sends, also to a queue, are merged, and each has its own result', async () => {
    const stage = stageOf();
    const topic = 'T050';
    const { producer, queues } = await batching(stage, topic, 4, { autoBatch: { holdMs: 100 } });
    const reader = await Reader.start(stage, { group: 'T050_reader', topic });
    const messages = numbered(topic, 0, 40);
    const results = await done(
      stage,
      Promise.all(messages.map((message, i) => producer.send(message, i < 20 ? {} : { messageQueue: queues[i % 2]! }))),
    );
    await stage.until('all', () => reader.got.length === 40);
    for (const { body, message } of reader.got) {
      const { msgId, offsetMsgId, queueOffset } = results[Number(body)]!;
      expect({ body, ...place(message) }).toEqual({ body, msgId, offsetMsgId, queueOffset });
    }
    const queuesOfFirst = new Set(results.slice(0, 20).map(({ messageQueue }) => messageQueue.queueId));
    expect(queuesOfFirst.size).toBe(1);
  });
}

function place({ msgId, offsetMsgId, queueOffset }: MessageExt): Partial<SendResult> {
  return { msgId, offsetMsgId, queueOffset };
}

/** A batch of exactly as many bytes as the broker takes, 4 MiB, is taken; one of a byte more is refused. */
async function expectFullBatchTaken(client: RocketMQClient, producer: Producer, topic: string): Promise<void> {
  const properties = `UNIQ_KEY\u0001${'0'.repeat(32)}\u0002WAIT\u0001true\u0002`.length;
  const each = MAX_MESSAGE_SIZE / 2 - 22 - properties;
  const pair = (more: number): OutgoingMessage[] => [
    { topic, body: Buffer.alloc(each, 'a') },
    { topic, body: Buffer.alloc(each + more, 'b') },
  ];
  const [first, second] = await producer.sendBatch(pair(0));
  expect(second!.queueOffset).toBe(first!.queueOffset + 1);
  // A message by itself would have been compressed.
  const { storeSize } = await client.admin.viewMessage(topic, first!.offsetMsgId);
  expect(storeSize).toBeGreaterThan(each);
  const daring = client.createProducer({
    group: `${topic}_daring`,
    maxMessageSize: 2 * MAX_MESSAGE_SIZE,
    sendMsgTimeout: 20_000,
  });
  await daring.start();
  await expect(daring.sendBatch(pair(1))).rejects.toMatchObject({
    code: 'BATCH_SEND_FAILED',
    // By code 1 from Apache's broker, which throws there, and by 13 from ours.
    failures: [{ error: { message: expect.stringMatching(/code 1:.*size exceeded|code 13:/) } }, { index: 1 }],
  });
}
