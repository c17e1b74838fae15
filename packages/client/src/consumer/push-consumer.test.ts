import { afterEach, describe, expect, it } from '@jest/globals';
import { COMPRESSED_ZLIB, MessageProperty, Requests, ResponseCode, encodeConsumerList } from '@nest-rocketmq/remoting';
import type { MessageExt } from '@nest-rocketmq/remoting';
import { FakeCluster, NAME_SERVER } from '../../test/fake-cluster.js';
import type { Received } from '../../test/fake-cluster.js';
import { RocketMQClient } from '../client.js';
import type { PushConsumerOptions } from './consumer-options.js';
import type { PushConsumer } from './push-consumer.js';

const GROUP = 'stock';

let cluster: FakeCluster;
let client: RocketMQClient;
let got: MessageExt[];

async function consuming(fake: FakeCluster, options: Partial<PushConsumerOptions> = {}): Promise<PushConsumer> {
  cluster = fake;
  got = [];
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  const consumer = client.createPushConsumer({
    group: GROUP,
    subscriptions: [{ topic: 't' }],
    listener: (messages) => void got.push(...messages),
    ...options,
  });
  await consumer.start();
  return consumer;
}

const bodies = (): string[] => got.map(({ body }) => body.toString());

afterEach(async () => {
  await client.shutdown();
  await cluster.close();
  expect(cluster.clock.pending).toBe(0);
});

describe('a push consumer', () => {
  it('has told the broker what it wants before it asks for anything', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), { subscriptions: [{ topic: 't', expression: 'A || B' }] });
    expect(cluster.broker.received[0]!.name).toBe('HEART_BEAT');
    const [consumer] = cluster.broker.heartbeats[0]!.consumers;
    expect(consumer).toMatchObject({
      groupName: GROUP,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      unitMode: false,
    });
    expect(consumer!.subscriptionDataSet).toMatchObject([
      { topic: 't', subString: 'A || B', tagsSet: ['A', 'B'], codeSet: [65, 66], expressionType: 'TAG' },
      { topic: '%RETRY%stock', subString: '*', tagsSet: [] },
    ]);
  });

  it('pulls all queues at once when it has started, its retry topic among them', async () => {
    await consuming(new FakeCluster({ topics: { t: 2 } }));
    await cluster.until('three pulls', () => cluster.broker.heldPulls === 3);
    expect(
      cluster.broker
        .requests('PULL_MESSAGE')
        .map(({ header }) => `${String(header['topic'])}@${String(header['queueId'])}`),
    ).toEqual(expect.arrayContaining(['t@0', 't@1', '%RETRY%stock@0']));
    expect(cluster.broker.requests('PULL_MESSAGE')[0]!.header).toMatchObject({
      maxMsgNums: 32,
      sysFlag: 2,
      suspendTimeoutMillis: 15_000,
      maxMsgBytes: 262_144,
      expressionType: 'TAG',
    });
  });

  it('hands each message to the listener, with what the pull said of its queue', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    cluster.broker.put('t', 0, 'one', { properties: { TAGS: 'A' } });
    cluster.broker.put('t', 0, 'two');
    await cluster.until('both', () => got.length === 2);
    expect(bodies()).toEqual(['one', 'two']);
    expect(got[0]).toMatchObject({ topic: 't', brokerName: 'broker-a', queueOffset: 0 });
    expect(got[0]!.properties.get(MessageProperty.MIN_OFFSET)).toBe('0');
  });

  it('drops a message whose tag only has the hash of one that it wants', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), { subscriptions: [{ topic: 't', expression: 'Aa' }] });
    cluster.broker.put('t', 0, 'same hash', { properties: { TAGS: 'BB' } });
    cluster.broker.put('t', 0, 'no tag');
    cluster.broker.put('t', 0, 'wanted', { properties: { TAGS: 'Aa' } });
    await cluster.until('one', () => got.length > 0);
    expect(bodies()).toEqual(['wanted']);
  });

  it('consumes a topic that comes into being later from its first message on', async () => {
    await consuming(new FakeCluster());
    cluster.topics.set('t', 1);
    cluster.broker.put('t', 0, 'first');
    await cluster.clock.advance(1_000);
    expect(bodies()).toEqual(['first']);
  });

  it('need not wait for that topic when a producer of the same client creates it', async () => {
    await consuming(new FakeCluster());
    const producer = client.createProducer({ group: 'p' });
    await producer.start();
    await producer.send({ topic: 't', body: 'first' });
    await cluster.until('it came', () => got.length === 1);
  });

  it('calls the listener at most consumeConcurrency times at once', async () => {
    let running = 0;
    let most = 0;
    const release: (() => void)[] = [];
    await consuming(new FakeCluster({ topics: { t: 1 } }), {
      consumeConcurrency: 3,
      listener: async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => release.push(resolve));
        running--;
      },
    });
    for (let i = 0; i < 10; i++) cluster.broker.put('t', 0, `m${i}`);
    await cluster.until('three calls', () => release.length === 3);
    for (let done = 0; done < 10; done++) {
      await cluster.until('a call', () => release.length > 0);
      release.shift()!();
    }
    expect(most).toBe(3);
  });

  it('hands over lists of at most consumeMessageBatchMaxSize', async () => {
    const sizes: number[] = [];
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 5; i++) fake.broker.put('t', 0, `m${i}`);
    await consuming(fake, {
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      consumeMessageBatchMaxSize: 2,
      listener: (messages) => void sizes.push(messages.length),
    });
    await cluster.until('all', () => sizes.length === 3);
    expect(sizes).toEqual([2, 2, 1]);
  });

  it('pulls no more while it is paused', async () => {
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }));
    await cluster.until('pulls', () => cluster.broker.heldPulls === 2);
    consumer.pause();
    cluster.broker.put('t', 0, 'one'); // answers the pull that was under way
    await cluster.until('one', () => got.length === 1);
    cluster.broker.put('t', 0, 'two');
    await cluster.clock.advance(5_000);
    expect(bodies()).toEqual(['one']);
    consumer.resume();
    await cluster.until('two', () => got.length === 2);
  });

  it('stops pulling a queue of which it holds more than pullThresholdForQueue messages', async () => {
    const release: (() => void)[] = [];
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 10; i++) fake.broker.put('t', 0, `m${i}`);
    await consuming(fake, {
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      pullBatchSize: 2,
      pullThresholdForQueue: 3,
      listener: () => new Promise<void>((resolve) => release.push(resolve)),
    });
    await cluster.until('four held', () => release.length === 4);
    await cluster.clock.advance(5_000);
    expect(release).toHaveLength(4);
    release.shift()!();
    await cluster.until('two more', () => release.length === 5);
    while (release.length > 0) {
      release.shift()!();
      await cluster.clock.advance(0);
    }
  });
});

