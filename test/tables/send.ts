// Holds what Apache's own tests of sends hold (table 5.1) for client and broker together.
import { describe, expect, test } from '@jest/globals';
import { Requests, decodeQueueTable, parseJsonObject } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { Reader } from './reader.js';
import { numbered, passing, topicOf } from './topic.js';
import type { Stage } from './stage.js';

interface Progress {
  brokerOffset: number;
  consumerOffset: number;
}

const COUNT = 20;
/** MESSAGE_ILLEGAL */
const ILLEGAL = 13;

async function untilAll(stage: Stage, reader: Reader, bodies: readonly string[]): Promise<void> {
  await stage.until('all', () => reader.got.length >= bodies.length);
  expect(reader.bodies.toSorted()).toEqual(bodies.toSorted());
}

export function declareSendTests(stageOf: () => Stage): void {
  test('T001, T003: ten to each queue are consumed, and the stored offset of each queue says so after the shutdown', async () => {
    const stage = stageOf();
    const { topic, client, queues, send, read } = await topicOf(stage, 'T001');
    const reader = await read();
    const bodies: string[] = [];
    for (const messageQueue of queues) {
      for (const body of numbered(`${messageQueue.queueId}`, 10)) {
        expect((await send({ body }, { messageQueue })).sendStatus).toBe('SEND_OK');
        bodies.push(body);
      }
    }
    await untilAll(stage, reader, bodies);
    expect(reader.got.filter(({ message }) => message.properties.has('POP_CK'))).toEqual([]);
    await passing(stage, 'the shutdown', reader.stop());
    for (const queue of queues) {
      expect(await client.admin.consumerOffset('T001_reader', queue)).toBe(10);
      expect(await client.admin.maxOffset(queue)).toBe(10);
    }
    const stats = await stage.ask(Requests.GET_CONSUME_STATS, { consumerGroup: 'T001_reader', topic });
    const rows = decodeQueueTable(parseJsonObject(stats.body, 'consume stats')['offsetTable']);
    expect(rows.map(([, row]) => row as Progress).map((row) => [row.brokerOffset, row.consumerOffset])).toEqual(
      Array(queues.length).fill([10, 10]),
    );
  });

  test('T010: a body of 128 KiB is stored and arrives', async () => {
    const stage = stageOf();
    const { send, read } = await topicOf(stage, 'T010');
    const body = 'x'.repeat(128 * 1024);
    expect((await send({ body })).sendStatus).toBe('SEND_OK');
    await untilAll(stage, await read(), [body]);
  });

  test('T011, T013: properties arrive unchanged, in ASCII and in Chinese, and 10 Ki characters of it', async () => {
    const stage = stageOf();
    const { send, read } = await topicOf(stage, 'T011');
    const properties = { ascii: 'a value', 名字: '中国 汉字', long: '漢'.repeat(10 * 1024) };
    expect((await send({ body: 'x', properties })).sendStatus).toBe('SEND_OK');
    const reader = await read();
    await untilAll(stage, reader, ['x']);
    expect(Object.fromEntries(reader.got[0]!.message.properties)).toMatchObject(properties);
  });

  test('T012: a property of more than 32 Ki characters is refused as illegal', async () => {
    const { send } = await topicOf(stageOf(), 'T012');
    const sending = send({ body: 'x', properties: { long: '漢'.repeat(32 * 1024 + 1) } });
    await expect(sending).rejects.toMatchObject({ responseCode: ILLEGAL });
  });

  test('T016: twenty sends under way at once all succeed and are consumed', async () => {
    const stage = stageOf();
    const { send, read } = await topicOf(stage, 'T016');
    const bodies = numbered('T016', COUNT);
    const results = await Promise.all(bodies.map((body) => send({ body })));
    expect(results.map(({ sendStatus }) => sendStatus)).toEqual(Array(COUNT).fill('SEND_OK'));
    await untilAll(stage, await read(), bodies);
  });

  test('T020, T021: a queue that is not there is refused; for one below zero the broker takes one of its own', async () => {
    const stage = stageOf();
    const { topic, send, read } = await topicOf(stage, 'T020');
    const to = (queueId: number): MessageQueue => ({ topic, brokerName: 'broker-a', queueId });
    await expect(send({ body: 'x' }, { messageQueue: to(100) })).rejects.toMatchObject({ code: 'RESPONSE_CODE' });
    const sent = await send({ body: 'anywhere' }, { messageQueue: to(-100) });
    expect(sent.sendStatus).toBe('SEND_OK');
    expect(sent.messageQueue.queueId).toBeGreaterThanOrEqual(0);
    await untilAll(stage, await read(), ['anywhere']);
  });

  describe('T022: twenty one-way sends', () => {
    test.each(['to any queue', 'to one queue', 'to the queue of a selector'])('%s are all consumed', async (how) => {
      const stage = stageOf();
      const { topic, producer, queues, read } = await topicOf(stage, `T022_${how.replaceAll(' ', '_')}`);
      const bodies = numbered(how, COUNT);
      const wanted = queues[2]!;
      const options = { messageQueue: wanted, selector: (all: readonly MessageQueue[]) => all[2]! };
      for (const body of bodies) {
        if (how === 'to any queue') await producer.sendOneway({ topic, body });
        else if (how === 'to one queue') await producer.sendOneway({ topic, body }, { messageQueue: wanted });
        else await producer.sendOneway({ topic, body }, { selector: options.selector });
      }
      const reader = await read();
      await untilAll(stage, reader, bodies);
      const used = new Set(reader.got.map(({ message }) => message.queueId));
      if (how === 'to any queue') expect(used.size).toBe(queues.length);
      else expect(used).toEqual(new Set([wanted.queueId]));
    });
  });
}

/** On a cluster of several brokers. */
export function declareBrokerChoiceTests(stageOf: () => Stage): void {
  const brokersOf = (queues: readonly MessageQueue[]): string[] => [
    ...new Set(queues.map((queue) => queue.brokerName)),
  ];

  test('T017: what is sent at once to one queue lands there, on each of the brokers', async () => {
    const stage = stageOf();
    const { queues, send, read } = await topicOf(stage, 'T017');
    const reader = await read();
    expect(brokersOf(queues).length).toBeGreaterThan(1);
    for (const brokerName of brokersOf(queues)) {
      const messageQueue = queues.find((queue) => queue.brokerName === brokerName && queue.queueId === 1)!;
      const before = reader.got.length;
      await Promise.all(numbered(brokerName, COUNT).map((body) => send({ body }, { messageQueue })));
      await stage.until('all', () => reader.got.length === before + COUNT);
      expect(new Set(reader.got.slice(before).map(({ queue }) => queue))).toEqual(new Set([`${brokerName}:1`]));
    }
  });

  test('T018: a selector decides on the broker', async () => {
    const stage = stageOf();
    const { queues, send, read } = await topicOf(stage, 'T018');
    const reader = await read();
    for (const brokerName of brokersOf(queues)) {
      const before = reader.got.length;
      const selector = (all: readonly MessageQueue[]): MessageQueue =>
        all.find((queue) => queue.brokerName === brokerName)!;
      await Promise.all(numbered(brokerName, COUNT).map((body) => send({ body }, { selector })));
      await stage.until('all', () => reader.got.length === before + COUNT);
      expect(new Set(reader.got.slice(before).map(({ message }) => message.brokerName))).toEqual(new Set([brokerName]));
    }
  });
}
