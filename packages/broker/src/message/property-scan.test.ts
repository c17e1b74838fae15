import { describe, expect, it } from '@jest/globals';
import { decodeProperties, encodeProperties, javaHashCode } from '@nest-rocketmq/remoting/internal';
import { randomOf } from '../../test-kit/random.js';
import { PropertyScan } from './property-scan.js';

const scan = new PropertyScan();
const scanned = (pairs: Record<string, string>): PropertyScan =>
  scan.scan(Buffer.from(encodeProperties(Object.entries(pairs))));

describe('a look into encoded properties', () => {
  it('finds tags, delay level, half mark and unique key', () => {
    const bytes = Buffer.from(
      encodeProperties([
        ['TAGS', 'TagA'],
        ['DELAY', '16'],
        ['TRAN_MSG', 'true'],
        ['UNIQ_KEY', 'AB'],
      ]),
    );
    const { tagsCode, delayLevel, transaction, uniqKeyStart, uniqKeyEnd } = scan.scan(bytes);
    expect({ tagsCode, delayLevel, transaction }).toEqual({ tagsCode: 2_598_919, delayLevel: 16, transaction: true });
    expect(bytes.toString('latin1', uniqKeyStart, uniqKeyEnd)).toBe('AB');
  });

  it('hashes tags that are not ASCII as Java does', () => {
    expect(scanned({ TAGS: '标签' }).tagsCode).toBe(javaHashCode('标签'));
  });

  it('takes a delay that is no number, or below 1, for none', () => {
    for (const DELAY of ['x', '-1', '1.5', '0']) expect(scanned({ DELAY }).delayLevel).toBe(0);
  });

  it.each(['POP_CK', 'CLUSTER', 'TRACE_ON', 'MSG_REGION', '__CRC32#'])(
    'sees that %s, which the broker sets itself, was sent',
    (name) => {
      expect(scanned({ [name]: 'x' }).hasOwn).toBe(true);
      expect(scanned({ [`${name}X`]: 'x' }).hasOwn).toBe(false);
    },
  );

  it.each(['TIMER_DELAY_SEC', 'TIMER_DELAY_MS', 'TIMER_DELIVER_MS'])('sees %s', (name) => {
    expect(scanned({ [name]: '5' }).hasTimer).toBe(true);
    expect(scanned({ TIMER_DELAY_FOO: '5' }).hasTimer).toBe(false);
  });

  it('says whether the last separator is missing', () => {
    expect(scan.scan(Buffer.from('a\u0001b\u0002')).closed).toBe(true);
    expect(scan.scan(Buffer.from('a\u0001b')).closed).toBe(false);
    expect(scan.scan(Buffer.alloc(0)).closed).toBe(true);
  });

  it('agrees with the full reader on any bytes', () => {
    const seed = Date.now() & 0xffff;
    const chance = randomOf(seed);
    const random = (below: number): number => Math.floor(chance() * below);
    const words = ['TAGS', 'DELAY', 'UNIQ_KEY', 'TRAN_MSG', 'true', '3', 'a', '', '\u0001', '\u0002', '\u0002', 'é'];
    for (let round = 0; round < 2000; round++) {
      let text = '';
      for (let count = random(12); count > 0; count--) text += words[random(words.length)];
      const bytes = Buffer.from(text);
      const { tagsCode, transaction, uniqKeyStart, uniqKeyEnd } = scan.scan(bytes);
      const whole = decodeProperties(text);
      const found = {
        seed,
        text,
        tagsCode,
        transaction,
        uniqKey: uniqKeyStart < 0 ? undefined : bytes.toString('utf8', uniqKeyStart, uniqKeyEnd),
      };
      const tags = whole.get('TAGS');
      const wanted = {
        tagsCode: tags === undefined ? 0 : javaHashCode(tags),
        transaction: whole.get('TRAN_MSG') === 'true',
      };
      expect(found).toEqual({ seed, text, ...wanted, uniqKey: whole.get('UNIQ_KEY') });
    }
  });
});
