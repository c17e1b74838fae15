import { describe, expect, test } from '@jest/globals';
import { JsonMessageConverter } from './message-converter.js';
import { compose, refuseDelay } from './outgoing-message.js';
import type { DelayOptions } from './delay.js';
import type { MessageOptions } from './outgoing-message.js';

const composer = { converter: new JsonMessageConverter(), highestDelayLevel: 18 };

function composed(destination: string, options: MessageOptions & DelayOptions = {}) {
  return compose(composer, destination, { id: 1 }, options, ['timeout']);
}

test('an outgoing message has what the destination and the options say', () => {
  const message = composed('orders:created', { keys: ['k1', 'k2'], delay: '30m', properties: { a: 'b' } });
  expect(message).toEqual({
    topic: 'orders',
    tags: 'created',
    keys: ['k1', 'k2'],
    delay: 1_800_000,
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
    ['properties that are none', 'orders', { properties: 'colour' }, 'properties'],
    ['a list of properties', 'orders', { properties: ['colour'] }, 'properties'],
    ['an unknown option', 'orders', { key: 'x' }, 'key'],
  ])('%s', (_what, destination, options, option) => {
    expect(() => composed(destination, options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });

  test.each<[DelayOptions]>([[{ delay: '30m' }], [{ deliverAt: new Date() }], [{ delayLevel: 3 }]])(
    'a delay in a transaction: %p',
    (options) => {
      expect(() => refuseDelay(options)).toThrow(/no delay in a transaction/);
      expect(() => refuseDelay({})).not.toThrow();
    },
  );
});
