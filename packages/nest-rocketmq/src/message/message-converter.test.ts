import { describe, expect, test } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { of } from 'rxjs';
import { MessageDecodeError, MessageEncodeError } from '../errors.js';
import { JsonMessageConverter } from './message-converter.js';
import type { EncodedBody, JsonMessageConverterOptions, PayloadKind } from './message-converter.js';

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
    expect(properties).toEqual({ contentType: 'text/plain;charset=UTF-8', payloadKind: 'string' });
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

describe('a string comes back as the string that it was:', () => {
  test.each([
    '{"a":1}',
    '[1]',
    '"quoted"',
    'null',
    '12345678901234567890',
    ' spaces ',
    '\uFEFFmark',
    '\0',
    '{not json',
    '😀',
  ])('%j', (text) => expect(decoded(converter.encode(text))).toBe(text));
});

// The body and contentType that RocketMQTemplate.convertAndSend of rocketmq-spring 2.3.5 gives each payload.
describe('of rocketmq-spring', () => {
  test.each<[string, string, string, unknown]>([
    ['a String is a string', 'hello', 'text/plain;charset=UTF-8', 'hello'],
    ['a String of digits too', '42', 'text/plain;charset=UTF-8', '42'],
    ['a String that JSON.toJSONString() has made is the object', '{"a":1}', 'text/plain;charset=UTF-8', { a: 1 }],
    ['a String that only begins like one is a string', '{not json', 'text/plain;charset=UTF-8', '{not json'],
    ['an object of an earlier version is one', '{"a":1}', 'text/plain', { a: 1 }],
    ['an object is one', '{"s":"x"}', 'application/json', { s: 'x' }],
    ['a List is an array', '[1,2]', 'application/json', [1, 2]],
    ['an Integer is a number', '42', 'application/json', 42],
    ['bytes are a Buffer', '\u0001\u0002', 'application/octet-stream', Buffer.from([1, 2])],
  ])('%s', (_what, body, contentType, expected) => {
    const message = { body: Buffer.from(body), properties: { contentType } };
    expect(decoded(message)).toEqual(expected);
    expect(decoded(message, 'string')).toBe(body);
  });
});

test('a contentType that the sender gives a string itself is what counts', () => {
  const { body, properties } = converter.encode('{"a":1}');
  expect(decoded({ body, properties: { ...properties, contentType: 'application/json' } })).toEqual({ a: 1 });
});

test('a body that is neither JSON nor marked as text is refused, never handed on', () => {
  expect(() => decoded({ body: Buffer.from('<xml/>') })).toThrow(MessageDecodeError);
  expect(() => decoded({ body: Buffer.from('<xml/>') })).toThrow(/payload: 'string' or 'buffer'/);
});

test.each([[undefined], [() => 1], [Symbol('s')], [10n], [''], [Buffer.alloc(0)]])('%p cannot be sent', (payload) => {
  expect(() => converter.encode(payload)).toThrow(MessageEncodeError);
});

