import { describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode, encodeJson, parseJsonObject, queueTable } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { GROUP, aConsumer, consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import { InvalidOptionError } from '../../index.js';
import type { ConsumeContext, ConsumeResult, PushConsumerOptions } from '../options/consumer-options.js';
import type { PushConsumer } from '../push-consumer.js';

interface Call {
  readonly body: string;
  readonly message: MessageExt;
  readonly end: (result?: ConsumeResult | Error) => void;
}

/** A consumer whose listener calls end when the test says so. */
async function inOrder(
  fake: FakeCluster,
  options: Partial<PushConsumerOptions> = {},
): Promise<{
  consumer: PushConsumer;
  calls: Call[];
  running: () => string[];
  end: (body: string, result?: ConsumeResult | Error) => Promise<void>;
}> {
  const calls: Call[] = [];
  const open = new Set<Call>();
  const listener = ([message]: MessageExt[], _context: ConsumeContext): Promise<ConsumeResult | void> =>
    new Promise((resolve, reject) => {
      const call: Call = {
        body: message!.body.toString(),
        message: message!,
        end: (result) => {
          open.delete(call);
          if (result instanceof Error) reject(result);
          else resolve(result);
        },
      };
      open.add(call);
      calls.push(call);
    });
  const consumer = await consuming(fake, { consumeMode: 'ORDERLY', listener, ...options });
  const end = async (body: string, result?: ConsumeResult | Error): Promise<void> => {
    await fake.until(`a call for ${body}`, () => [...open].some((call) => call.body === body));
    [...open].find((call) => call.body === body)!.end(result);
    await fake.clock.advance(0);
  };
  return { consumer, calls, running: () => [...open].map(({ body }) => body).sort(), end };
}

const locks = (name: 'LOCK_BATCH_MQ' | 'UNLOCK_BATCH_MQ'): { topic: string; queueId: number }[][] =>
  on.cluster.broker
    .requests(name)
    .map(({ body }) => (JSON.parse(body.toString()) as { mqSet: { topic: string; queueId: number }[] }).mqSet);

const queuesIn = (sets: { topic: string; queueId: number }[][]): string[] =>
  [...new Set(sets.flat().map(({ topic, queueId }) => `${topic}@${queueId}`))].sort();

describe('ORDERLY', () => {
  it('has one message of each queue at a time, and queues in parallel', async () => {
    const { running, end } = await inOrder(new FakeCluster({ topics: { t: 2 } }));
    for (const body of ['a0', 'a1', 'a2']) on.cluster.broker.put('t', 0, body);
    for (const body of ['b0', 'b1']) on.cluster.broker.put('t', 1, body);
    await on.cluster.until('the first of each', () => running().length === 2);
    expect(running()).toEqual(['a0', 'b0']);
    await end('a0');
    expect(running()).toEqual(['a1', 'b0']);
    await end('b0');
    expect(running()).toEqual(['a1', 'b1']);
    await end('a1');
    await end('a2');
    await end('b1');
  });

  it('has at most consumeConcurrency queues at a time, in turn', async () => {
    const { running, end } = await inOrder(new FakeCluster({ topics: { t: 3 } }), { consumeConcurrency: 2 });
    for (const body of ['a', 'b', 'c']) {
      for (const step of [0, 1]) on.cluster.broker.put('t', 'abc'.indexOf(body), `${body}${step}`);
    }
    await on.cluster.until('two', () => running().length === 2);
    const order: string[] = [];
    while (order.length < 6) {
      await on.cluster.until('a call', () => running().length > 0);
      order.push(running()[0]!);
      await end(order.at(-1)!);
    }
    expect(running()).toEqual([]);
    for (const queue of ['a', 'b', 'c']) {
      expect(order.filter((body) => body.startsWith(queue))).toEqual([`${queue}0`, `${queue}1`]);
    }
    expect(order.indexOf('c0')).toBeLessThan(order.lastIndexOf('a1') + 1 + order.lastIndexOf('b1'));
  });

  it.each([
    ['RECONSUME_LATER', 'RECONSUME_LATER'],
    ['SUSPEND_CURRENT_QUEUE_A_MOMENT', 'SUSPEND_CURRENT_QUEUE_A_MOMENT'],
    ['an error', new Error('no database')],
  ] as const)('tries a message again in its place, 1 s after %s', async (_what, failure) => {
    const { calls, running, end } = await inOrder(new FakeCluster({ topics: { t: 1 } }));
    on.cluster.broker.put('t', 0, 'a');
    on.cluster.broker.put('t', 0, 'b');
    await end('a', failure);
    await on.cluster.clock.advance(999);
    expect(running()).toEqual([]);
    await on.cluster.clock.advance(1);
    expect(running()).toEqual(['a']);
    expect(calls.at(-1)!.message.reconsumeTimes).toBe(1);
    await end('a');
    expect(running()).toEqual(['b']);
    expect(on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK')).toEqual([]);
    await end('b');
  });

  it.each([
    [5, 10],
    [250, 250],
    [60_000, 30_000],
    [-1, 1_000],
    [NaN, 1_000],
    [undefined as never, 1_000],
  ])('lets the listener choose the pause: %p ms is %i', async (wanted, pause) => {
    const times: number[] = [];
    await consuming(new FakeCluster({ topics: { t: 1 } }), {
      consumeMode: 'ORDERLY',
      listener: (_messages, context) => {
        times.push(on.cluster.clock.now());
        context.suspendCurrentQueueTimeMillis = wanted;
        return times.length < 3 ? 'RECONSUME_LATER' : 'SUCCESS';
      },
    });
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.clock.advance(2 * pause);
    expect(times.map((time) => time - times[0]!)).toEqual([0, pause, 2 * pause]);
  });

  it('tries without end by default', async () => {
    let tries = 0;
    const fake = new FakeCluster({ topics: { t: 1 } });
    await consuming(fake, {
      consumeMode: 'ORDERLY',
      listener: () => (++tries <= 10 ? 'SUSPEND_CURRENT_QUEUE_A_MOMENT' : 'SUCCESS'),
    });
    fake.broker.put('t', 0, 'a');
    await fake.clock.advance(10_000);
    expect(tries).toBe(11);
  });

  it('gives a message to the dead letters after maxReconsumeTimes, and goes on', async () => {
    const { running, end } = await inOrder(new FakeCluster({ topics: { t: 1 } }), { maxReconsumeTimes: 1 });
    on.cluster.broker.put('t', 0, 'poison');
    on.cluster.broker.put('t', 0, 'good');
    await end('poison', 'RECONSUME_LATER');
    await on.cluster.clock.advance(1_000);
    await end('poison', 'RECONSUME_LATER');
    expect(on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK')[0]!.header).toMatchObject({ delayLevel: -1 });
    expect(running()).toEqual(['good']);
    await end('good');
    await on.client.shutdown();
    expect(on.cluster.broker.offsets.get('stock@t@0')).toBe(2);
  });

  it('gives a message to the dead letters at once when the listener says that it is hopeless', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    const got: string[] = [];
    await consuming(fake, {
      consumeMode: 'ORDERLY',
      listener: ([message], context) => {
        got.push(message!.body.toString());
        if (got.length > 1) return 'SUCCESS';
        context.delayLevelWhenNextConsume = -1;
        throw new Error('this is no JSON');
      },
    });
    fake.broker.put('t', 0, 'garbled');
    fake.broker.put('t', 0, 'good');
    await fake.until('both', () => got.length === 2);
    expect(got).toEqual(['garbled', 'good']);
    expect(fake.broker.requests('CONSUMER_SEND_MSG_BACK')[0]!.header).toMatchObject({ delayLevel: -1 });
  });

  it('of a list that was consumed in part, tries the rest again', async () => {
    const lists: string[][] = [];
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (const body of ['a', 'b', 'c']) fake.broker.put('t', 0, body);
    await consuming(fake, {
      consumeMode: 'ORDERLY',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      consumeMessageBatchMaxSize: 3,
      listener: (messages, context) => {
        lists.push(messages.map(({ body }) => body.toString()));
        if (lists.length === 1) context.ackIndex = 0;
        return 'SUCCESS';
      },
    });
    await fake.clock.advance(1_000);
    expect(lists).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ]);
  });

  it('waits in a pause, and goes on in order', async () => {
    const { consumer, running, end } = await inOrder(new FakeCluster({ topics: { t: 1 } }));
    for (const body of ['a', 'b']) on.cluster.broker.put('t', 0, body);
    await on.cluster.until('a', () => running().length === 1);
    consumer.pause();
    await end('a');
    expect(running()).toEqual([]);
    consumer.resume();
    await end('b');
  });

  it('is refused for what it cannot be', () => {
    expect(() => aConsumer(new FakeCluster(), { consumeMode: 'SOMEHOW' as never })).toThrow(InvalidOptionError);
    expect(() => aConsumer(new FakeCluster(), { consumeMode: 'ORDERLY', suspendCurrentQueueTimeMillis: 9 })).toThrow(
      /suspendCurrentQueueTimeMillis is 9; allowed: an integer from 10 to 30000/,
    );
  });
});

