import { describe, expect, it } from '@jest/globals';
import { consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import type { PushConsumerOptions } from '../options/consumer-options.js';

const DEAD = { properties: { RETRY_TOPIC: 'orders', ORIGIN_MESSAGE_ID: 'first' }, reconsumeTimes: 17 };

/** A consumer whose listener fails for its first message: the fake broker has no delays. */
async function failing(
  topic: string,
  options: Partial<PushConsumerOptions> = {},
  delayLevelWhenNextConsume = 0,
): Promise<FakeCluster> {
  await consuming(new FakeCluster({ topics: { [topic]: 1 } }), {
    subscriptions: [{ topic }],
    listener: (messages, context) => {
      context.delayLevelWhenNextConsume = delayLevelWhenNextConsume;
      on.got.push(...messages.map((message) => ({ ...message })));
      return on.got.length === 1 ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS';
    },
    ...options,
  });
  return on.cluster;
}

const backs = (): number[] =>
  on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK').map(({ header }) => Number(header['delayLevel']));

describe('a dead letter of another group', () => {
  it('has a count of its own, and comes again as itself', async () => {
    const { broker } = await failing('%DLQ%workers');
    broker.put('%DLQ%workers', 0, 'a', DEAD);
    await on.cluster.until('sent to the retry topic', () => broker.stored.length === 1);
    expect(on.got[0]).toMatchObject({ topic: '%DLQ%workers', reconsumeTimes: 0 });
    const [copy] = broker.stored;
    expect(copy).toMatchObject({ topic: '%RETRY%stock', reconsumeTimes: 1 });
    expect(Object.fromEntries(copy!.properties)).toMatchObject({
      RETRY_TOPIC: '%DLQ%workers',
      DLQ_ORIGIN_TOPIC: 'orders',
      ORIGIN_MESSAGE_ID: 'first',
      DELAY: '3',
    });
    expect(backs()).toEqual([]);
  });

  it('that comes again is given back as any other message', async () => {
    const { broker } = await failing('%DLQ%workers');
    broker.put('%RETRY%stock', 0, 'a', { properties: { RETRY_TOPIC: '%DLQ%workers' }, reconsumeTimes: 1 });
    await on.cluster.until('given back', () => backs().length === 1);
    expect(on.got[0]).toMatchObject({ topic: '%DLQ%workers', reconsumeTimes: 1 });
  });

  it.each([
    ['the listener wants no more of', {}, -1],
    ['has no tries', { maxReconsumeTimes: 0 }, 0],
  ])('that %s goes to the dead letters of this group', async (_which, options, delayLevel) => {
    const { broker } = await failing('%DLQ%workers', options, delayLevel);
    broker.put('%DLQ%workers', 0, 'a', DEAD);
    await on.cluster.until('given back', () => backs().length === 1);
    expect(backs()).toEqual([delayLevel]);
    expect(broker.stored).toEqual([]);
  });
});

describe('a dead letter of its own group', () => {
  it.each([
    ['for the first time', '%DLQ%stock', DEAD, 1, '3'],
    ['again', '%RETRY%stock', { properties: { RETRY_TOPIC: '%DLQ%stock' }, reconsumeTimes: 4 }, 5, '7'],
  ])('that fails %s comes again after a pause, whatever the listener says', async (_when, topic, put, count, delay) => {
    const { broker } = await failing('%DLQ%stock', { maxReconsumeTimes: 0 }, -1);
    broker.put(topic, 0, 'a', put);
    await on.cluster.until('sent to the retry topic', () => broker.stored.length === 1);
    expect(backs()).toEqual([]);
    expect(broker.stored[0]).toMatchObject({ topic: '%RETRY%stock', reconsumeTimes: count });
    expect(broker.stored[0]!.properties.get('DELAY')).toBe(delay);
    expect(broker.requests('SEND_MESSAGE_V2')[0]!.header['l']).toBe(0x7fffffff);
  });
});