describe('offsets', () => {
  it.each([
    ['CONSUME_FROM_LAST_OFFSET', 3],
    ['CONSUME_FROM_FIRST_OFFSET', 0],
    ['CONSUME_FROM_TIMESTAMP', 0],
  ] as const)('of a new group begin, by %s, at %i', async (consumeFromWhere, offset) => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 3; i++) fake.broker.put('t', 0, `m${i}`);
    await consuming(fake, { consumeFromWhere });
    const pull = (): Received | undefined =>
      cluster.broker.requests('PULL_MESSAGE').find(({ header }) => header['topic'] === 't');
    await cluster.until('a pull', () => pull() !== undefined);
    expect(pull()!.header['queueOffset']).toBe(offset);
  });

  it('of a group that has consumed before go on where it was', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    fake.broker.offsets.set('stock@t@0', 2);
    for (let i = 0; i < 3; i++) fake.broker.put('t', 0, `m${i}`);
    await consuming(fake);
    await cluster.until('the last one', () => got.length === 1);
    expect(bodies()).toEqual(['m2']);
  });

  it('of a queue without messages are kept, so that what is sent while nobody is there is not skipped', async () => {
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }));
    await consumer.shutdown();
    expect(cluster.broker.offsets.get('stock@t@0')).toBe(0);
  });

  it('that cannot be read leave the queue alone for now, rather than begin somewhere', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    fake.broker.put('t', 0, 'old');
    fake.broker.offsets.set('stock@t@0', 0);
    for (let i = 0; i < 2; i++) fake.broker.next('QUERY_CONSUMER_OFFSET', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    await consuming(fake);
    expect(cluster.broker.requests('PULL_MESSAGE')).toEqual([]);
    await cluster.clock.advance(1_000);
    expect(bodies()).toEqual(['old']);
  });

  it('are stored every 5 s, as far as all messages before are done', async () => {
    let release = (): void => undefined;
    await consuming(new FakeCluster({ topics: { t: 1 } }), {
      listener: ([message]) =>
        message!.body.toString() === 'slow' ? new Promise<void>((resolve) => (release = resolve)) : undefined,
    });
    for (const body of ['a', 'slow', 'b', 'c']) cluster.broker.put('t', 0, body);
    await cluster.clock.advance(5_000);
    expect(cluster.broker.offsets.get('stock@t@0')).toBe(1);
    release();
    await cluster.clock.advance(5_000);
    expect(cluster.broker.offsets.get('stock@t@0')).toBe(4);
    expect(cluster.broker.requests('UPDATE_CONSUMER_OFFSET').every(({ oneway }) => oneway)).toBe(true);
  });

  it('travel with each pull', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    cluster.broker.put('t', 0, 'a');
    await cluster.until('done', () => got.length === 1);
    cluster.broker.put('t', 0, 'b');
    await cluster.until('done', () => got.length === 2);
    await cluster.until('a pull that commits', () =>
      cluster.broker
        .requests('PULL_MESSAGE')
        .some(({ header }) => header['sysFlag'] === 3 && header['commitOffset'] === 1),
    );
  });

  it('that the broker has moved are followed: stored, and begun again from', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 6; i++) fake.broker.put('t', 0, `m${i}`);
    const moved = { suggestWhichBrokerId: 0, nextBeginOffset: 4, minOffset: 4, maxOffset: 6 };
    for (let i = 0; i < 2; i++) {
      fake.broker.next('PULL_MESSAGE', ({ header }) =>
        header['topic'] === 't'
          ? { code: ResponseCode.PULL_OFFSET_MOVED, header: moved }
          : { code: ResponseCode.PULL_NOT_FOUND, header: { ...moved, nextBeginOffset: 0 } },
      );
    }
    await consuming(fake, { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
    await cluster.until('the rest', () => got.length === 2);
    expect(bodies()).toEqual(['m4', 'm5']);
    expect(cluster.broker.requests('UPDATE_CONSUMER_OFFSET')[0]!.header['commitOffset']).toBe(4);
  });
});