describe('T067: an ORDERLY consumer that is told to consume one message directly', () => {
  it.each<[string, () => ConsumeResult | void]>([
    ['CR_SUCCESS', () => undefined],
    ['CR_SUCCESS', () => 'SUCCESS'],
    ['CR_LATER', () => 'SUSPEND_CURRENT_QUEUE_A_MOMENT'],
    ['CR_LATER', () => 'RECONSUME_LATER'],
    [
      'CR_THROW_EXCEPTION',
      () => {
        throw new Error('no');
      },
    ],
  ])('answers %s, and that it keeps the order', async (consumeResult, listener) => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), { consumeMode: 'ORDERLY', listener });
    const { body } = await on.cluster.broker.connection.request(
      Requests.CONSUME_MESSAGE_DIRECTLY,
      { consumerGroup: GROUP, clientId: on.client.clientId, msgId: 'x', brokerName: 'broker-a' },
      { body: on.cluster.broker.put('other', 0, 'direct') },
    );
    expect(parseJsonObject(body, 'a result')).toMatchObject({ consumeResult, order: true, autoCommit: true });
  });

  it('tells of its locks', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), { consumeMode: 'ORDERLY' });
    const now = on.cluster.clock.now();
    const { body } = await on.cluster.broker.connection.request(Requests.GET_CONSUMER_RUNNING_INFO, {
      consumerGroup: GROUP,
      clientId: on.client.clientId,
    });
    expect(body.toString()).toContain(`"lastLockTimestamp":${now}`);
    expect(body.toString()).toContain('"locked":true');
    expect(body.toString()).toContain('"PROP_CONSUMEORDERLY":"true"');
  });
});

