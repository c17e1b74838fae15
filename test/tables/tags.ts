// Holds what Apache's own tests of subscriptions to tags hold (table 5.6) for client and broker together.
import { expect, test } from '@jest/globals';
import type { Producer, PushConsumerOptions, RocketMQClient, Subscription } from '@nest-rocketmq/client';
import { OurReader, bodiesOf, untilHolds } from '../interop/harness/our-reader.js';
import type { Received } from '../interop/harness/our-reader.js';

export interface TagStage {
  client: RocketMQClient;
  producer: Producer;
  /** Another client of the same cluster, started. */
  otherClient: () => Promise<RocketMQClient>;
}

let names = 0;
const group = (): string => `tags-group-${++names}`;

export function declareTagTests(stageOf: () => TagStage): void {
  /** A topic of one queue: messages arrive in the order in which they were sent. */
  async function topicOf(queues = 1): Promise<string> {
    const topic = `tags-${++names}`;
    await stageOf().client.admin.createTopic({ topic, queues });
    return topic;
  }

  /** A message for each tag; the body says which. Empty: without. */
  async function send(topic: string, ...tags: string[]): Promise<void> {
    for (const tag of tags) await stageOf().producer.send({ topic, body: tag || 'none', ...(tag && { tags: tag }) });
  }

  const reader = (
    subscriptions: Subscription[],
    more: Partial<PushConsumerOptions> = {},
    of = stageOf().client,
  ): Promise<OurReader> => OurReader.start(of, { group: group(), subscriptions, ...more });

  const otherClient = (): Promise<RocketMQClient> => stageOf().otherClient();

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
    // What changes hands may come twice.
    const both = (): number =>
      new Set([first, second].flatMap(({ received }) => received.map(({ msgId }) => msgId))).size;
    for (let i = 0; i < 16; i++) await send(topic, 'A', 'B');
    await untilHolds([first, second], () => both() >= 16, 'all of them');
    await first.stop();
    for (let i = 0; i < 8; i++) await send(topic, 'A', 'B');
    await untilHolds([first, second], () => both() >= 24, 'the others');
    const all = [...first.received, ...second.received];
    expect(both()).toBe(24);
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
    // What changes hands may come twice.
    const ofPair = (): Received[] => [
      ...new Map(pair.flatMap(({ received }) => received.map((one) => [one.msgId, one]))).values(),
    ];
    await untilHolds(pair, () => ofPair().length >= 16, 'all of them');
    for (const received of [alone.received, ofPair()]) {
      const of = (topic: string): string[] =>
        bodiesOf(received.filter((message) => message.topic === topic)).toSorted();
      expect(of(one)).toEqual(Array(4).fill('A'));
      expect(of(two)).toEqual([...Array(4).fill('A'), ...Array(4).fill('B'), ...Array(4).fill('none')]);
    }
    await Promise.all([alone, ...pair].map((member) => member.stop()));
  });
}