describe('a message whose body cannot be read', () => {
  it('goes to the dead letters, and keeps back none of the others', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    fake.broker.put('t', 0, 'a');
    fake.broker.put('t', 0, 'no zlib stream', { sysFlag: COMPRESSED_ZLIB });
    fake.broker.put('t', 0, 'b');
    await consuming(fake, { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
    await cluster.clock.advance(5_000);
    expect(bodies()).toEqual(['a', 'b']);
    expect(cluster.broker.requests('CONSUMER_SEND_MSG_BACK').map(({ header }) => header['delayLevel'])).toEqual([-1]);
    expect(cluster.broker.offsets.get('stock@t@0')).toBe(3);
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
  ])('because the listener %s is given back to its broker', async (_how, listener) => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), { listener });
    cluster.broker.put('t', 0, 'a');
    await cluster.until('given back', () => cluster.broker.requests('CONSUMER_SEND_MSG_BACK').length === 1);
    expect(cluster.broker.requests('CONSUMER_SEND_MSG_BACK')[0]!.header).toMatchObject({
      offset: 0,
      group: GROUP,
      delayLevel: 0,
      originTopic: 't',
      maxReconsumeTimes: 16,
    });
    await cluster.clock.advance(5_000);
    expect(cluster.broker.offsets.get('stock@t@0')).toBe(1);
  });

  it('goes where the listener says: to a delay level, or to the dead letters', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), {
      maxReconsumeTimes: 3,
      listener: (_messages, context) => {
        context.delayLevelWhenNextConsume = -1;
        return 'RECONSUME_LATER';
      },
    });
    cluster.broker.put('t', 0, 'a');
    await cluster.until('given back', () => cluster.broker.requests('CONSUMER_SEND_MSG_BACK').length === 1);
    expect(cluster.broker.requests('CONSUMER_SEND_MSG_BACK')[0]!.header).toMatchObject({
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
    await cluster.until('given back', () => cluster.broker.requests('CONSUMER_SEND_MSG_BACK').length === 2);
  });

  it('is sent to the retry topic when its broker does not take it back', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), { listener: () => 'RECONSUME_LATER' });
    cluster.broker.next('CONSUMER_SEND_MSG_BACK', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    cluster.broker.put('t', 0, 'a', { properties: { KEYS: 'k' }, reconsumeTimes: 2 });
    await cluster.until('sent', () => cluster.broker.stored.length === 1);
    const [copy] = cluster.broker.stored;
    expect(copy).toMatchObject({ topic: '%RETRY%stock', reconsumeTimes: 3 });
    expect(Object.fromEntries(copy!.properties)).toMatchObject({ RETRY_TOPIC: 't', DELAY: '5', KEYS: 'k' });
    expect(cluster.broker.requests('SEND_MESSAGE_V2')[0]!.header).toMatchObject({ a: 'CLIENT_INNER_PRODUCER', l: 16 });
  });

  it('is consumed here again after 5 s when neither way goes', async () => {
    let calls = 0;
    await consuming(new FakeCluster({ topics: { t: 1 } }), {
      listener: ([message]) => {
        calls++;
        if (message!.reconsumeTimes === 0) throw new Error('no');
      },
    });
    cluster.broker.next('CONSUMER_SEND_MSG_BACK', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    cluster.broker.next('SEND_MESSAGE_V2', () => ({ code: ResponseCode.MESSAGE_ILLEGAL }));
    cluster.broker.put('t', 0, 'a');
    await cluster.clock.advance(4_999);
    expect(calls).toBe(1);
    expect(cluster.broker.offsets.get('stock@t@0') ?? 0).toBe(0);
    await cluster.clock.advance(1);
    expect(calls).toBe(2);
  });

  it('shows its own topic when it comes back from the retry topic', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    cluster.broker.put('%RETRY%stock', 0, 'again', { properties: { RETRY_TOPIC: 't' }, reconsumeTimes: 1 });
    await cluster.until('it came', () => got.length === 1);
    expect(got[0]).toMatchObject({ topic: 't', reconsumeTimes: 1 });
  });

  it('whose listener never returns is given back after consumeTimeout, and holds the offset no longer', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), {
      consumeTimeout: 1,
      listener: () => new Promise(() => undefined),
    });
    cluster.broker.put('t', 0, 'a');
    await cluster.clock.advance(125_000);
    expect(cluster.broker.requests('CONSUMER_SEND_MSG_BACK')[0]!.header).toMatchObject({ delayLevel: 3 });
    expect(cluster.broker.offsets.get('stock@t@0')).toBe(1);
    const closing = client.shutdown();
    await cluster.clock.advance(30_000);
    await closing;
  });

  it('is dropped in broadcasting: there is no retry', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), {
      messageModel: 'BROADCASTING',
      localOffsetStoreDir: 'memory',
      listener: () => 'RECONSUME_LATER',
    });
    cluster.broker.put('t', 0, 'a');
    await cluster.until('pulled on', () =>
      cluster.broker.requests('PULL_MESSAGE').some(({ header }) => header['queueOffset'] === 1),
    );
    expect(cluster.broker.requests('CONSUMER_SEND_MSG_BACK')).toEqual([]);
    expect(cluster.broker.heartbeats[0]!.consumers[0]!.subscriptionDataSet.map(({ topic }) => topic)).toEqual(['t']);
  });
});

