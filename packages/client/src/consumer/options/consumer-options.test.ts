import { describe, expect, it } from '@jest/globals';
import { resolvePushConsumerOptions } from './consumer-options.js';
import type { PushConsumerOptions } from './consumer-options.js';

const OPTIONS: PushConsumerOptions = { group: 'stock', subscriptions: [{ topic: 't' }], listener: () => undefined };
const resolve = (options: object) => resolvePushConsumerOptions({ ...OPTIONS, ...options });

describe('T127: the options of a consumer', () => {
  // Apache's ranges, as its checkConfig has them.
  it.each([
    ['consumeConcurrency', 1, 1000],
    ['consumeConcurrentlyMaxSpan', 1, 65_535],
    ['pullThresholdForQueue', 1, 65_535],
    ['pullThresholdSizeForQueue', 1, 1024],
    ['pullThresholdForTopic', 1, 6_553_500],
    ['pullThresholdSizeForTopic', 1, 102_400],
    ['pullInterval', 0, 65_535],
    ['consumeMessageBatchMaxSize', 1, 1024],
    ['pullBatchSize', 1, 1024],
  ])('%s is an integer from %i to %i, and its error names it', (option, min, max) => {
    for (const value of [min, max]) expect(resolve({ [option]: value })).toMatchObject({ [option]: value });
    for (const value of [min - 1 === 0 ? 0 : -2, max + 1, min + 0.5, NaN, '5', null]) {
      if (value === null && option !== 'pullThresholdForTopic' && option !== 'pullThresholdSizeForTopic') continue;
      expect(() => resolve({ [option]: value })).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', option, allowed: expect.stringContaining(String(max)) }),
      );
    }
  });

  it.each([
    ['messageModel', 'BROADCAST'],
    ['consumeFromWhere', 'CONSUME_FROM_MIN_OFFSET'],
    ['consumeMode', 'PARALLEL'],
    ['consumeTimestamp', -1],
    ['consumeTimestamp', '20261127200000'],
    ['allocateMessageQueueStrategy', 'AVERAGE'],
    ['messageQueueListener', {}],
    ['listener', undefined],
    ['subscriptions', []],
  ])('%s is not %p', (option, value) => {
    expect(() => resolve({ [option]: value })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });

  it.each([undefined, '', 'DEFAULT_CONSUMER', 'a b', 'x'.repeat(121)])('the group is not %p', (group) => {
    expect(() => resolve({ group })).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }));
  });
});