describe('what JSON would drop or change is refused by its path:', () => {
  class Secretive {
    readonly #data = 1;
    get data(): number {
      return this.#data;
    }
  }
  function* generator(): Generator<number> {
    yield 1;
  }
  // oxlint-disable-next-line unicorn/no-thenable
  const thenable = Object.defineProperty({}, 'then', { value: () => 1, enumerable: true });
  const circle: Record<string, unknown> = {};
  circle.self = { back: circle };
  const values: [string, unknown, RegExp][] = [
    ['a promise', Promise.resolve(1), /a promise\. Await it/],
    ['a thenable', thenable, /a promise\. Await it/],
    ['an Observable', of(1), /an Observable/],
    ['a Map', new Map([[1, 2]]), /a Map\. Send Object\.fromEntries/],
    ['a Set', new Set([1]), /a Set/],
    ['a WeakMap', new WeakMap(), /a WeakMap/],
    ['an Error', new RangeError('x'), /an Error/],
    ['an ArrayBuffer', new ArrayBuffer(1), /an? ArrayBuffer/],
    ['a SharedArrayBuffer', new SharedArrayBuffer(1), /an? ArrayBuffer/],
    ['a DataView', new DataView(new ArrayBuffer(1)), /a DataView/],
    ['a Float64Array', new Float64Array(1), /a Float64Array/],
    ['a RegExp', /x/, /a RegExp/],
    ['a Generator', generator(), /a Generator/],
    ['URLSearchParams', new URLSearchParams('a=1'), /a URLSearchParams/],
    ['a class whose data is private', new Secretive(), /a Secretive, whose data JSON cannot see/],
    ['a function', () => 1, /a function/],
    ['a Symbol', Symbol('s'), /a Symbol/],
    ['a BigInt', 1n, /a BigInt\. Send String\(…\).*bigIntegers/],
    ['NaN', NaN, /NaN, which JSON would turn into null/],
    ['Infinity', -Infinity, /-Infinity, which/],
    ['an invalid Date', new Date(NaN), /an invalid Date/],
    ['a circle', circle, /circular/],
  ];

  test.each(values)('%s', (_what, value, reason) => {
    expect(() => converter.encode(value)).toThrow(MessageEncodeError);
    expect(() => converter.encode(value)).toThrow(reason);
    expect(() => converter.encode({ list: [1, { deep: value }] })).toThrow(MessageEncodeError);
    if (value !== circle) {
      expect(() => converter.encode({ list: [1, { deep: value }] })).toThrow(/payload\.list\[1\]\.deep is/);
    }
  });

  test('a circle, where it closes', () => {
    expect(() => converter.encode(circle)).toThrow(/payload\.self\.back is circular/);
  });

  test('a Buffer within a payload', () => {
    expect(() => converter.encode({ photo: Buffer.from('x') })).toThrow(/payload\.photo is a Buffer\. .*base64/);
  });

  test('undefined in a list, and a hole', () => {
    expect(() => converter.encode([1, undefined])).toThrow(/payload\[1\] is undefined/);
    // oxlint-disable-next-line no-sparse-arrays
    expect(() => converter.encode([1, , 2])).toThrow(/payload\[1\] is undefined/);
  });

  test('undefined alone', () => expect(() => converter.encode(undefined)).toThrow(/undefined.*Send null/));

  test('half of a surrogate pair, which no body can carry as text', () => {
    expect(() => converter.encode('\ud83d')).toThrow(/surrogate pair/);
    expect(decoded(converter.encode(['\ud83d']))).toEqual(['\ud83d']);
  });

  test('what is nested too deeply', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(() => converter.encode(deep)).toThrow(MessageEncodeError);
  });

  test('an EventEmitter and a stream, by the first of their functions', () => {
    const emitter = new EventEmitter().on('x', () => undefined);
    for (const value of [emitter, new Readable({ read: () => undefined })]) {
      expect(() => converter.encode(value)).toThrow(/payload\..* is /);
    }
  });
});

