import { describe, expect, it } from '@jest/globals';
import { MessageProperty, NotRunningError, ResponseCode } from '@nest-rocketmq/remoting/internal';
import { GROUP, aConsumer, bodies, consuming, on } from '../../test-kit/consuming.js';
import { FakeCluster } from '../../test-kit/fake-cluster.js';
import { SubscriptionRefusedError } from '../errors.js';

describe('a push consumer', () => {
  it('has told the broker what it wants before it asks for anything', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), { subscriptions: [{ topic: 't', expression: 'A || B' }] });
    expect(on.cluster.broker.received[0]!.name).toBe('HEART_BEAT');
    const [consumer] = on.cluster.broker.heartbeats[0]!.consumers;
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
    await on.cluster.until('three pulls', () => on.cluster.broker.heldPulls === 3);
    expect(
      on.cluster.broker
        .requests('PULL_MESSAGE')
        .map(({ header }) => `${String(header['topic'])}@${String(header['queueId'])}`),
    ).toEqual(expect.arrayContaining(['t@0', 't@1', '%RETRY%stock@0']));
    expect(on.cluster.broker.requests('PULL_MESSAGE')[0]!.header).toMatchObject({
      maxMsgNums: 32,
      sysFlag: 2,
      suspendTimeoutMillis: 15_000,
      maxMsgBytes: 262_144,
      expressionType: 'TAG',
    });
  });

  it('hands each message to the listener, with what the pull said of its queue', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    on.cluster.broker.put('t', 0, 'one', { properties: { TAGS: 'A' } });
    on.cluster.broker.put('t', 0, 'two');
    await on.cluster.until('both', () => on.got.length === 2);
    expect(bodies()).toEqual(['one', 'two']);
    expect(on.got[0]).toMatchObject({ topic: 't', brokerName: 'broker-a', queueOffset: 0 });
    expect(on.got[0]!.properties.get(MessageProperty.MIN_OFFSET)).toBe('0');
  });

  it('T107: drops a message whose tag only has the hash of one that it wants', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }), { subscriptions: [{ topic: 't', expression: 'Aa' }] });
    on.cluster.broker.put('t', 0, 'same hash', { properties: { TAGS: 'BB' } });
    on.cluster.broker.put('t', 0, 'no tag');
    on.cluster.broker.put('t', 0, 'wanted', { properties: { TAGS: 'Aa' } });
    await on.cluster.until('one', () => on.got.length > 0);
    expect(bodies()).toEqual(['wanted']);
  });

  it('consumes a topic that comes into being later from its first message on', async () => {
    await consuming(new FakeCluster());
    on.cluster.topics.set('t', 1);
    on.cluster.broker.put('t', 0, 'first');
    await on.cluster.clock.advance(1_000);
    expect(bodies()).toEqual(['first']);
  });

  it('need not wait for that topic when a producer of the same on.client creates it', async () => {
    await consuming(new FakeCluster());
    const producer = on.client.createProducer({ group: 'p' });
    await producer.start();
    await producer.send({ topic: 't', body: 'first' });
    await on.cluster.until('it came', () => on.got.length === 1);
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
    for (let i = 0; i < 10; i++) on.cluster.broker.put('t', 0, `m${i}`);
    await on.cluster.until('three calls', () => release.length === 3);
    for (let done = 0; done < 10; done++) {
      await on.cluster.until('a call', () => release.length > 0);
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
    await on.cluster.until('all', () => sizes.length === 3);
    expect(sizes).toEqual([2, 2, 1]);
  });

  it('T125: stops pulling a queue of which it holds more than pullThresholdForQueue messages', async () => {
    const release: (() => void)[] = [];
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 10; i++) fake.broker.put('t', 0, `m${i}`);
    await consuming(fake, {
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      pullBatchSize: 2,
      pullThresholdForQueue: 3,
      listener: () => new Promise<void>((resolve) => release.push(resolve)),
    });
    await on.cluster.until('four held', () => release.length === 4);
    await on.cluster.clock.advance(5_000);
    expect(release).toHaveLength(4);
    release.shift()!();
    await on.cluster.until('two more', () => release.length === 5);
    while (release.length > 0) {
      release.shift()!();
      await on.cluster.clock.advance(0);
    }
  });
});

