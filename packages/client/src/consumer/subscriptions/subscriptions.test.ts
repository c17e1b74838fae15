// Tests subscriptions that change while a consumer runs.
import { describe, expect, it } from '@jest/globals';
import { NotRunningError, ResponseCode } from '@nest-rocketmq/remoting/internal';
import { aConsumer, bodies, consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import { SubscriptionRefusedError } from '../../errors.js';

/** What the last heartbeat subscribed to: topic to expression. */
function told(): Record<string, string> {
  const [consumer] = on.cluster.broker.heartbeats.at(-1)!.consumers;
  return Object.fromEntries(consumer!.subscriptionDataSet.map(({ topic, subString }) => [topic, subString]));
}

const lastPullOf = (topic: string): Record<string, unknown> =>
  on.cluster.broker.requests('PULL_MESSAGE').findLast(({ header }) => header['topic'] === topic)!.header;

const pullsOf = (topic: string): number =>
  on.cluster.broker.requests('PULL_MESSAGE').filter(({ header }) => header['topic'] === topic).length;

describe('a running consumer that subscribes', () => {
  it('to one more topic has told the broker and pulls it when that resolves', async () => {
    const consumer = await consuming(new FakeCluster({ topics: { t: 1, u: 2 } }));
    await consumer.subscribe({ topic: 'u', expression: 'A || B' });
    expect(told()).toEqual({ t: '*', u: 'A || B', '%RETRY%stock': '*' });
    on.cluster.broker.put('u', 1, 'wanted', { properties: { TAGS: 'B' } });
    on.cluster.broker.put('u', 1, 'other', { properties: { TAGS: 'C' } });
    on.cluster.broker.put('t', 0, 'of t');
    await on.cluster.until('two', () => on.got.length === 2);
    expect(bodies().toSorted()).toEqual(['of t', 'wanted']);
  });

  it('to a topic that does not exist yet gets its first message', async () => {
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }));
    await consumer.subscribe({ topic: 'later' });
    on.cluster.topics.set('later', 1);
    on.cluster.broker.put('later', 0, 'first');
    await on.cluster.clock.advance(1_000);
    expect(bodies()).toEqual(['first']);
  });

  it('by another expression asks for it at once, though the broker still holds a pull for the old one', async () => {
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }), {
      subscriptions: [{ topic: 't', expression: 'A' }],
    });
    await on.cluster.until('held', () => on.cluster.broker.heldPulls === 2);
    const before = lastPullOf('t');
    await consumer.subscribe({ topic: 't', expression: 'B' });
    await on.cluster.until('pulled again', () => on.cluster.broker.heldPulls === 3);
    expect(told()['t']).toBe('B');
    expect(Number(lastPullOf('t')['subVersion'])).toBeGreaterThan(Number(before['subVersion']));
    expect(lastPullOf('t')['queueOffset']).toBe(before['queueOffset']);
    on.cluster.broker.put('t', 0, 'new', { properties: { TAGS: 'B' } });
    on.cluster.broker.put('t', 0, 'old', { properties: { TAGS: 'A' } });
    await on.cluster.clock.advance(1_000);
    expect(bodies()).toEqual(['new']);
  });

  it('by a wrong expression keeps the old one', async () => {
    const consumer = await consuming(new FakeCluster({ topics: { t: 1, u: 1 } }));
    for (const topic of ['t', 'u']) {
      on.cluster.broker.next('CHECK_CLIENT_CONFIG', () => ({
        code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
        remark: 'no',
      }));
      const wrong = consumer.subscribe({ topic, expression: 'a >', expressionType: 'SQL92' });
      await expect(wrong).rejects.toThrow(SubscriptionRefusedError);
    }
    await on.cluster.clock.advance(60_000);
    expect(told()).toEqual({ t: '*', '%RETRY%stock': '*' });
    expect(pullsOf('u')).toBe(0);
  });

  it('twice at the same moment has what was asked for last', async () => {
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }));
    const asked = ['A', 'B', 'C'].map((expression) => consumer.subscribe({ topic: 't', expression }));
    await Promise.all(asked);
    expect(told()['t']).toBe('C');
  });
});

describe('a running consumer that unsubscribes', () => {
  it('T126: pulls the topic no more, keeps its offset, and goes on there when it subscribes again', async () => {
    const fake = new FakeCluster({ topics: { t: 1, u: 1 } });
    const consumer = await consuming(fake, { subscriptions: [{ topic: 't' }, { topic: 'u' }] });
    on.cluster.broker.put('u', 0, 'a');
    await on.cluster.until('it came', () => on.got.length === 1);
    await on.cluster.clock.advance(0);
    await consumer.unsubscribe('u');
    expect(told()).toEqual({ t: '*', '%RETRY%stock': '*' });
    expect(on.cluster.broker.offsets.get('stock@u@0')).toBe(1);
    const pulls = pullsOf('u');
    on.cluster.broker.put('u', 0, 'b');
    await on.cluster.clock.advance(60_000);
    expect([bodies(), pullsOf('u')]).toEqual([['a'], pulls]);
    await consumer.subscribe({ topic: 'u' });
    await on.cluster.until('the other', () => on.got.length === 2);
    expect(bodies()).toEqual(['a', 'b']);
  });

  it('from what it does not subscribe to, and from its retry topic, changes nothing', async () => {
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }));
    await consumer.unsubscribe('nothing');
    await consumer.unsubscribe('%RETRY%stock');
    await on.cluster.clock.advance(60_000);
    expect(told()).toEqual({ t: '*', '%RETRY%stock': '*' });
  });
});

describe('a consumer that is not running', () => {
  it('starts with what it has subscribed to before', async () => {
    const consumer = aConsumer(new FakeCluster({ topics: { t: 1, u: 1 } }));
    await consumer.subscribe({ topic: 'u', expression: 'A' });
    await consumer.unsubscribe('t');
    await consumer.start();
    expect(told()).toEqual({ u: 'A', '%RETRY%stock': '*' });
  });

  it('can subscribe to nothing after its shutdown', async () => {
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }));
    await consumer.shutdown();
    await expect(consumer.subscribe({ topic: 'u' })).rejects.toThrow(NotRunningError);
    await expect(consumer.unsubscribe('t')).rejects.toThrow(NotRunningError);
  });
});
