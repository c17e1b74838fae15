import { describe, expect, it } from '@jest/globals';
import { decodeProperties } from '@nest-rocketmq/remoting/internal';
import { PropertyScan } from '../../message/property-scan.js';
import { RecordProperties, hashUtf8 } from './record-properties.js';

const N = '\u0001';
const V = '\u0002';

describe('the tags, keys and unique key of a record', () => {
  it.each([
    `TAGS${N}a${V}KEYS${N}k l${V}UNIQ_KEY${N}u${V}`,
    `TAGS${N}a`,
    `garbage${V}TAGS${N}a${V}KEYS${N}k`,
    `${V}${V}KEYS${N}k${V}`,
    `TAGS${N}a${V}TAGS${N}${V}`,
    `TAGS${N}a${V}TAGS${N}b${V}`,
    `${N}x${V}TAGS${N}a${V}`,
    `TAGS${V}KEYS${V}`,
    `x${N}y${N}z${V}TAGS${N}a${N}b${V}`,
    '',
  ])('are those that the other readers of properties find in %j', (text) => {
    const bytes = Buffer.from(`..${text}`);
    const found = new RecordProperties();
    found.find(bytes, 2, bytes.length - 2);
    const valueOf = ({ from, to }: { from: number; to: number }) =>
      to > 0 ? bytes.toString('utf8', from, to) : undefined;
    const all = decodeProperties(text);
    expect([found.tags, found.keys, found.uniqueKey].map(valueOf)).toEqual(
      ['TAGS', 'KEYS', 'UNIQ_KEY'].map((name) => all.get(name)),
    );
    const { tags } = found;
    const hash = tags.to > 0 ? hashUtf8(bytes, tags.from, tags.to) : 0;
    expect(hash).toBe(new PropertyScan().scan(bytes, 2).tagsCode);
  });
});
