import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, ResponseCode } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../../client.js';
import { BrokerLatency } from './broker-latency.js';
import { resolveLatencyOptions } from '../options/latency-options.js';
import type { Producer } from '../producer.js';
import type { ProducerOptions } from '../options/producer-options.js';

describe('T032: what is known of a broker', () => {
  const known = (): { clock: ManualClock; latency: BrokerLatency } => {
    const clock = new ManualClock();
    return { clock, latency: new BrokerLatency({ clock, detectInterval: 2_000 }) };
  };

  it('makes it unavailable until its time is over; others are not concerned', async () => {
    const { clock, latency } = known();
    latency.update('a', 50, 100, true);
    expect([latency.isAvailable('a'), latency.isAvailable('b')]).toEqual([false, true]);
    await clock.advance(99);
    expect(latency.isAvailable('a')).toBe(false);
    await clock.advance(1);
    expect(latency.isAvailable('a')).toBe(true);
  });

  it('never shortens that time by a later send', async () => {
    const { clock, latency } = known();
    latency.update('a', 3_000, 6_000, true);
    latency.update('a', 5, 0, true);
    latency.update('a', 600, 2_000, true);
    await clock.advance(5_999);
    expect(latency.isAvailable('a')).toBe(false);
    await clock.advance(1);
    expect(latency.isAvailable('a')).toBe(true);
  });

  it('is forgotten when it is removed', () => {
    const { latency } = known();
    latency.update('a', 50, 100_000, false);
    latency.remove('a');
    expect([latency.isAvailable('a'), latency.isReachable('a'), latency.isEmpty]).toEqual([true, true, true]);
  });

  it('says whether it could be reached', () => {
    const { latency } = known();
    latency.update('a', 50, 0, false);
    latency.update('b', 50, 0, true);
    expect([latency.isReachable('a'), latency.isReachable('b'), latency.isReachable('c')]).toEqual([false, true, true]);
    latency.reached('a');
    expect(latency.isReachable('a')).toBe(true);
  });

  it('says when it may be probed again', async () => {
    const { clock, latency } = known();
    latency.update('a', 50, 0, false);
    await clock.advance(1_999);
    expect(latency.due()).toEqual([]);
    await clock.advance(1);
    expect(latency.due()).toEqual(['a']);
    expect(latency.due()).toEqual([]);
  });
});