describe('the lock of a queue', () => {
  it('is asked for before the queue is begun, and all of a broker at once', async () => {
    await inOrder(new FakeCluster({ topics: { t: 3 } }));
    expect(queuesIn(locks('LOCK_BATCH_MQ'))).toEqual(['%RETRY%stock@0', 't@0', 't@1', 't@2']);
    expect(locks('LOCK_BATCH_MQ').some((set) => set.length === 3)).toBe(true);
    const names = on.cluster.broker.received.map(({ name }) => name);
    expect(names.indexOf('LOCK_BATCH_MQ')).toBeLessThan(names.indexOf('QUERY_CONSUMER_OFFSET'));
  });

  it('T069: is needed: a queue that another consumer has is not pulled, and is asked for again each second', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    fake.broker.lockedByOthers.add('t@0');
    const { running, end } = await inOrder(fake);
    fake.broker.put('t', 0, 'a');
    await fake.clock.advance(10_000);
    expect(running()).toEqual([]);
    expect(fake.broker.requests('PULL_MESSAGE').map(({ header }) => header['topic'])).not.toContain('t');
    fake.broker.offsets.set('stock@t@0', 0);
    fake.broker.lockedByOthers.clear();
    await fake.clock.advance(1_000);
    await end('a');
  });

  it('is renewed every 20 s', async () => {
    await inOrder(new FakeCluster({ topics: { t: 2 } }));
    const before = locks('LOCK_BATCH_MQ').length;
    await on.cluster.clock.advance(19_999);
    expect(locks('LOCK_BATCH_MQ')).toHaveLength(before);
    await on.cluster.clock.advance(1);
    expect(queuesIn(locks('LOCK_BATCH_MQ').slice(before))).toEqual(['%RETRY%stock@0', 't@0', 't@1']);
    await on.cluster.clock.advance(20_000);
    expect(locks('LOCK_BATCH_MQ')).toHaveLength(before + 2);
  });

  it('is kept at one broker while another one does not answer', async () => {
    const fake = new FakeCluster({ brokers: ['broker-a', 'broker-b'], topics: { t: 1 } });
    await consuming(fake, { consumeMode: 'ORDERLY' });
    const [, dead] = fake.brokers;
    for (let i = 0; i < 100; i++) dead!.next('LOCK_BATCH_MQ', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    const begun = (): number => fake.broker.requests('QUERY_CONSUMER_OFFSET').length;
    const before = begun();
    await fake.clock.advance(70_000);
    // A queue whose lock has lapsed is begun anew.
    expect(begun()).toBe(before);
  });

  it('that a broker has given to another ends the queue here: nothing more begins, nothing is stored', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    const { running, end } = await inOrder(fake);
    fake.broker.put('t', 0, 'a');
    fake.broker.put('t', 0, 'b');
    await fake.until('a', () => running().length === 1);
    fake.broker.lockedByOthers.add('t@0');
    await fake.clock.advance(20_000);
    const stored = fake.broker.offsets.get('stock@t@0');
    await end('a');
    await fake.clock.advance(10_000);
    expect(running()).toEqual([]);
    expect(fake.broker.offsets.get('stock@t@0')).toBe(stored);
  });

  it('counts 30 s: when no broker confirms it, nothing more begins', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    const { running, end } = await inOrder(fake);
    fake.broker.put('t', 0, 'a');
    fake.broker.put('t', 0, 'b');
    await fake.until('a', () => running().length === 1);
    for (let i = 0; i < 100; i++) fake.broker.next('LOCK_BATCH_MQ', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    await fake.clock.advance(30_000);
    await end('a');
    await fake.clock.advance(5_000);
    expect(running()).toEqual([]);
  });

  it('that is lost and comes back begins where the group has come to, once the call under way has ended', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    const { running, end } = await inOrder(fake);
    for (const body of ['a', 'b', 'c']) fake.broker.put('t', 0, body);
    await fake.until('a', () => running().length === 1);
    fake.broker.lockedByOthers.add('t@0');
    await fake.clock.advance(22_000);
    // Another has consumed two messages meanwhile.
    fake.broker.offsets.set('stock@t@0', 2);
    fake.broker.lockedByOthers.clear();
    await fake.clock.advance(3_000);
    expect(running()).toEqual(['a']);
    await end('a');
    expect(running()).toEqual(['c']);
    await end('c');
    await on.client.shutdown();
    expect(fake.broker.offsets.get('stock@t@0')).toBe(3);
  });
});

