import { describe, expect, test } from '@jest/globals';
import { DelayLevels } from './delay.js';
import { JsonMessageConverter } from './message-converter.js';
import { compose } from './outgoing-message.js';
import type { DelayOptions, MessageOptions } from './outgoing-message.js';

const composer = { converter: new JsonMessageConverter(), levels: new DelayLevels() };

function composed(destination: string, options: MessageOptions & DelayOptions = {}) {
  return compose(composer, destination, { id: 1 }, options, ['timeout'], true);
}

test('an outgoing message has what the destination and the options say', () => {
  const message = composed('orders:created', { keys: ['k1', 'k2'], delay: '30m', properties: { a: 'b' } });
  expect(message).toEqual({
    topic: 'orders',
    tags: 'created',
    keys: ['k1', 'k2'],
    delayLevel: 16,
    body: Buffer.from('{"id":1}'),
    properties: { a: 'b' },
  });
});

test('a tag may stand in the options', () => {
  expect(composed('orders', { tags: 'paid' }).tags).toBe('paid');
  expect(composed('orders:paid', { tags: 'paid' }).tags).toBe('paid');
});

describe('is refused:', () => {
  test.each<[string, string, object, string]>([
    ['two different tags', 'orders:created', { tags: 'paid' }, 'tags'],
    ['keys with a space', 'orders', { keys: 'a b' }, 'keys'],
    ['an empty key', 'orders', { keys: [''] }, 'keys'],
    ['a property that is no text', 'orders', { properties: { n: 1 } }, 'properties.n'],
    ['delay and delayLevel together', 'orders', { delay: '1s', delayLevel: 1 }, 'delayLevel'],
    ['level 0', 'orders', { delayLevel: 0 }, 'delayLevel'],
    ['a level above the table', 'orders', { delayLevel: 19 }, 'delayLevel'],
    ['a delay between two levels', 'orders', { delay: '45m' }, 'delay'],
    ['properties that are none', 'orders', { properties: 'colour' }, 'properties'],
    ['a list of properties', 'orders', { properties: ['colour'] }, 'properties'],
    ['an unknown option', 'orders', { key: 'x' }, 'key'],
  ])('%s', (_what, destination, options, option) => {
    expect(() => composed(destination, options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });

  test('a delayed transaction, which RocketMQ does not have', () => {
    const delayed = { delay: '30m' };
    expect(() => compose(composer, 'orders', {}, delayed, ['arg'], false)).toThrow(/delay/);
  });
});
