// Tests filters by tags and by SQL92, of our client on our broker in one process.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startBroker } from '@nest-rocketmq/broker';
import type { Broker } from '@nest-rocketmq/broker';
import { RocketMQClient } from '@nest-rocketmq/client';
import type { Producer, PushConsumerOptions, Subscription } from '@nest-rocketmq/client';
import { OurReader, bodiesOf } from '../interop/harness/our-reader.js';
import { declareTagTests } from '../tables/tags.js';

let broker: Broker;
let client: RocketMQClient;
let producer: Producer;
const others: RocketMQClient[] = [];
let names = 0;

const newClient = (): RocketMQClient =>
  new RocketMQClient({ nameServer: broker.nameServerAddress, dial: broker.dial, rebalanceInterval: 1_000 });

beforeAll(async () => {
  broker = await startBroker({ store: 'memory', messageDelayLevel: '1s 1s 1s 1s' });
  client = newClient();
  await client.start();
  producer = client.createProducer({ group: 'producers', sendMsgTimeout: 20_000 });
  await producer.start();
});

afterAll(async () => {
  await Promise.all([client, ...others].map((one) => one.shutdown()));
  await broker.stop();
});

/** A topic of one queue: messages arrive in the order in which they were sent. */
async function topicOf(queues = 1): Promise<string> {
  const topic = `filters-${++names}`;
  await client.admin.createTopic({ topic, queues });
  return topic;
}

const group = (): string => `group-${++names}`;

const reader = (
  subscriptions: Subscription[],
  more: Partial<PushConsumerOptions> = {},
  of = client,
): Promise<OurReader> => OurReader.start(of, { group: group(), subscriptions, ...more });

async function otherClient(): Promise<RocketMQClient> {
  const other = newClient();
  others.push(other);
  await other.start();
  return other;
}

describe('a subscription to tags', () => {
  declareTagTests(() => ({ client, producer, otherClient }));
});

describe('a subscription by SQL92', () => {
  /** Far longer than a change takes on a busy machine. ms */
  const HELD_MS = 100_000;
  const sql = (topic: string, expression: string): Subscription => ({ topic, expression, expressionType: 'SQL92' });
  const order = (topic: string, n: number, properties: Record<string, string> = {}): Promise<unknown> =>
    producer.send({ topic, body: `order-${n}`, tags: 'ABC'[n % 3]!, properties: { n: String(n), ...properties } });

  test('T102: gets the messages whose properties it names, those that are there and those that come', async () => {
    const topic = await topicOf(4);
    for (let n = 0; n < 24; n++) await order(topic, n);
    const read = await reader([sql(topic, "(TAGS is not null and TAGS in ('A','B'))")]);
    await read.take(16);
    for (let n = 24; n < 48; n++) await order(topic, n);
    await read.take(32);
    expect(read.received.every(({ properties }) => properties.get('TAGS') !== 'C')).toBe(true);
    await read.stop();
  });

  test('gets a message again that failed, by the retry topic, which has no condition', async () => {
    const topic = await topicOf();
    let failed = 0;
    const read = await OurReader.start(client, { group: group(), subscriptions: [sql(topic, 'n > 5')] }, () =>
      failed++ === 0 ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS',
    );
    await order(topic, 3);
    await order(topic, 7);
    await read.take(2);
    expect(bodiesOf(read.received)).toEqual(['order-7', 'order-7']);
    await read.stop();
  });

  test('T101: beside one by tags and one to all, in one group', async () => {
    const [one, two, three] = [await topicOf(), await topicOf(), await topicOf()];
    const read = await reader([
      sql(one, "n BETWEEN 2 AND 4 AND colour = 'blue'"),
      { topic: two, expression: 'A || B' },
      { topic: three },
    ]);
    for (const topic of [one, two, three]) {
      for (let n = 0; n < 6; n++) await order(topic, n, n % 2 === 0 ? { colour: 'blue' } : {});
    }
    await read.take(2 + 4 + 6);
    const of = (topic: string): string[] => bodiesOf(read.received.filter((message) => message.topic === topic));
    expect(of(one)).toEqual(['order-2', 'order-4']);
    expect(of(two)).toEqual(['order-0', 'order-1', 'order-3', 'order-4']);
    expect(of(three)).toHaveLength(6);
    await read.stop();
  });

  test('T105: is changed while it runs: from then on it gets what the new condition wants, at once', async () => {
    const topic = await topicOf();
    const got: string[] = [];
    let came = (): void => undefined;
    const consumer = client.createPushConsumer({
      group: group(),
      subscriptions: [sql(topic, 'n < 10')],
      brokerSuspendMaxTimeMillis: HELD_MS,
      listener: ([message]) => {
        got.push(message!.body.toString());
        came();
      },
    });
    await consumer.start();
    const arrival = (): Promise<void> => new Promise((resolve) => (came = resolve));
    let next = arrival();
    await order(topic, 1);
    await next;
    await consumer.subscribe(sql(topic, 'n >= 10'));
    const changed = performance.now();
    next = arrival();
    await order(topic, 2);
    await order(topic, 11);
    await next;
    // So long would the pull for the old condition have been held.
    expect(performance.now() - changed).toBeLessThan(HELD_MS / 2);
    await expect(consumer.subscribe(sql(topic, 'n >='))).rejects.toMatchObject({ code: 'SUBSCRIPTION_REFUSED' });
    next = arrival();
    await order(topic, 12);
    await next;
    expect(got).toEqual(['order-1', 'order-11', 'order-12']);
    await consumer.shutdown();
  });

  test('T106: that is wrong keeps its consumer from starting, and says where', async () => {
    const topic = await topicOf();
    const starting = reader([sql(topic, 'n > 5 AND')]);
    await expect(starting).rejects.toMatchObject({ code: 'SUBSCRIPTION_REFUSED', topic, expression: 'n > 5 AND' });
    await expect(starting).rejects.toThrow(/line 1, column 9: the expression ends where .* Correct the condition/);
  });
});
