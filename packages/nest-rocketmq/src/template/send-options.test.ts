import { describe, expect, test } from '@jest/globals';
import { settingsOf } from './send-options.js';

const QUEUES = [0, 1, 2].map((queueId) => ({ topic: 'orders', brokerName: 'broker-a', queueId }));

describe('the options of a send', () => {
  test('name its queue by a sharding key, a selector or the queue itself', () => {
    expect(settingsOf({ shardingKey: 'o1', timeout: '5s' })).toEqual({ shardingKey: 'o1', timeout: 5_000 });
    expect(settingsOf({ messageQueue: QUEUES[1]! })).toEqual({ messageQueue: QUEUES[1] });
    const { selector, shardingKey } = settingsOf({ selector: (queues) => queues.at(-1)!, shardingKey: 'o1' });
    expect(selector!(QUEUES, { topic: 'orders', body: '{}' })).toBe(QUEUES[2]);
    expect(shardingKey).toBe('o1');
  });

  test.each<[string, object, string]>([
    ['an empty sharding key', { shardingKey: '' }, 'shardingKey'],
    ['a sharding key that is a number', { shardingKey: 7 }, 'shardingKey'],
    ['a selector that is none', { selector: 'hash' }, 'selector'],
    ['a queue that is none', { messageQueue: { queueId: 1 } }, 'messageQueue'],
    ['a queue that is null', { messageQueue: null }, 'messageQueue'],
    ['a selector and a queue', { selector: () => QUEUES[0], messageQueue: QUEUES[0] }, 'messageQueue'],
    ['no time', { timeout: 0 }, 'timeout'],
  ])('are refused with their name: %s', (_what, options, option) => {
    expect(() => settingsOf(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });
});