describe('carried is', () => {
  const empty = new (class OrdersCleared {})();
  test.each<[string, unknown, unknown]>([
    ['a Date, as ISO text', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['whatever has toJSON', { url: new URL('http://a/') }, { url: 'http://a/' }],
    ['undefined in an object, as left out', { a: 1, b: undefined }, { a: 1 }],
    ['null', { a: null }, { a: null }],
    ['a class without fields', { event: empty }, { event: {} }],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['one object in two places', [empty, empty], [{}, {}]],
    ['wrapped primitives', [new String('s'), new Number(1)], ['s', 1]], // oxlint-disable-line no-new-wrappers
    ['a number beyond 2^53 that is exact', 2 ** 60, 2 ** 60],
    ['a very large one', 1.5e300, 1.5e300],
  ])('%s', (_what, payload, expected) => expect(decoded(converter.encode(payload))).toEqual(expected));
});

describe("Java's long integers", () => {
  const text =
    '{"id":9007199254740993,"list":[-1234567890123456789,1],"text":"9007199254740993 \\" 1234567890123456789","half":1.12345678901234567}';
  const read = (bigIntegers: JsonMessageConverterOptions['bigIntegers'], body = text): unknown =>
    new JsonMessageConverter({ bigIntegers }).decode({ body: Buffer.from(body), properties: new Map() }, 'json');
  const rest = { text: '9007199254740993 " 1234567890123456789', half: Number('1.12345678901234567') };

  test('are not rounded: the body is refused, with the number and the ways out', () => {
    expect(() => decoded({ body: Buffer.from(text) })).toThrow(MessageDecodeError);
    expect(() => decoded({ body: Buffer.from(text) })).toThrow(
      /9007199254740993 of 'id' would be rounded to 9007199254740992\. .*bigIntegers: 'string'/,
    );
  });

  test.each<[JsonMessageConverterOptions['bigIntegers'], unknown, unknown]>([
    ['string', '9007199254740993', '-1234567890123456789'],
    ['bigint', 9007199254740993n, -1234567890123456789n],
    ['number', 9007199254740992, -1234567890123456800],
  ])('are a %s where that is asked for', (policy, id, other) => {
    expect(read(policy)).toEqual({ id, list: [other, 1], ...rest });
  });

  test.each(['1152921504606846976', '9007199254740991', '100000000000000000000', '[1e25,12345678901234567.5]'])(
    'that a number holds as it stands pass: %s',
    (body) => expect(read('error', body)).toEqual(JSON.parse(body)),
  );

  test.each(['error', 'string', 'bigint'] as const)('do not make JSON of what is none (%s)', (policy) => {
    for (const body of ['9007199254740993 x', '{9007199254740993:1}', '09007199254740993', '-']) {
      expect(() => read(policy, body)).toThrow(/not JSON/);
    }
  });

  test('go back as numbers', () => {
    const both = new JsonMessageConverter({ bigIntegers: 'bigint' });
    const { body } = both.encode({ id: 9007199254740993n, list: [-1n], text: '1n' });
    expect(Buffer.from(body).toString()).toBe('{"id":9007199254740993,"list":[-1],"text":"1n"}');
  });

  test('are looked for in a large body without a deep stack', () => {
    const body = JSON.stringify({ long: '\\"x'.repeat(1_000_000), digits: '1'.repeat(20) });
    expect(read('error', body)).toEqual(JSON.parse(body));
  });

  test('a policy that does not exist is refused', () => {
    expect(() => new JsonMessageConverter({ bigIntegers: 'round' as never })).toThrow(/bigIntegers.*'error' or/);
  });
});

describe('a byte order mark', () => {
  const json = '{"ü":1}';
  const utf16 = Buffer.from(`\uFEFF${json}`, 'utf16le');
  test.each<[string, Buffer]>([
    ['UTF-8', Buffer.from(`\uFEFF${json}`)],
    ['UTF-16LE', utf16],
    ['UTF-16BE', Buffer.from(utf16).swap16()],
  ])('of %s is no part of the JSON', (_encoding, body) => expect(decoded({ body })).toEqual({ ü: 1 }));

  test('of an encoding that the body is not in is refused', () => {
    expect(() => decoded({ body: Buffer.from([0xff, 0xfe, 0x00]) })).toThrow(/mark of utf-16le/);
  });
});

test.each<PayloadKind>(['json', 'string'])('bytes that are not UTF-8 are refused, never replaced (%s)', (kind) => {
  const body = Buffer.from([0x22, 0xc3, 0x28, 0x22]);
  expect(() => decoded({ body }, kind)).toThrow(/not valid UTF-8.*payload: 'buffer'/);
  expect(decoded({ body }, 'buffer')).toEqual(body);
});
