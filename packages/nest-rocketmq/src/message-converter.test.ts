import { describe, expect, test } from '@jest/globals';
import { MessageDecodeError, MessageEncodeError } from './errors.js';
import { JsonMessageConverter } from './message-converter.js';
import type { EncodedBody, PayloadKind } from './message-converter.js';

const converter = new JsonMessageConverter();

function decoded(encoded: EncodedBody, kind: PayloadKind = 'json'): unknown {
  const properties = new Map(Object.entries(encoded.properties ?? {}));
  return converter.decode({ body: Buffer.from(encoded.body), properties }, kind);
}

describe('what is sent is what the listener gets', () => {
  test.each([[{ id: 'a', list: [1, null] }], [[1, 2]], [42], [true], [null], ['text'], ['123'], ['ünïcode ✓']])(
    '%p',
    (payload) => {
      expect(decoded(converter.encode(payload))).toEqual(payload);
    },
  );
});

describe('on the wire', () => {
  test('an object is JSON, without a mark', () => {
    const { body, properties } = converter.encode({ id: 1 });
    expect(Buffer.from(body).toString()).toBe('{"id":1}');
    expect(properties).toBeUndefined();
  });

  test('a string is its own text, so that a peer reads it without quotes', () => {
    const { body, properties } = converter.encode('hello');
    expect(Buffer.from(body).toString()).toBe('hello');
    expect(properties).toEqual({ contentType: 'text/plain;charset=UTF-8' });
  });

  test('bytes are themselves', () => {
    const bytes = Buffer.from([0, 255, 1]);
    expect(converter.encode(bytes).body).toBe(bytes);
    expect(decoded(converter.encode(new Uint8Array([1, 2])), 'buffer')).toEqual(Buffer.from([1, 2]));
  });
});

describe('a listener may ask for', () => {
  test('the text', () => expect(decoded({ body: Buffer.from('{"id":1}') }, 'string')).toBe('{"id":1}'));
  test('the bytes', () => expect(decoded({ body: Buffer.from('x') }, 'buffer')).toEqual(Buffer.from('x')));
});

test('an object that rocketmq-spring marked as text is still an object', () => {
  const fromSpring = { body: Buffer.from('{"id":1}'), properties: { contentType: 'text/plain' } };
  expect(decoded(fromSpring)).toEqual({ id: 1 });
});

test('text that only looks like JSON is text', () => {
  expect(decoded(converter.encode('{not json'))).toBe('{not json');
});

test('a body that is neither JSON nor marked as text is refused, never handed on', () => {
  expect(() => decoded({ body: Buffer.from('<xml/>') })).toThrow(MessageDecodeError);
  expect(() => decoded({ body: Buffer.from('<xml/>') })).toThrow(/payload: 'string' or 'buffer'/);
});

test.each([[undefined], [() => 1], [Symbol('s')], [10n], [''], [Buffer.alloc(0)]])('%p cannot be sent', (payload) => {
  expect(() => converter.encode(payload)).toThrow(MessageEncodeError);
});
