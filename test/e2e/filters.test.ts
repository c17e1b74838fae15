// Tests filters by tags and by SQL92, of our client on our broker in one process.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startBroker } from '@nest-rocketmq/broker';
import type { Broker } from '@nest-rocketmq/broker';
import { RocketMQClient } from '@nest-rocketmq/client';
import type { Producer, PushConsumerOptions, Subscription } from '@nest-rocketmq/client';
import { OurReader, bodiesOf, untilHolds } from '../interop/harness/our-reader.js';

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
  producer = client.createProducer({ group: 'producers' });
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

/** A message for each list of tags; the body says which. Empty: without. */
async function send(topic: string, ...tags: string[]): Promise<void> {
  for (const tag of tags) await producer.send({ topic, body: tag || 'none', ...(tag && { tags: tag }) });
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
  test.each<[string, Subscription['expression'], string[]]>([
    ['T093, T096: one tag, gets that and no other', 'A', ['A', 'A']],
    ['T094: *, gets all, those without a tag too', '*', ['A', 'none', 'B', 'C', 'A']],
    ['T095: none, gets all', undefined, ['A', 'none', 'B', 'C', 'A']],
    ['T097: two tags', 'A || C', ['A', 'C', 'A']],
    ['T097: two tags of which one is never sent', 'B||nobody', ['B']],
    ['T097: two of three, blanks around them', '  B ||  A  ', ['A', 'B', 'A']],
    ['T097: all of them', 'A||B||C', ['A', 'B', 'C', 'A']],
  ])('%s', async (_what, expression, expected) => {
    const topic = await topicOf();
    await send(topic, 'A', '', 'B', 'C', 'A');
    const read = await reader([{ topic, ...(expression !== undefined && { expression }) }]);
    expect(bodiesOf(await read.take(expected.length))).toEqual(expected);
    await send(topic, 'A', 'B', 'C');
    // One more of those that it wants, so that what it does not want would be here by now.
    await read.take(expected.length + 1);
    expect(
      read.received.slice(expected.length).every(({ properties }) => expected.includes(properties.get('TAGS')!)),
    ).toBe(true);
    await read.stop();
  });

  test('T097: that nothing has gets nothing, and its offset moves on', async () => {
    const topic = await topicOf();
    const unlucky = group();
    await send(topic, 'A', 'B');
    const read = await reader([{ topic, expression: 'nobody || neither' }], { group: unlucky });
    const marker = await reader([{ topic, expression: 'end' }]);
    await send(topic, 'end');
    await marker.take(1);
    await read.stop();
    expect(read.received).toEqual([]);
    const again = await reader([{ topic }], { group: unlucky });
    await send(topic, 'after');
    await again.until(() => bodiesOf(again.received).includes('after'), 'what was sent last');
    expect(bodiesOf(again.received)).not.toContain('A');
    await Promise.all([marker.stop(), again.stop()]);
  });

  test('T098: of different groups, side by side, each gets its own', async () => {
    const topic = await topicOf();
    const expressions = ['A', 'B || nobody', '*', undefined, 'A || B'];
    const readers = await Promise.all(
      expressions.map((expression) => reader([{ topic, ...(expression && { expression }) }])),
    );
    await send(topic, 'A', 'B', '', 'C', 'A', 'B');
    await Promise.all([2, 2, 6, 6, 4].map((count, at) => readers[at]!.take(count)));
    expect(readers.map(({ received }) => bodiesOf(received))).toEqual([
      ['A', 'A'],
      ['B', 'B'],
      ['A', 'B', 'none', 'C', 'A', 'B'],
      ['A', 'B', 'none', 'C', 'A', 'B'],
      ['A', 'B', 'A', 'B'],
    ]);
    await Promise.all(readers.map((one) => one.stop()));
  });

  test('T099: of two members of a group is shared, and the one that stays gets what the other leaves', async () => {
    const topic = await topicOf(4);
    const shared = group();
    const first = await reader([{ topic, expression: 'A' }], { group: shared });
    const second = await reader([{ topic, expression: 'A' }], { group: shared }, await otherClient());
    const both = (): number => first.received.length + second.received.length;
    for (let i = 0; i < 16; i++) await send(topic, 'A', 'B');
    await untilHolds([first, second], () => both() >= 16, 'all of them');
    await first.stop();
    for (let i = 0; i < 8; i++) await send(topic, 'A', 'B');
    await untilHolds([first, second], () => both() >= 24, 'the others');
    const all = [...first.received, ...second.received];
    expect(new Set(all.map(({ msgId }) => msgId)).size).toBe(24);
    expect(bodiesOf(all).every((body) => body === 'A')).toBe(true);
    await second.stop();
  });

  test('T100: of members of a broadcast group is each for itself', async () => {
    const topic = await topicOf();
    const broadcast = { group: group(), messageModel: 'BROADCASTING', localOffsetStoreDir: 'memory' } as const;
    const first = await reader([{ topic, expression: 'A' }], broadcast);
    const second = await reader([{ topic, expression: 'A' }], broadcast, await otherClient());
    const other = await reader([{ topic, expression: 'B' }], { ...broadcast, group: group() });
    await send(topic, 'A', 'B', 'A', 'C', 'B');
    await Promise.all([first, second, other].map((one) => one.take(2)));
    expect([first, second, other].map(({ received }) => bodiesOf(received))).toEqual([
      ['A', 'A'],
      ['A', 'A'],
      ['B', 'B'],
    ]);
    await Promise.all([first, second, other].map((one) => one.stop()));
  });

  test('T101: to two topics, one of them by tags, is one of both; and so for two members', async () => {
    const [one, two] = [await topicOf(2), await topicOf(2)];
    const subscriptions = [{ topic: one, expression: 'A' }, { topic: two }];
    const shared = group();
    const alone = await reader(subscriptions);
    const pair = [
      await reader(subscriptions, { group: shared }),
      await reader(subscriptions, { group: shared }, await otherClient()),
    ];
    for (const topic of [one, two]) for (let i = 0; i < 4; i++) await send(topic, 'A', 'B', '');
    await alone.take(16);
    await untilHolds(pair, () => pair[0]!.received.length + pair[1]!.received.length >= 16, 'all of them');
    for (const received of [alone.received, pair.flatMap((member) => member.received)]) {
      const of = (topic: string): string[] =>
        bodiesOf(received.filter((message) => message.topic === topic)).toSorted();
      expect(of(one)).toEqual(Array(4).fill('A'));
      expect(of(two)).toEqual([...Array(4).fill('A'), ...Array(4).fill('B'), ...Array(4).fill('none')]);
    }
    await Promise.all([alone, ...pair].map((member) => member.stop()));
  });
});

describe('a subscription by SQL92', () => {
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
    const changed = Date.now();
    next = arrival();
    await order(topic, 2);
    await order(topic, 11);
    await next;
    // The pull for the old condition would have been held for 15 s.
    expect(Date.now() - changed).toBeLessThan(10_000);
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