describe('consumers of one group', () => {
  it('share the queues, and take over those of one that has gone', async () => {
    await consuming(new FakeCluster({ topics: { t: 4 } }));
    const pulled = (): number =>
      new Set(
        cluster.broker
          .requests('PULL_MESSAGE')
          .map(({ header }) => `${String(header['topic'])}${String(header['queueId'])}`),
      ).size;
    await cluster.until('all', () => pulled() === 5);
    // 'zz…' sorts after any client id, so it gets the last two queues.
    cluster.broker.otherConsumers.push('zz@other');
    cluster.broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
    await cluster.until('two less', () => cluster.broker.requests('GET_CONSUMER_LIST_BY_GROUP').length >= 4);
    await cluster.clock.advance(0);
    cluster.broker.put('t', 3, 'not ours');
    cluster.broker.put('t', 0, 'ours');
    await cluster.until('ours', () => got.length === 1);
    expect(bodies()).toEqual(['ours']);
    cluster.broker.otherConsumers.length = 0;
    cluster.broker.offsets.set('stock@t@3', 0);
    await cluster.clock.advance(20_000);
    expect(bodies()).toEqual(['ours', 'not ours']);
  });

  it('keep their queues when a broker has not heard of this one yet', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    for (let i = 0; i < 2; i++) {
      cluster.broker.next('GET_CONSUMER_LIST_BY_GROUP', () => ({ body: encodeConsumerList(['zz@other']) }));
    }
    cluster.broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
    await cluster.until('told again', () => cluster.broker.heartbeats.length >= 2);
    cluster.broker.put('t', 0, 'still ours');
    await cluster.until('it came', () => got.length === 1);
  });
});

