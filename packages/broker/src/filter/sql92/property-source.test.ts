// Tests how properties are found in records.
import { describe, expect, it } from '@jest/globals';
import { PropertySource } from './property-source.js';
import { CrcCombiner } from '../../store/commitlog/crc-combine.js';
import { recordSize, writeRecord } from '../../store/commitlog/record.js';
import { HOST, message } from '../../../test-kit/store.js';

const NAME_END = '\u0001';
const VALUE_END = '\u0002';

function found(properties: string, names = ['a', 'b', 'longer']): (string | null)[] {
  const source = new PropertySource(names);
  source.load(Buffer.from(properties));
  return names.map((_, index) => source.get(index));
}

const encoded = (...pairs: [string, string][]): string =>
  pairs.map(([name, value]) => name + NAME_END + value + VALUE_END).join('');

describe('the properties that an expression names', () => {
  it.each<[string, string, (string | null)[]]>([
    ['are found among others', encoded(['aa', '1'], ['b', '2'], ['long', '3'], ['a', '4']), ['4', '2', null]],
    ['may be missing', '', [null, null, null]],
    ['may be of any script', encoded(['a', 'ü漢😀'], ['longer', ' ']), ['ü漢😀', null, ' ']],
    ['count once, the last of a name', encoded(['a', '1'], ['a', '2']), ['2', null, null]],
    ['may end without a separator', `a${NAME_END}1${VALUE_END}b${NAME_END}2`, ['1', '2', null]],
    ['without a value are none', `a${NAME_END}${VALUE_END}b${VALUE_END}longer${NAME_END}x`, [null, null, 'x']],
    ['may hold the separator of names', encoded(['a', `1${NAME_END}2`]), [`1${NAME_END}2`, null, null]],
    ['are not found in the value of another', encoded(['c', `a${NAME_END}1`]), [null, null, null]],
  ])('%s', (_what, properties, expected) => {
    expect(found(properties)).toEqual(expected);
  });

  it('are those of the message that was loaded last', () => {
    const source = new PropertySource(['a']);
    source.load(Buffer.from(encoded(['a', '1'])));
    expect(source.get(0)).toBe('1');
    source.load(Buffer.from(encoded(['b', '1'])));
    expect(source.get(0)).toBeNull();
  });
});

describe('the properties of a record', () => {
  it.each([
    ['IPv4 hosts and a short topic', Buffer.alloc(4), 'T'],
    ['an IPv6 host and a long topic', Buffer.alloc(16), 'T'.repeat(200)],
  ])('with %s are its own', (_what, bornHost, topic) => {
    const parts = message({ topic, bornHost, properties: { a: '1', b: '2' }, body: 'some bytes' });
    const size = recordSize(parts, topic.length, HOST, false);
    const record = Buffer.alloc(size);
    const place = {
      size,
      physicalOffset: 0,
      queueOffset: 0,
      storeTimestamp: 0,
      withCrc: false,
      crcs: new CrcCombiner(),
    };
    writeRecord(record, 0, parts, Buffer.from(topic), HOST, place);
    const source = new PropertySource(['a', 'b', 'c']);
    source.loadRecord(record);
    expect([0, 1, 2].map((index) => source.get(index))).toEqual(['1', '2', null]);
  });
});
