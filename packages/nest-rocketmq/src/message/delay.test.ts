import { describe, expect, test } from '@jest/globals';
import { checkDelay, highestLevelOf, milliseconds } from './delay.js';
import type { DelayOptions } from './delay.js';

const LEVELS = 18;
const NOON = new Date('2026-12-24T12:00:00Z');

describe('when a message is delivered', () => {
  test.each<[string, DelayOptions, object]>([
    ['a number of milliseconds', { delay: 1_500 }, { delay: 1_500 }],
    ['minutes', { delay: '90m' }, { delay: 5_400_000 }],
    ['hours', { delay: '36h' }, { delay: 129_600_000 }],
    ['no delay', { delay: 0 }, { delay: 0 }],
    ['a part of a millisecond', { delay: 0.1 + 0.2 }, { delay: 0.1 + 0.2 }],
    ['a time', { deliverAt: NOON }, { deliverAt: NOON }],
    ['a level', { delayLevel: 18 }, { delayLevel: 18 }],
    ['nothing', {}, {}],
  ])('may be given as %s', (_what, given, expected) => {
    expect(checkDelay(given, LEVELS)).toEqual(expected);
  });

  test.each<[string, object, string]>([
    ...['soon', '', '-5s', -1, Number.NaN, Infinity, '1.5h', '30', null].map((delay): [string, object, string] => [
      String(delay),
      { delay },
      'delay',
    ]),
    ['a date that is none', { deliverAt: new Date('tomorrow') }, 'deliverAt'],
    ['a time in milliseconds', { deliverAt: NOON.getTime() }, 'deliverAt'],
    ['level 0', { delayLevel: 0 }, 'delayLevel'],
    ['a level above the table', { delayLevel: 19 }, 'delayLevel'],
    ['a delay and a level', { delay: '1s', delayLevel: 1 }, 'delayLevel'],
    ['a delay and a time', { delay: '1s', deliverAt: NOON }, 'deliverAt'],
  ])('is refused with the name of the option: %s', (_what, given, option) => {
    expect(() => checkDelay(given, LEVELS)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });
});

describe('the table of delay levels', () => {
  test("is Apache's by default, and may be the cluster's own", () => {
    expect(highestLevelOf()).toBe(18);
    expect(highestLevelOf('2s 15m')).toBe(2);
  });

  test.each([['1s five'], [''], [7]])('is refused when it is none: %p', (table) => {
    expect(() => highestLevelOf(table)).toThrow(/messageDelayLevel/);
  });
});

test('lengths are read in their units', () => {
  expect(['7ms', '7s', '7m', '7h', '7d', 7].map(milliseconds)).toEqual([7, 7e3, 42e4, 252e5, 6048e5, 7]);
});
