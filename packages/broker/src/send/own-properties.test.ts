import { describe, expect, it } from '@jest/globals';
import { ManualClock, decodeProperties } from '@nest-rocketmq/remoting/internal';
import { PropertyScan } from '../message/property-scan.js';
import { OwnProperties } from './own-properties.js';

const OWN: [string, string][] = [
  ['MSG_REGION', 'DefaultRegion'],
  ['TRACE_ON', 'true'],
  ['CLUSTER', 'c'],
];
const NOISE = 'TAGS\u0001noise\u0002';
const owned = new OwnProperties(OWN, new ManualClock());

/** Adds to the text, which stands between other properties in its memory. */
function added(text: string): { stored: string; uniqKey: string; scan: PropertyScan } {
  const bytes = Buffer.from(`${NOISE}${text}${NOISE}`);
  const [start, end] = [NOISE.length, bytes.length - NOISE.length];
  const scan = new PropertyScan().scan(bytes, start, end);
  const stored = owned.add(bytes, start, end, scan);
  const uniqKey = stored.toString('utf8', scan.uniqKeyStart, scan.uniqKeyEnd);
  return { stored: stored.toString(), uniqKey, scan };
}

describe("the broker's own properties", () => {
  const own = 'MSG_REGION\u0001DefaultRegion\u0002TRACE_ON\u0001true\u0002CLUSTER\u0001c\u0002';

  it.each([
    'UNIQ_KEY\u0001ABC\u0002',
    'TAGS\u0001t\u0002UNIQ_KEY\u0001ABC\u0002',
    `long\u0001${'x'.repeat(30_000)}\u0002UNIQ_KEY\u0001ABC\u0002`,
  ])('stand behind those of the message (%#)', (text) => {
    expect(added(text)).toMatchObject({ stored: text + own, uniqKey: 'ABC' });
    expect(added(text.slice(0, -1))).toMatchObject({ stored: text + own, uniqKey: 'ABC' });
  });

  it.each(['', 'TAGS\u0001t\u0002', 'TAGS\u0001t', `k\u0001${'v'.repeat(100)}\u0002`, 'KEYS\u0001标签\u0002'])(
    'come with a unique key where there is none (%#)',
    (text) => {
      const { stored, uniqKey, scan } = added(text);
      const closed = text === '' || text.endsWith('\u0002') ? text : `${text}\u0002`;
      expect(uniqKey).toMatch(/^[0-9A-F]{32}$/);
      expect(stored).toBe(`${closed}${own}UNIQ_KEY\u0001${uniqKey}\u0002`);
      expect(scan.tagsCode).toBe(text.startsWith('TAGS') ? 't'.charCodeAt(0) : 0);
      expect(added(text).uniqKey).not.toBe(uniqKey);
    },
  );

  it.each([
    'CLUSTER\u0001theirs\u0002TAGS\u0001t\u0002',
    'POP_CK\u0001x\u0002TAGS\u0001t\u0002UNIQ_KEY\u0001A\u0002',
    '\u0001x\u0002TAGS\u0001t\u0002',
    'TAGS\u0001t\u0002novalue\u0002',
  ])('replace what a client sent, and what is no property goes (%#)', (text) => {
    const { stored, uniqKey } = added(text);
    const pairs = Object.fromEntries(decodeProperties(stored));
    expect(pairs).toEqual({ TAGS: 't', ...Object.fromEntries(OWN), UNIQ_KEY: uniqKey });
    expect(uniqKey).not.toBe('');
  });
});