describe('a queue that goes to another consumer', () => {
  const another = (): void => {
    // 'zz…' sorts after any client id, so that it gets the last queue.
    on.cluster.broker.otherConsumers.push('zz@other');
    on.cluster.broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
  };

  it('is unlocked when its listener has ended and its offset is stored, and begins no other message', async () => {
    const fake = new FakeCluster({ topics: { t: 2 } });
    const { running, end } = await inOrder(fake);
    fake.broker.put('t', 1, 'a');
    fake.broker.put('t', 1, 'b');
    await fake.until('a', () => running().length === 1);
    another();
    await fake.clock.advance(5_000);
    expect(locks('UNLOCK_BATCH_MQ')).toEqual([]);
    await end('a');
    await fake.until('unlocked', () => locks('UNLOCK_BATCH_MQ').length === 1);
    expect(queuesIn(locks('UNLOCK_BATCH_MQ'))).toEqual(['t@1']);
    const names = fake.broker.received.map(({ name }) => name);
    expect(names.lastIndexOf('UPDATE_CONSUMER_OFFSET')).toBeLessThan(names.lastIndexOf('UNLOCK_BATCH_MQ'));
    expect(fake.broker.offsets.get('stock@t@1')).toBe(1);
    expect(running()).toEqual([]);
  });

  it('has no offset stored when its lock has run out: the other may have come further', async () => {
    const fake = new FakeCluster({ topics: { t: 2 } });
    const { end } = await inOrder(fake);
    for (let i = 0; i < 100; i++) fake.broker.next('LOCK_BATCH_MQ', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    await fake.clock.advance(29_500);
    fake.broker.put('t', 1, 'a');
    await end('a');
    fake.broker.offsets.set('stock@t@1', 7);
    await fake.clock.advance(500);
    another();
    await fake.clock.advance(5_000);
    expect(fake.broker.offsets.get('stock@t@1')).toBe(7);
    expect(locks('UNLOCK_BATCH_MQ')).toEqual([]);
  });

  it('keeps its lock renewed for as long as the listener is at work in it', async () => {
    const fake = new FakeCluster({ topics: { t: 2 } });
    const { running, end } = await inOrder(fake);
    fake.broker.put('t', 1, 'a');
    await fake.until('a', () => running().length === 1);
    another();
    const before = locks('LOCK_BATCH_MQ').length;
    await fake.clock.advance(60_000);
    expect(queuesIn(locks('LOCK_BATCH_MQ').slice(before))).toContain('t@1');
    expect(locks('UNLOCK_BATCH_MQ')).toEqual([]);
    await end('a');
    await fake.until('unlocked', () => locks('UNLOCK_BATCH_MQ').length === 1);
  });

  it('is not unlocked while a call of before it was lost and came back is under way', async () => {
    const fake = new FakeCluster({ topics: { t: 2 } });
    const { running, end } = await inOrder(fake);
    fake.broker.put('t', 1, 'a');
    await fake.until('a', () => running().length === 1);
    fake.broker.lockedByOthers.add('t@1');
    await fake.clock.advance(20_000);
    fake.broker.lockedByOthers.clear();
    await fake.clock.advance(3_000);
    another();
    await fake.clock.advance(5_000);
    expect(locks('UNLOCK_BATCH_MQ')).toEqual([]);
    await end('a');
    await fake.until('unlocked', () => locks('UNLOCK_BATCH_MQ').length === 1);
  });

  it('is pulled no more while its listener is at work in it', async () => {
    const fake = new FakeCluster({ topics: { t: 2 } });
    const { running, end } = await inOrder(fake);
    fake.broker.put('t', 1, 'a');
    await fake.until('a', () => running().length === 1);
    another();
    await fake.clock.advance(5_000);
    const pulls = (): number =>
      fake.broker.requests('PULL_MESSAGE').filter(({ header }) => header['topic'] === 't' && header['queueId'] === 1)
        .length;
    const before = pulls();
    fake.broker.put('t', 1, 'b');
    await fake.clock.advance(5_000);
    expect(pulls()).toBe(before);
    await end('a');
  });

  it('is unlocked when it was to begin again from another offset just then', async () => {
    const fake = new FakeCluster({ topics: { t: 2 } });
    await inOrder(fake);
    fake.broker.otherConsumers.push('zz@other');
    fake.broker.connection.oneway(
      Requests.RESET_CONSUMER_CLIENT_OFFSET,
      { topic: 't', group: GROUP, timestamp: 0, isForce: true },
      { body: encodeJson({ offsetTable: queueTable([[{ topic: 't', brokerName: 'broker-a', queueId: 1 }, 0]]) }) },
    );
    await fake.until('unlocked', () => locks('UNLOCK_BATCH_MQ').length === 1);
    expect(queuesIn(locks('UNLOCK_BATCH_MQ'))).toEqual(['t@1']);
  });

  it('is unlocked at a shutdown; one whose listener is still at work is not', async () => {
    const fake = new FakeCluster({ topics: { t: 2 } });
    const { consumer, running } = await inOrder(fake);
    fake.broker.put('t', 1, 'a');
    await fake.until('a', () => running().length === 1);
    const closing = consumer.shutdown({ deadline: 1_000 });
    await fake.clock.advance(1_000);
    await closing;
    expect(queuesIn(locks('UNLOCK_BATCH_MQ'))).toEqual(['%RETRY%stock@0', 't@0']);
  });
});

describe('KEY_ORDERED', () => {
  const keyed = (key: string): { properties: Record<string, string> } => ({ properties: { __SHARDINGKEY: key } });

  it('has the messages of one key in order, and other keys meanwhile', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    const { running, end } = await inOrder(fake, { consumeMode: 'KEY_ORDERED' });
    for (const body of ['x0', 'y0', 'x1', 'y1', 'x2']) fake.broker.put('t', 0, body, keyed(body[0]!));
    await fake.until('two', () => running().length === 2);
    expect(running()).toEqual(['x0', 'y0']);
    await end('y0');
    await end('y1');
    expect(running()).toEqual(['x0']);
    await end('x0');
    expect(running()).toEqual(['x1']);
    await end('x1');
    await end('x2');
  });

  it('takes messages without a key as those of one key', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    const { running, end } = await inOrder(fake, { consumeMode: 'KEY_ORDERED' });
    for (const body of ['a', 'b']) fake.broker.put('t', 0, body);
    fake.broker.put('t', 0, 'x', keyed('x'));
    await fake.until('two', () => running().length === 2);
    expect(running()).toEqual(['a', 'x']);
    await end('x');
    await end('a');
    await end('b');
  });

  it('holds up a failing key alone, and never stores an offset behind its message', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    const { running, end } = await inOrder(fake, { consumeMode: 'KEY_ORDERED', maxReconsumeTimes: 2 });
    for (const body of ['x0', 'y0', 'x1', 'y1', 'z0']) fake.broker.put('t', 0, body, keyed(body[0]!));
    await end('x0', new Error('no'));
    for (const body of ['y0', 'y1', 'z0']) await end(body);
    expect(running()).toEqual([]);
    await fake.clock.advance(1_000);
    await end('x0', new Error('no'));
    await fake.clock.advance(10_000);
    expect(fake.broker.offsets.get('stock@t@0') ?? 0).toBe(0);
    await end('x0', new Error('no'));
    await end('x1');
    await fake.clock.advance(10_000);
    expect(fake.broker.stored).toMatchObject([{ topic: '%RETRY%stock', reconsumeTimes: 3 }]);
    expect(fake.broker.stored[0]!.properties.get('DLQ_REASON')).toBe('no');
    // A real broker makes a dead letter of it; the fake one delivers it again.
    await end('x0');
    expect(fake.broker.offsets.get('stock@t@0')).toBe(5);
  });
});