describe('after an outage', () => {
  it('a broker that is back hears of the consumer first, and is pulled again within about a second', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    await cluster.until('pulls', () => cluster.broker.heldPulls === 2);
    cluster.takeDown(cluster.broker.address);
    await cluster.clock.advance(10_000);
    cluster.bringUp(cluster.broker.address);
    cluster.broker.received.length = 0;
    await cluster.clock.advance(1_100);
    const names = cluster.broker.received.map(({ name }) => name);
    expect(names).toContain('PULL_MESSAGE');
    expect(names[0]).toBe('HEART_BEAT');
    cluster.broker.put('t', 0, 'after');
    await cluster.until('it came', () => got.length === 1);
  });

  it('a broker that has moved is found at its new address', async () => {
    const fake = new FakeCluster({ brokers: ['broker-a', 'broker-b'], topics: { t: 1 } });
    const [old, moved] = fake.brokers;
    fake.brokers.splice(1, 1);
    await consuming(fake);
    await cluster.until('pulls', () => old!.heldPulls === 2);
    cluster.takeDown(old!.address);
    cluster.brokers.splice(0, 1, Object.assign(moved!, { name: 'broker-a' }));
    await cluster.clock.advance(3_000);
    moved!.put('t', 0, 'from there');
    await cluster.until('it came', () => got.length === 1);
  });

  it('a broker that answers nothing is dialled anew', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    await cluster.until('pulls', () => cluster.broker.heldPulls === 2);
    const dials = cluster.dialled.length;
    cluster.broker.next('HEART_BEAT', () => undefined);
    cluster.broker.next('PULL_MESSAGE', () => undefined);
    await cluster.clock.advance(70_000);
    expect(cluster.dialled.length).toBeGreaterThan(dials);
  });
});

describe('an SQL92 condition', () => {
  it('that the broker does not understand is an error of the start', async () => {
    cluster = new FakeCluster({ topics: { t: 1 } });
    client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
    cluster.broker.next('CHECK_CLIENT_CONFIG', () => ({ code: ResponseCode.SUBSCRIPTION_PARSE_FAILED, remark: 'bad' }));
    const consumer = client.createPushConsumer({
      group: GROUP,
      subscriptions: [{ topic: 't', expression: 'a >>> 5', expressionType: 'SQL92' }],
      listener: () => undefined,
    });
    await expect(consumer.start()).rejects.toThrow(/code 23: bad/);
  });
});

describe('shutdown', () => {
  it('during the start leaves nothing running', async () => {
    cluster = new FakeCluster({ topics: { t: 1 } });
    client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
    const consumer = client.createPushConsumer({
      group: GROUP,
      subscriptions: [{ topic: 't' }],
      listener: () => undefined,
    });
    let answer = (): void => undefined;
    cluster.broker.next('HEART_BEAT', () => new Promise((resolve) => (answer = () => resolve({}))));
    const starting = consumer.start();
    await cluster.until('told to the broker', () => cluster.broker.requests('HEART_BEAT').length === 1);
    await consumer.shutdown();
    answer();
    await starting;
    await cluster.clock.advance(60_000);
    expect(cluster.broker.heldPulls).toBe(0);
  });

  it('waits for the listener, stores the offset with confirmation, and leaves the group', async () => {
    let release = (): void => undefined;
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }), {
      listener: () => new Promise<void>((resolve) => (release = resolve)),
    });
    cluster.broker.put('t', 0, 'a');
    await cluster.until('running', () => release.name !== 'release');
    let closed = false;
    const closing = consumer.shutdown().then(() => (closed = true));
    await cluster.clock.advance(1_000);
    expect(closed).toBe(false);
    release();
    await closing;
    expect(cluster.broker.offsets.get('stock@t@0')).toBe(1);
    const last = cluster.broker.received.slice(-3);
    expect(last.map(({ name }) => name)).toContain('UNREGISTER_CLIENT');
    expect(cluster.broker.requests('UPDATE_CONSUMER_OFFSET').at(-1)!.oneway).toBe(false);
  });

  it('ends at its deadline, and tells the listener so', async () => {
    let aborted = false;
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }), {
      listener: (_messages, { signal }) => {
        signal.addEventListener('abort', () => (aborted = true));
        return new Promise<void>(() => undefined);
      },
    });
    cluster.broker.put('t', 0, 'a');
    await cluster.clock.advance(0);
    const closing = consumer.shutdown({ deadline: 2_000 });
    await cluster.clock.advance(2_000);
    await closing;
    expect(aborted).toBe(true);
    expect(cluster.broker.offsets.get('stock@t@0') ?? 0).toBe(0);
  });

  it('begins no message that was still waiting for its turn', async () => {
    const release: (() => void)[] = [];
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }), {
      consumeConcurrency: 1,
      listener: () => new Promise<void>((resolve) => release.push(resolve)),
    });
    cluster.broker.put('t', 0, 'a');
    cluster.broker.put('t', 0, 'b');
    await cluster.until('the first', () => release.length === 1);
    const closing = consumer.shutdown();
    release[0]!();
    await closing;
    expect(release).toHaveLength(1);
    expect(cluster.broker.offsets.get('stock@t@0')).toBe(1);
  });
});
