import { describe, expect, test } from '@jest/globals';
import { parseDestination } from './destination.js';

describe('a destination', () => {
  test.each([
    ['orders', { topic: 'orders' }],
    ['orders:created', { topic: 'orders', tag: 'created' }],
    ['orders:a:b', { topic: 'orders', tag: 'a:b' }],
    ['%RETRY%group', { topic: '%RETRY%group' }],
  ])('%s is split at the first colon', (text, parsed) => {
    expect(parseDestination(text)).toEqual(parsed);
  });

  test('may be an object', () => {
    expect(parseDestination({ topic: 'orders' })).toEqual({ topic: 'orders' });
    expect(parseDestination({ topic: 'orders', tag: 'paid' })).toEqual({ topic: 'orders', tag: 'paid' });
  });

  test.each([[''], [':tag'], ['with space'], ['a/b'], ['t'.repeat(128)], [{ topic: '' }], [{}], [null], [7]])(
    'without a topic that RocketMQ takes is refused: %p',
    (given) => {
      expect(() => parseDestination(given as string)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    },
  );

  test('a topic may have 127 characters', () => {
    expect(parseDestination('t'.repeat(127)).topic).toHaveLength(127);
  });

  test.each([['orders:'], ['orders:a || b'], ['orders:*'], ['orders: a'], [{ topic: 'orders', tag: '' }]])(
    'names one tag that a consumer can ask for: %p is refused',
    (given) => {
      expect(() => parseDestination(given)).toThrow(/one non-empty tag/);
    },
  );

  test.each([
    [{ topic: 'orders', tags: 'paid' }, 'the option is called tag'],
    [{ topc: 'orders' }, 'the option is called topic'],
    [{ topic: 'orders', keys: 'k' }, 'one of the options topic, tag'],
  ])('with a misspelt part is refused: %p', (given, message) => {
    expect(() => parseDestination(given as never)).toThrow(message);
  });
});
