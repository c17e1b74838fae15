import { describe, expect, test } from '@jest/globals';
import { OptionReader, environmentReader } from './option-reader.js';
import type { Configurable } from './option-reader.js';

interface Options {
  topic: string;
  tags?: string | string[];
  concurrency?: number;
  payloadType?: abstract new () => object;
}

const ENV = { TOPIC: 'orders', CONCURRENCY: '5', EMPTY: '' };
const read = (declared: Configurable<Options>, resolve?: (key: string) => unknown): Options =>
  new OptionReader(environmentReader(ENV), resolve).read<Options>(declared);

describe('an option of a decorator', () => {
  test('is a value, a function of the configuration, or a text with keys', () => {
    class Order {}
    const declared: Configurable<Options> = {
      topic: '${TOPIC}-${REGION:eu}',
      tags: (config) => ['paid', config.getOrThrow('TOPIC')],
      concurrency: (config) => Number(config.get('CONCURRENCY')),
      payloadType: Order,
    };
    expect(read(declared)).toEqual({
      topic: 'orders-eu',
      tags: ['paid', 'orders'],
      concurrency: 5,
      payloadType: Order,
    });
    expect(read({ topic: (config) => `\${TOPIC}-${config.get('REGION', 'us')}`, tags: ['${TOPIC}'] })).toEqual({
      topic: 'orders-us',
      tags: ['orders'],
    });
  });

  test("has its keys read by the module's resolve option, if there is one", () => {
    const keys: string[] = [];
    expect(read({ topic: '${order.topic}-${n}' }, (key) => (keys.push(key), key === 'n' ? 7 : 'o'))).toEqual({
      topic: 'o-7',
    });
    expect(keys).toEqual(['order.topic', 'n']);
    expect(read({ topic: '${EMPTY}x' })).toEqual({ topic: 'x' });
  });

  test.each<[string, Configurable<Options>, RegExp]>([
    [
      'a key without a value',
      { topic: '${NO}' },
      /option topic .*'NO' is not\. Configure it, or write a default: \$\{NO:…\}/,
    ],
    [
      'a function that throws',
      { topic: (config) => config.getOrThrow('NO') },
      /option topic .*it threw: .*NO.*environment/,
    ],
    ['an async function', { topic: (async () => 'x') as never }, /option topic .*not a promise/],
    ['a key whose value is no text', { topic: '${OBJECT}' }, /option topic/],
  ])('is refused: %s', (_what, declared, reason) => {
    expect(() => read(declared, (key) => (key === 'OBJECT' ? {} : undefined))).toThrow(reason);
  });
});
