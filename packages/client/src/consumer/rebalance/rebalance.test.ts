import { describe, expect, it } from '@jest/globals';
import {
  Requests,
  ResponseCode,
  encodeConsumerList,
  allocateAveragelyByCircle,
  allocateByConfig,
} from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import { GROUP, bodies, consuming, on } from '../../../test-kit/consuming.js';
import type { FakeBroker } from '../../../test-kit/fake-broker.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';

const queuesPulledAt = (broker: FakeBroker): Set<unknown> =>
  new Set(
    broker
      .requests('PULL_MESSAGE')
      .filter(({ header }) => header['topic'] === 't')
      .map(({ header }) => header['queueId']),
  );

const pulledQueues = (topic: string): number[] => {
  const pulls = on.cluster.broker.requests('PULL_MESSAGE').filter(({ header }) => header['topic'] === topic);
  return [...new Set(pulls.map(({ header }) => Number(header['queueId'])))].toSorted((a, b) => a - b);
};

describe('consumers of one group', () => {
  it('share the queues, and take over those of one that has gone', async () => {
    await consuming(new FakeCluster({ topics: { t: 4 } }));
    const pulled = (): number =>
      new Set(
        on.cluster.broker
          .requests('PULL_MESSAGE')
          .map(({ header }) => `${String(header['topic'])}${String(header['queueId'])}`),
      ).size;
    await on.cluster.until('all', () => pulled() === 5);
    // 'zz…' sorts after any on.client id, so it gets the last two queues.
    on.cluster.broker.otherConsumers.push('zz@other');
    on.cluster.broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
    await on.cluster.until('two less', () => on.cluster.broker.requests('GET_CONSUMER_LIST_BY_GROUP').length >= 4);
    await on.cluster.clock.advance(0);
    on.cluster.broker.put('t', 3, 'not ours');
    on.cluster.broker.put('t', 0, 'ours');
    await on.cluster.until('ours', () => on.got.length === 1);
    expect(bodies()).toEqual(['ours']);
    on.cluster.broker.otherConsumers.length = 0;
    on.cluster.broker.offsets.set('stock@t@3', 0);
    await on.cluster.clock.advance(20_000);
    expect(bodies()).toEqual(['ours', 'not ours']);
  });

  it('keep their queues when a broker has not heard of this one yet', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    for (let i = 0; i < 2; i++) {
      on.cluster.broker.next('GET_CONSUMER_LIST_BY_GROUP', () => ({ body: encodeConsumerList(['zz@other']) }));
    }
    on.cluster.broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
    await on.cluster.until('told again', () => on.cluster.broker.heartbeats.length >= 2);
    on.cluster.broker.put('t', 0, 'still ours');
    await on.cluster.until('it came', () => on.got.length === 1);
  });
});

describe('a broker that has come back, and has not heard of all members yet', () => {
  const OTHER = 'zz@other';
  const pulled = (): number => on.cluster.brokers.flatMap((broker) => [...queuesPulledAt(broker)]).length;

  async function sharing(): Promise<void> {
    const fake = new FakeCluster({ brokers: ['broker-a', 'broker-b'], topics: { t: 2 } });
    for (const broker of fake.brokers) broker.otherConsumers.push(OTHER);
    await consuming(fake);
    await on.cluster.clock.advance(30_000);
    expect(pulled()).toBe(2);
  }

  it('is not taken at its word: another one still has them', async () => {
    await sharing();
    on.cluster.broker.otherConsumers.length = 0;
    const before = on.cluster.brokers.map((broker) => broker.requests('GET_CONSUMER_LIST_BY_GROUP').length);
    // Each time any of the two is asked.
    for (let round = 0; round < 20; round++) {
      on.cluster.broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
      await on.cluster.clock.advance(1_000);
    }
    expect(on.cluster.broker.requests('GET_CONSUMER_LIST_BY_GROUP').length).toBeGreaterThan(before[0]!);
    expect(pulled()).toBe(2);
  });

  it('is right where no other broker has them either', async () => {
    await sharing();
    for (const broker of on.cluster.brokers) broker.otherConsumers.length = 0;
    await on.cluster.clock.advance(60_000);
    expect(pulled()).toBe(4);
  });

  it('is right where the other one cannot be asked', async () => {
    await sharing();
    for (const broker of on.cluster.brokers) broker.otherConsumers.length = 0;
    const [, second] = on.cluster.brokers;
    on.cluster.takeDown(second!.address);
    await on.cluster.clock.advance(60_000);
    expect(queuesPulledAt(on.cluster.broker)).toEqual(new Set([0, 1]));
  });
});