describe('a producer with sendLatencyFaultEnable', () => {
  let cluster: FakeCluster;
  let client: RocketMQClient;

  async function producing(options: Partial<ProducerOptions> = {}, brokers = ['a', 'b']): Promise<Producer> {
    cluster = new FakeCluster({ brokers, topics: { t: 2 } });
    client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
    const producer = client.createProducer({ group: 'orders', sendLatencyFaultEnable: true, ...options });
    await producer.start();
    return producer;
  }

  afterEach(async () => {
    await client.shutdown();
    await cluster.clock.advance(0);
  });

  const stored = (): number[] => cluster.brokers.map((broker) => broker.stored.length);
  async function sendMany(producer: Producer, count: number): Promise<void> {
    for (let i = 0; i < count; i++) await producer.send({ topic: 't', body: `${i}` });
  }

  /** Sends until the broker has had one that takes so long. */
  async function sendSlowly(producer: Producer, broker: number, ms: number): Promise<void> {
    cluster.brokers[broker]!.next('SEND_MESSAGE_V2', async ({ header }) => {
      await cluster.clock.advance(ms);
      return { header: { msgId: '', queueId: header.e, queueOffset: 0 } };
    });
    const before = cluster.brokers[broker]!.requests('SEND_MESSAGE_V2').length;
    while (cluster.brokers[broker]!.requests('SEND_MESSAGE_V2').length === before) await sendMany(producer, 1);
  }

  /** Sends until the broker has refused one. */
  async function failOnce(producer: Producer, broker: number): Promise<void> {
    const refusing = cluster.brokers[broker]!;
    const before = refusing.requests('SEND_MESSAGE_V2').length;
    refusing.next('SEND_MESSAGE_V2', () => ({ code: ResponseCode.MESSAGE_ILLEGAL }));
    while (refusing.requests('SEND_MESSAGE_V2').length === before) {
      await producer.send({ topic: 't', body: 'x' }).catch(() => undefined);
    }
  }

  it.each([
    [549, 0],
    [550, 2_000],
    [1_800, 5_000],
  ])('T032: avoids a broker that took %d ms for %d ms', async (latency, duration) => {
    const producer = await producing({ sendMsgTimeout: 60_000 });
    await sendSlowly(producer, 0, latency);
    if (duration > 0) {
      await cluster.clock.advance(duration - 1);
      const [before] = stored();
      await sendMany(producer, 8);
      expect(stored()[0]).toBe(before);
      await cluster.clock.advance(1);
    }
    const [before] = stored();
    await sendMany(producer, 8);
    expect(stored()[0]! - before!).toBeGreaterThanOrEqual(3);
  });

  it('T030, T032: sends again to another broker after a failure, and avoids the first for 10 s', async () => {
    const producer = await producing();
    const fail = (): { code: number } => ({ code: ResponseCode.SYSTEM_BUSY });
    cluster.brokers[0]!.next('SEND_MESSAGE_V2', fail);
    await sendMany(producer, 4);
    expect(stored()[0]).toBeLessThanOrEqual(1);
    const [before] = stored();
    await cluster.clock.advance(9_999);
    await sendMany(producer, 8);
    expect(stored()[0]).toBe(before);
    await cluster.clock.advance(1);
    await sendMany(producer, 8);
    expect(stored()[0]).toBeGreaterThan(before!);
  });

  it('T032: takes any broker when none is available, and one that can be reached first', async () => {
    const producer = await producing({ sendMsgTimeout: 60_000, sendMsgMaxTimeoutPerRequest: -1 });
    await failOnce(producer, 0);
    await sendSlowly(producer, 1, 3_000);
    const [first, second] = stored();
    await sendMany(producer, 4);
    // Both are avoided now; the second one has answered well at the last time.
    expect(stored()).toEqual([first, second! + 4]);
  });

  it('T032: probes a broker that failed, so that it counts as reachable when it answers', async () => {
    const producer = await producing({ startDetectorEnable: true, retryTimesWhenSendFailed: 0 });
    await failOnce(producer, 0);
    const probes = (): number => cluster.brokers[0]!.requests('GET_MAX_OFFSET').length;
    await cluster.clock.advance(2_999);
    expect(probes()).toBe(0);
    await cluster.clock.advance(1);
    expect(probes()).toBe(1);
    await failOnce(producer, 1);
    const [first, second] = stored();
    await sendMany(producer, 4);
    expect(stored()).toEqual([first! + 4, second]);
    await producer.shutdown();
    await cluster.clock.advance(10_000);
    expect(probes()).toBe(1);
  });

  it('goes round the brokers as ever while all do well', async () => {
    const producer = await producing();
    await sendMany(producer, 8);
    expect(stored()).toEqual([4, 4]);
  });
});

describe('the options of the choice by latency', () => {
  it("are Apache's by default", () => {
    expect(resolveLatencyOptions({})).toEqual({
      sendLatencyFaultEnable: false,
      startDetectorEnable: false,
      detectTimeout: 200,
      detectInterval: 2_000,
      latencyMax: [50, 100, 550, 1_800, 3_000, 5_000, 15_000],
      notAvailableDuration: [0, 0, 2_000, 5_000, 6_000, 10_000, 30_000],
    });
  });

  it.each<[string, object]>([
    ['sendLatencyFaultEnable', { sendLatencyFaultEnable: 'yes' }],
    ['detectTimeout', { detectTimeout: 0 }],
    ['latencyMax', { latencyMax: [] }],
    ['latencyMax', { latencyMax: '50' }],
    ['latencyMax', { latencyMax: [2, 1], notAvailableDuration: [0, 0] }],
    ['notAvailableDuration', { latencyMax: [1], notAvailableDuration: [0, 0] }],
    ['notAvailableDuration', { notAvailableDuration: [-1, 0, 0, 0, 0, 0, 0] }],
  ])('are refused with their name: %s', (option, given) => {
    expect(() => resolveLatencyOptions(given)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });
});
