// Tests batches: of the template, and of sends that the producer collects.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { BatchSendFailedError, RocketMQContext, RocketMQMessageListener, batchMessage } from 'nest-rocketmq';
import type { ProducerSettings, SendResult } from 'nest-rocketmq';
import { closeApps, startApp, unique } from './nest-harness.js';
import type { TestApp } from './nest-harness.js';

interface Order {
  id: number;
}

interface Got {
  id: number;
  msgId: string;
  place: string;
  keys: readonly string[];
  tags: string | undefined;
  color: string | undefined;
}

let topic: string;
let other: string;
let got: Got[];

beforeEach(() => {
  topic = unique('batch');
  other = unique('batch-other');
  got = [];
});

afterEach(closeApps);

function appWith(producer: ProducerSettings = {}, topics: { name: string; queues: number }[] = []): Promise<TestApp> {
  const take = ({ id }: Order, { message }: RocketMQContext): void => {
    const { msgId, queueId, queueOffset, properties } = message;
    got.push({
      id,
      msgId,
      place: `${message.topic} ${queueId} ${queueOffset}`,
      keys: properties.get('KEYS')?.split(' ') ?? [],
      tags: properties.get('TAGS'),
      color: properties.get('color'),
    });
  };
  class Listeners {
    @RocketMQMessageListener({ topic, consumerGroup: topic, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
    one(order: Order, context: RocketMQContext): void {
      take(order, context);
    }
    @RocketMQMessageListener({ topic: other, consumerGroup: other, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
    another(order: Order, context: RocketMQContext): void {
      take(order, context);
    }
  }
  return startApp({ providers: [Listeners] }, { producer, topics });
}

const orders = (count: number): Order[] => Array.from({ length: count }, (_, id) => ({ id }));
const placeOf = ({ messageQueue, queueOffset }: SendResult): string =>
  `${messageQueue.topic} ${messageQueue.queueId} ${queueOffset}`;

/** Waits for `count` messages. */
async function consumedAll(app: TestApp, count: number): Promise<void> {
  await app.until(() => got.length >= count);
}

/** Each result names the message that the listener was given for that payload. */
function expectAsSent(results: readonly SendResult[]): void {
  const byId = new Map(got.map((each) => [each.id, each]));
  expect(got).toHaveLength(results.length);
  for (const [id, result] of results.entries()) {
    expect(byId.get(id)).toMatchObject({ msgId: result.msgId, place: placeOf(result) });
  }
  const { size } = new Set(results.map(({ offsetMsgId }) => offsetMsgId));
  expect(size).toBe(results.length);
}

describe('template.sendBatch', () => {
  test('T051, T054: has a result for each message, in their order; each is delivered with what is its own', async () => {
    const app = await appWith();
    const payloads = [
      ...orders(20),
      batchMessage({ id: 20 }, { keys: ['a', 'b'], tags: 'own', properties: { color: 'red' } }),
      batchMessage({ id: 21 }, { destination: { topic: other, tag: 'elsewhere' } }),
    ];
    const results = await app.template.sendBatch(topic, payloads, { keys: 'all', tags: 'batch' });
    await consumedAll(app, 22);
    expectAsSent(results);
    const of = (id: number): Got => got.find((each) => each.id === id)!;
    expect(of(3)).toMatchObject({ keys: ['all'], tags: 'batch' });
    expect(of(20)).toMatchObject({ keys: ['a', 'b'], tags: 'own', color: 'red' });
    expect(of(21)).toMatchObject({ keys: ['all'], tags: 'elsewhere', place: expect.stringContaining(other) });
  });

  test('splits what is too large for one request, and keeps the order of each sharding key', async () => {
    const app = await appWith({ maxMessageSize: 2_000 }, [{ name: topic, queues: 4 }]);
    const payloads = orders(40).map((order) => batchMessage(order, { shardingKey: `key-${order.id % 3}` }));
    const results = await app.template.sendBatch(topic, payloads);
    await consumedAll(app, 40);
    expectAsSent(results);
    for (const [id, { messageQueue, queueOffset }] of results.entries()) {
      if (id < 3) continue;
      const before = results[id - 3]!;
      expect(messageQueue).toEqual(before.messageQueue);
      expect(queueOffset).toBeGreaterThan(before.queueOffset);
    }
  });

  test('tells for each message what became of it, if some cannot be sent', async () => {
    const app = await appWith();
    const absent = { topic: other, brokerName: 'no-such-broker', queueId: 0 };
    const payloads = [{ id: 0 }, batchMessage({ id: 1 }, { destination: other, messageQueue: absent }), { id: 2 }];
    const error = await app.template.sendBatch(topic, payloads).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BatchSendFailedError);
    const { results, failures } = error as BatchSendFailedError;
    expect(results.map((result) => result?.sendStatus)).toEqual(['SEND_OK', undefined, 'SEND_OK']);
    expect(failures).toMatchObject([{ index: 1, error: { code: 'BROKER_NOT_EXIST' } }]);
    await consumedAll(app, 2);
    expect(got.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual([0, 2]);
  });

  test('refuses at once what no batch may hold', async () => {
    const app = await appWith();
    const refused = expect.objectContaining({ code: 'INVALID_OPTION' });
    await expect(app.template.sendBatch(topic, null as never)).rejects.toEqual(refused);
    await expect(app.template.sendBatch(topic, [1], { delay: '1s' } as never)).rejects.toEqual(refused);
    await expect(app.template.sendBatch(topic, [])).rejects.toMatchObject({ code: 'MESSAGE_ILLEGAL' });
  });
});

describe('producer.autoBatch', () => {
  test('T050: merges sends that are made at the same time, and gives each its own result', async () => {
    const app = await appWith({ autoBatch: { holdMs: '50ms' } }, [{ name: topic, queues: 4 }]);
    const results = await Promise.all(orders(30).map((order) => app.template.send(topic, order)));
    await consumedAll(app, 30);
    expectAsSent(results);
    // One batch is in one queue; sends that go by themselves are spread over all four.
    expect(new Set(results.map(({ messageQueue }) => messageQueue.queueId)).size).toBe(1);
  });

  test('loses nothing when the app closes', async () => {
    const app = await appWith({ autoBatch: { holdMs: '30s' } }, [{ name: topic, queues: 1 }]);
    const sending = orders(3).map((order) => app.template.send(topic, order));
    await new Promise((resolve) => setImmediate(resolve));
    await app.close();
    expect((await Promise.all(sending)).map(({ queueOffset }) => queueOffset).toSorted((a, b) => a - b)).toEqual([
      0, 1, 2,
    ]);
  });
});

describe('producer.compressType', () => {
  test.each(['ZLIB', 'LZ4'] as const)(
    'T024: %s makes large messages smaller on the way, which listeners do not notice',
    async (compressType) => {
      const app = await appWith({ compressType, compressLevel: 6, compressMsgBodyOverHowmuch: 100 });
      const result = await app.template.send(topic, { id: 0, text: 'all work and no play '.repeat(100) });
      await consumedAll(app, 1);
      expectAsSent([result]);
    },
  );
});