describe('a rebalance', () => {
  it('comes by itself every 20 s', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    const before = on.cluster.broker.requests('GET_CONSUMER_LIST_BY_GROUP').length;
    await on.cluster.clock.advance(20_000);
    expect(on.cluster.broker.requests('GET_CONSUMER_LIST_BY_GROUP').length).toBeGreaterThan(before);
  });

  it('that could not ask who the consumers are changes nothing, and comes again after 1 s', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 2; i++)
      fake.broker.next('GET_CONSUMER_LIST_BY_GROUP', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    await consuming(fake);
    expect(on.cluster.broker.heldPulls).toBe(0);
    await on.cluster.clock.advance(1_000);
    expect(on.cluster.broker.heldPulls).toBe(2);
  });

  it('whose strategy throws changes nothing', async () => {
    let broken = false;
    const strategy = {
      name: 'MINE',
      allocate: (_group: string, _id: string, queues: readonly MessageQueue[]) => {
        if (broken) throw new Error('no');
        return [...queues];
      },
    };
    await consuming(new FakeCluster({ topics: { t: 1 } }), { allocateMessageQueueStrategy: strategy });
    broken = true;
    on.cluster.broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
    await on.cluster.clock.advance(1_000);
    on.cluster.broker.put('t', 0, 'still ours');
    await on.cluster.until('it came', () => on.got.length === 1);
  });

  it.each(['AVG_BY_CIRCLE', allocateAveragelyByCircle] as const)(
    'divides by %p',
    async (allocateMessageQueueStrategy) => {
      const fake = new FakeCluster({ topics: { t: 4 } });
      fake.broker.otherConsumers.push('zz@other');
      await consuming(fake, { allocateMessageQueueStrategy });
      await on.cluster.clock.advance(500);
      expect(pulledQueues('t')).toEqual([0, 2]);
    },
  );

  it('T150: by a list takes those of the list that there are, once, and its share of the retry topic', async () => {
    const fake = new FakeCluster({ topics: { t: 4, u: 2 } });
    const queue = (topic: string, queueId: number): MessageQueue => ({ topic, brokerName: 'broker-a', queueId });
    const mine = [queue('t', 1), queue('t', 3), queue('t', 3), queue('t', 9), queue('u', 0), queue('v', 0)];
    await consuming(fake, {
      subscriptions: [{ topic: 't' }, { topic: 'u' }],
      allocateMessageQueueStrategy: allocateByConfig(mine),
    });
    await on.cluster.until('pulls', () => on.cluster.broker.heldPulls === 4);
    expect([pulledQueues('t'), pulledQueues('u'), pulledQueues('%RETRY%stock')]).toEqual([[1, 3], [0], [0]]);
  });

  it('takes the retry topic within a second of when a name server knows it', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    fake.broker.makesRetryTopics = false;
    await consuming(fake);
    await on.cluster.clock.advance(8_500);
    expect(pulledQueues('%RETRY%stock')).toEqual([]);
    fake.topics.set('%RETRY%stock', 1);
    await on.cluster.clock.advance(1_000);
    expect(pulledQueues('%RETRY%stock')).toEqual([0]);
  });

  it('stores the offset of a queue that goes to another consumer', async () => {
    await consuming(new FakeCluster({ topics: { t: 2 } }));
    await on.cluster.until('pulls', () => on.cluster.broker.heldPulls === 3);
    on.cluster.broker.put('t', 1, 'a');
    await on.cluster.until('done', () => on.got.length === 1);
    on.cluster.broker.otherConsumers.push('zz@other');
    on.cluster.broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
    await on.cluster.until('stored', () => on.cluster.broker.offsets.get('stock@t@1') === 1);
  });

  it('takes the queues that a topic has got more of', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    on.cluster.topics.set('t', 3);
    await on.cluster.clock.advance(30_000);
    expect(on.cluster.broker.heldPulls).toBe(4);
  });
});