describe('an SQL92 condition', () => {
  it('T106: that the broker does not understand is an error of the start', async () => {
    const consumer = aConsumer(new FakeCluster({ topics: { t: 1 } }), {
      subscriptions: [{ topic: 't', expression: 'a >>> 5', expressionType: 'SQL92' }],
    });
    on.cluster.broker.next('CHECK_CLIENT_CONFIG', () => ({
      code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      remark: 'bad',
    }));
    await expect(consumer.start()).rejects.toThrow(/group stock on topic t, 'a >>> 5'.*code 23: bad/);
  });

  it('is asked about when its topic is not there yet, at any broker', async () => {
    const consumer = aConsumer(new FakeCluster(), {
      subscriptions: [{ topic: 'none', expression: 'a > 5', expressionType: 'SQL92' }],
    });
    on.cluster.broker.next('CHECK_CLIENT_CONFIG', () => ({ code: ResponseCode.SYSTEM_ERROR, remark: 'no SQL92' }));
    await expect(consumer.start()).rejects.toThrow(SubscriptionRefusedError);
  });
});

describe('shutdown', () => {
  it('before the name server has answered ends the start', async () => {
    const consumer = aConsumer(new FakeCluster({ topics: { t: 1 } }));
    const starting = Promise.all([consumer.start(), consumer.start()]);
    const refused = expect(starting).rejects.toThrow(NotRunningError);
    await consumer.shutdown();
    await refused;
    await on.cluster.clock.advance(60_000);
    expect(on.cluster.broker.heartbeats).toEqual([]);
  });

  it('during the start leaves nothing running', async () => {
    const consumer = aConsumer(new FakeCluster({ topics: { t: 1 } }));
    let answer = (): void => undefined;
    on.cluster.broker.next('HEART_BEAT', () => new Promise((resolve) => (answer = () => resolve({}))));
    const starting = consumer.start();
    await on.cluster.until('told to the broker', () => on.cluster.broker.requests('HEART_BEAT').length === 1);
    const stopping = consumer.shutdown();
    await on.cluster.clock.advance(0);
    answer();
    await Promise.all([starting, stopping]);
    expect(on.cluster.broker.received.at(-1)!.name).toBe('UNREGISTER_CLIENT');
    await on.cluster.clock.advance(60_000);
    expect(on.cluster.broker.heldPulls).toBe(0);
  });

  it('T128: waits for the listener, stores the offset with confirmation, and leaves the group', async () => {
    let release = (): void => undefined;
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }), {
      listener: () => new Promise<void>((resolve) => (release = resolve)),
    });
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.until('running', () => release.name !== 'release');
    let closed = false;
    const closing = consumer.shutdown().then(() => (closed = true));
    await on.cluster.clock.advance(1_000);
    expect(closed).toBe(false);
    release();
    await closing;
    expect(on.cluster.broker.offsets.get('stock@t@0')).toBe(1);
    const last = on.cluster.broker.received.slice(-3);
    expect(last.map(({ name }) => name)).toContain('UNREGISTER_CLIENT');
    expect(on.cluster.broker.requests('UPDATE_CONSUMER_OFFSET').at(-1)!.oneway).toBe(false);
  });

  it('ends at its deadline, and tells the listener so', async () => {
    let aborted = false;
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }), {
      listener: (_messages, { signal }) => {
        signal.addEventListener('abort', () => (aborted = true));
        return new Promise<void>(() => undefined);
      },
    });
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.clock.advance(0);
    const closing = consumer.shutdown({ deadline: 2_000 });
    await on.cluster.clock.advance(2_000);
    await closing;
    expect(aborted).toBe(true);
    expect(on.cluster.broker.offsets.get('stock@t@0') ?? 0).toBe(0);
  });

  it('begins no message that was still waiting for its turn', async () => {
    const release: (() => void)[] = [];
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }), {
      consumeConcurrency: 1,
      listener: () => new Promise<void>((resolve) => release.push(resolve)),
    });
    on.cluster.broker.put('t', 0, 'a');
    on.cluster.broker.put('t', 0, 'b');
    await on.cluster.until('the first', () => release.length === 1);
    const closing = consumer.shutdown();
    release[0]!();
    await closing;
    expect(release).toHaveLength(1);
    expect(on.cluster.broker.offsets.get('stock@t@0')).toBe(1);
  });
});
