import { describe, expect, it } from '@jest/globals';
import { decodeRunningInfo, on, pullsOf, starting } from '../../../test-kit/flow-control.js';

describe('T125: a queue is not pulled while', () => {
  it.each([
    ['more messages than pullThresholdForQueue are held', { pullThresholdForQueue: 4, pullBatchSize: 1 }, 10, 5],
    // Five messages of 300 KiB are more than one MiB, three are less.
    [
      'more bytes than pullThresholdSizeForQueue are held',
      { pullThresholdSizeForQueue: 1, pullBatchSize: 1 },
      300 << 10,
      4,
    ],
    [
      'their offsets span more than consumeConcurrentlyMaxSpan',
      { consumeConcurrentlyMaxSpan: 6, pullBatchSize: 2 },
      10,
      8,
    ],
  ])('%s, and again as soon as less is', async (_what, options, bytes, held) => {
    const { release, began } = await starting({ t: 1 }, 40, bytes, { ...options, consumeConcurrency: 1 });
    await on.cluster.clock.advance(60_000);
    const before = pullsOf('t');
    expect(before * options.pullBatchSize).toBe(held);
    release();
    await on.cluster.until('the next one', () => began.length === 2);
    await on.cluster.until('it is pulled again', () => pullsOf('t') === before + 1);
  });

  it('one message that takes long holds the span, and nothing else', async () => {
    const options = { consumeConcurrentlyMaxSpan: 6, pullBatchSize: 2, consumeConcurrency: 20 };
    const { release, began } = await starting({ t: 1 }, 40, 10, options, (body) => body === 'm0');
    await on.cluster.clock.advance(60_000);
    expect(began).toHaveLength(8);
    release();
    await on.cluster.until('all others', () => began.length === 40);
  });

  it('but where order is kept, the span is no limit', async () => {
    const options = { consumeConcurrentlyMaxSpan: 6, pullBatchSize: 2, consumeMode: 'ORDERLY' as const };
    await starting({ t: 1 }, 40, 10, options);
    await on.cluster.clock.advance(60_000);
    expect(pullsOf('t')).toBeGreaterThanOrEqual(20);
  });
});

describe('T122: the limits of a topic', () => {
  it('are divided among the queues that the consumer has, which mqadmin is shown', async () => {
    const options = {
      pullThresholdForTopic: 50,
      pullThresholdSizeForTopic: 7,
      pullBatchSize: 1,
      consumeConcurrency: 1,
    };
    const { consumer } = await starting({ t: 4 }, 40, 10, options);
    await on.cluster.clock.advance(60_000);
    // Four queues of the topic, and the one of the retry topic.
    expect(decodeRunningInfo(consumer)).toMatchObject({ pullThresholdForQueue: '10', pullThresholdSizeForQueue: '1' });
    expect(decodeRunningInfo(consumer)).toMatchObject({ pullThresholdForTopic: '50', pullThresholdSizeForTopic: '7' });
    expect(pullsOf('t')).toBe(4 * 11);
  });

  it('leave each queue at least one message and one MiB', async () => {
    const { consumer } = await starting({ t: 4 }, 1, 10, { pullThresholdForTopic: 1, pullThresholdSizeForTopic: 1 });
    expect(decodeRunningInfo(consumer)).toMatchObject({ pullThresholdForQueue: '1', pullThresholdSizeForQueue: '1' });
  });

  it('are none by default', async () => {
    const { consumer } = await starting({ t: 4 }, 1, 10, {});
    expect(decodeRunningInfo(consumer)).toMatchObject({
      pullThresholdForQueue: '1000',
      pullThresholdSizeForQueue: '100',
      pullThresholdForTopic: '-1',
      pullThresholdSizeForTopic: '-1',
    });
  });
});

describe('the running info', () => {
  it('T155: has the settings under the names that Java gives them', async () => {
    const { consumer } = await starting({ t: 1 }, 1, 10, { allocateMessageQueueStrategy: 'AVG_BY_CIRCLE' });
    expect(decodeRunningInfo(consumer)).toMatchObject({
      consumerGroup: 'stock',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      allocateMessageQueueStrategy: 'AVG_BY_CIRCLE',
      consumeThreadMin: '20',
      consumeThreadMax: '20',
      consumeConcurrentlyMaxSpan: '2000',
      PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
      PROP_THREADPOOL_CORE_SIZE: '20',
      PROP_CONSUMEORDERLY: 'false',
    });
  });
});

describe('the concurrency', () => {
  it.each(['CONCURRENTLY', 'KEY_ORDERED', 'ORDERLY'] as const)(
    'of %s may be raised while it runs',
    async (consumeMode) => {
      const properties = (index: number) => ({ __SHARDINGKEY: `key-${index}` });
      const { consumer, began } = await starting(
        { t: 8 },
        4,
        10,
        { consumeMode, consumeConcurrency: 2 },
        () => true,
        properties,
      );
      await on.cluster.clock.advance(1_000);
      expect(began).toHaveLength(2);
      consumer.setConcurrency(5);
      await on.cluster.clock.advance(0);
      expect(began).toHaveLength(5);
      expect(decodeRunningInfo(consumer)).toMatchObject({ PROP_THREADPOOL_CORE_SIZE: '5', consumeThreadMax: '5' });
    },
  );

  it('may be lowered: calls under way end, and only then one takes their place', async () => {
    const { consumer, began, release } = await starting({ t: 1 }, 10, 10, { consumeConcurrency: 3 });
    await on.cluster.until('three', () => began.length === 3);
    consumer.setConcurrency(1);
    release();
    await on.cluster.clock.advance(1_000);
    expect(began).toHaveLength(3);
    release();
    release();
    await on.cluster.until('one', () => began.length === 4);
    await on.cluster.clock.advance(1_000);
    expect(began).toHaveLength(4);
  });

  it.each([0, -1, 1.5, 1001, NaN, '5'])('is not %p', async (concurrency) => {
    const { consumer } = await starting({ t: 1 }, 1, 10, {});
    expect(() => consumer.setConcurrency(concurrency as number)).toThrow(
      /consumeConcurrency.*an integer from 1 to 1000/,
    );
  });
});
