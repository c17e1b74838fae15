import { describe, expect, it } from '@jest/globals';
import { ResponseCode } from '@nest-rocketmq/remoting/internal';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import { bodiesOf, filled, on, pulling, take } from '../../../test-kit/pulling.js';

const pulls = () => on.cluster.broker.requests('LITE_PULL_MESSAGE');

describe('what is pulled ahead', () => {
  /** Lets the consumer pull as much as it may. */
  const held = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await on.cluster.clock.advance(0);
  };

  it('T135 is bounded by the count of each queue, and goes on as it is consumed', async () => {
    const consumer = await pulling(filled(1, 20), { pullThresholdForQueue: 4, pullBatchSize: 2 });
    await held();
    // More than 4 are held after the third pull.
    expect(pulls()).toHaveLength(3);
    await take(consumer, 2);
    await held();
    expect(pulls()).toHaveLength(4);
  });

  it('T135 is bounded by the bytes of each queue', async () => {
    const cluster = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 10; i++) cluster.broker.put('t', 0, Buffer.alloc(600_000));
    await pulling(cluster, { pullThresholdSizeForQueue: 1, pullBatchSize: 1 });
    await held();
    expect(pulls()).toHaveLength(2);
  });

  it('T135 is bounded by the count of all queues, and all go on when there is room', async () => {
    const consumer = await pulling(filled(3, 10), { pullThresholdForAll: 4, pullBatchSize: 1 });
    await held();
    expect(pulls().length).toBeLessThanOrEqual(7);
    expect(bodiesOf(await take(consumer, 30))).toHaveLength(30);
  });

  it('T135 lets a queue that has waited for room go on when another one is consumed', async () => {
    const consumer = await pulling(filled(2, 6), { pullThresholdForAll: 4 });
    const [, other] = consumer.assignment();
    consumer.pause([other!]);
    await consumer.seekToBegin(other!);
    await held();
    consumer.resume([other!]);
    await held();
    const pullsOf = () => pulls().filter(({ header }) => header['queueId'] === other!.queueId).length;
    const before = pullsOf();
    expect(bodiesOf(await take(consumer, 6))).toHaveLength(6);
    await held();
    expect(pullsOf()).toBeGreaterThan(before);
  });

  it('is not bounded by what paused queues hold', async () => {
    const consumer = await pulling(filled(2, 6), { pullThresholdForAll: 4, pullBatchSize: 10 });
    await held();
    const [one, other] = consumer.assignment();
    consumer.pause([one!, other!]);
    await held();
    consumer.resume([other!]);
    await take(consumer, 6);
    for (let i = 0; i < 3; i++) on.cluster.broker.put('t', other!.queueId, `more ${i}`);
    await held();
    expect(bodiesOf(await take(consumer, 3))).toEqual(['more 0', 'more 1', 'more 2']);
  });

  it('T135 is bounded by the span of its offsets', async () => {
    const cluster = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 20; i++) cluster.broker.put('t', 0, `${i}`, { properties: { TAGS: i % 5 ? 'b' : 'a' } });
    const subscriptions = [{ topic: 't', expression: 'a' }];
    await pulling(cluster, { subscriptions, consumeMaxSpan: 5, pullBatchSize: 1 });
    await held();
    expect(pulls().at(-1)!.header['queueOffset']).toBe(10);
  });
});

describe('a broker before 5.0, which knows no LITE_PULL_MESSAGE', () => {
  const refusal = { code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark: 'request type 361 not supported' };

  it('is asked by PULL_MESSAGE instead, at once and from then on', async () => {
    const cluster = filled(1, 3);
    cluster.broker.next('LITE_PULL_MESSAGE', () => refusal);
    const consumer = await pulling(cluster, { pullBatchSize: 1 });
    expect(bodiesOf(await take(consumer, 3))).toEqual(['0-0', '0-1', '0-2']);
    expect(pulls()).toHaveLength(1);
    const plain = on.cluster.broker.requests('PULL_MESSAGE').map(({ header }) => header);
    expect(plain.slice(0, 3).map(({ queueOffset }) => queueOffset)).toEqual([0, 1, 2]);
    expect({ ...plain[0], subVersion: 0 }).toEqual({ ...pulls()[0]!.header, subVersion: 0 });
  });

  it('that refuses PULL_MESSAGE, too, is asked again after the wait of a failed pull, and the log says why', async () => {
    const cluster = filled(1, 1);
    cluster.broker.next('LITE_PULL_MESSAGE', () => refusal);
    cluster.broker.next('PULL_MESSAGE', () => refusal);
    const consumer = await pulling(cluster);
    await cluster.until('it has failed', () => on.log.some((line) => line.includes('request type 361 not supported')));
    await cluster.clock.advance(1_000);
    expect(bodiesOf(await take(consumer, 1))).toEqual(['0-0']);
  });
});
