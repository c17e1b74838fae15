import { describe, expect, it } from '@jest/globals';
import { COMPRESSION_FLAGS, Requests, ResponseCode } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { GROUP, bodies, consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';

describe('a message whose body cannot be read', () => {
  it('goes to the dead letters, and keeps back none of the others', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    fake.broker.put('t', 0, 'a');
    fake.broker.put('t', 0, 'no zlib stream', { sysFlag: COMPRESSION_FLAGS.ZLIB });
    fake.broker.put('t', 0, 'b');
    await consuming(fake, { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
    await on.cluster.clock.advance(5_000);
    expect(bodies()).toEqual(['a', 'b']);
    expect(on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK').map(({ header }) => header['delayLevel'])).toEqual([
      -1,
    ]);
    expect(on.cluster.broker.offsets.get('stock@t@0')).toBe(3);
  });
});

describe('a message that fails', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['returns RECONSUME_LATER', () => 'RECONSUME_LATER' as const],
  ])('T085 because the listener %s is given back to its broker', async (_how, listener) => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), { listener });
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.until('given back', () => on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK').length === 1);
    expect(on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK')[0]!.header).toMatchObject({
      offset: 0,
      group: GROUP,
      delayLevel: 0,
      originTopic: 't',
      maxReconsumeTimes: 16,
    });
    await on.cluster.clock.advance(5_000);
    expect(on.cluster.broker.offsets.get('stock@t@0')).toBe(1);
  });

  it('goes where the listener says: to a delay level, or to the dead letters', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), {
      maxReconsumeTimes: 3,
      listener: (_messages, context) => {
        context.delayLevelWhenNextConsume = -1;
        return 'RECONSUME_LATER';
      },
    });
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.until('given back', () => on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK').length === 1);
    expect(on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK')[0]!.header).toMatchObject({
      delayLevel: -1,
      maxReconsumeTimes: 3,
    });
  });

  it('of a list: only those after ackIndex are given back', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 3; i++) fake.broker.put('t', 0, `m${i}`);
    await consuming(fake, {
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      consumeMessageBatchMaxSize: 3,
      listener: (_messages, context) => {
        context.ackIndex = 0;
      },
    });
    await on.cluster.until('given back', () => on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK').length === 2);
  });

  it('T085 is sent to the retry topic when its broker does not take it back', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), { listener: () => 'RECONSUME_LATER' });
    on.cluster.broker.next('CONSUMER_SEND_MSG_BACK', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    on.cluster.broker.put('t', 0, 'a', { properties: { KEYS: 'k' }, reconsumeTimes: 2 });
    await on.cluster.until('sent', () => on.cluster.broker.stored.length === 1);
    const [copy] = on.cluster.broker.stored;
    expect(copy).toMatchObject({ topic: '%RETRY%stock', reconsumeTimes: 3 });
    expect(Object.fromEntries(copy!.properties)).toMatchObject({ RETRY_TOPIC: 't', DELAY: '5', KEYS: 'k' });
    expect(on.cluster.broker.requests('SEND_MESSAGE_V2')[0]!.header).toMatchObject({
      a: 'CLIENT_INNER_PRODUCER',
      l: 16,
    });
  });

  it('is consumed here again after 5 s when neither way goes', async () => {
    let calls = 0;
    await consuming(new FakeCluster({ topics: { t: 1 } }), {
      listener: ([message]) => {
        calls++;
        if (message!.reconsumeTimes === 0) throw new Error('no');
      },
    });
    on.cluster.broker.next('CONSUMER_SEND_MSG_BACK', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    on.cluster.broker.next('SEND_MESSAGE_V2', () => ({ code: ResponseCode.MESSAGE_ILLEGAL }));
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.clock.advance(4_999);
    expect(calls).toBe(1);
    expect(on.cluster.broker.offsets.get('stock@t@0') ?? 0).toBe(0);
    await on.cluster.clock.advance(1);
    expect(calls).toBe(2);
  });

  it('T086 shows its own topic when it comes back from the retry topic', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    on.cluster.broker.put('%RETRY%stock', 0, 'again', { properties: { RETRY_TOPIC: 't' }, reconsumeTimes: 1 });
    await on.cluster.until('it came', () => on.got.length === 1);
    expect(on.got[0]).toMatchObject({ topic: 't', reconsumeTimes: 1 });
  });

  it('is dropped in broadcasting: there is no retry', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), {
      messageModel: 'BROADCASTING',
      localOffsetStoreDir: 'memory',
      listener: () => 'RECONSUME_LATER',
    });
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.until('pulled on', () =>
      on.cluster.broker.requests('PULL_MESSAGE').some(({ header }) => header['queueOffset'] === 1),
    );
    expect(on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK')).toEqual([]);
    expect(on.cluster.broker.heartbeats[0]!.consumers[0]!.subscriptionDataSet.map(({ topic }) => topic)).toEqual(['t']);
  });
});

describe('a queue that goes to another consumer while a message of it is given back', () => {
  it('has its offset left alone by what was given back, should it come again meanwhile', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    const { broker, clock } = fake;
    const [seen, ends]: [string[], (() => void)[]] = [[], []];
    await consuming(fake, {
      listener: async ([message]) => {
        const body = message!.body.toString();
        seen.push(body);
        if (seen.length === 1) return 'RECONSUME_LATER';
        await new Promise<void>((resolve) => ends.push(resolve));
        return 'CONSUME_SUCCESS';
      },
    });
    const rebalanced = async (others: string[]): Promise<void> => {
      broker.otherConsumers.splice(0, 1, ...others);
      broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
      await clock.advance(1_000);
    };
    let answer: (() => void) | undefined;
    broker.next('CONSUMER_SEND_MSG_BACK', () => new Promise((resolve) => (answer = () => resolve({}))));
    broker.put('t', 0, 'a');
    broker.put('t', 0, 'b');
    await fake.until('being given back', () => answer !== undefined && seen.includes('b'));
    // Its name sorts before ours: the one queue is its.
    await rebalanced(['!other']);
    await rebalanced([]);
    expect(seen).toEqual(['a', 'b', 'a', 'b']);
    answer?.();
    await clock.advance(10_000);
    expect(broker.offsets.get('stock@t@0')).toBe(0);
    for (const end of ends) end();
    await clock.advance(10_000);
    expect(broker.offsets.get('stock@t@0')).toBe(2);
  });
});

function unreadable(): never {
  throw new Error('no text');
}

it.each<[string, unknown]>([
  ['an object without a prototype', Object.create(null)],
  ['an object whose text cannot be had', { toString: (): never => unreadable() }],
])('a listener that throws %s has failed, and the next message comes', async (_what, thrown) => {
  const cluster = new FakeCluster({ topics: { t: 1 } });
  for (const body of ['a', 'b']) cluster.broker.put('t', 0, body);
  const got: string[] = [];
  const listener = ([message]: MessageExt[]): void => {
    got.push(message!.body.toString());
    if (got.length === 1) throw thrown;
  };
  await consuming(cluster, { listener, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', consumeConcurrency: 1 });
  await cluster.until('both were given', () => got.length === 2);
  expect(cluster.broker.requests('CONSUMER_SEND_MSG_BACK')).toHaveLength(1);
});
