import { describe, expect, test } from '@jest/globals';
import { DelayLevels, milliseconds } from './delay.js';

// Apache's table, from its documentation: level and length.
const APACHE: [string, number][] = [
  ['1s', 1],
  ['5s', 2],
  ['10s', 3],
  ['30s', 4],
  ['1m', 5],
  ['2m', 6],
  ['3m', 7],
  ['4m', 8],
  ['5m', 9],
  ['6m', 10],
  ['7m', 11],
  ['8m', 12],
  ['9m', 13],
  ['10m', 14],
  ['20m', 15],
  ['30m', 16],
  ['1h', 17],
  ['2h', 18],
];

describe('a delay', () => {
  test.each(APACHE)('of %s is level %i', (delay, level) => {
    expect(new DelayLevels().levelOf(delay)).toBe(level);
  });

  test.each([
    [1_800_000, 16],
    ['60s', 5],
    ['1000ms', 1],
    ['60m', 17],
  ])('may be written in any unit: %s', (delay, level) => {
    expect(new DelayLevels().levelOf(delay)).toBe(level);
  });

  test.each([
    ['45m', '30m and 1h'],
    ['15s', '10s and 30s'],
    [1, '1s and 5s'],
    [0, '1s and 5s'],
    ['3h', '1h and 2h'],
    ['1d', '1h and 2h'],
  ])('of another length, %s, is refused with the two nearest levels', (delay, nearest) => {
    expect(() => new DelayLevels().levelOf(delay)).toThrow(`the two nearest are ${nearest}`);
  });

  test.each([['soon'], [''], ['-5s'], [-1], [Number.NaN], [Infinity], ['1.5h'], ['30'], [null]])(
    'that is no length, %p, is refused with its name',
    (delay) => {
      expect(() => new DelayLevels().levelOf(delay as string)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', option: 'delay' }),
      );
    },
  );

  test("follows the cluster's own table", () => {
    const levels = new DelayLevels('2s 15m');
    expect(levels.levelOf('15m')).toBe(2);
    expect(levels.max).toBe(2);
    expect(() => levels.levelOf('30m')).toThrow('the two nearest are 2s and 15m');
  });

  test('a table that is none is refused', () => {
    expect(() => new DelayLevels('1s five')).toThrow(/messageDelayLevel.*1s five/);
  });
});

test('lengths are read in their units', () => {
  expect(['7ms', '7s', '7m', '7h', '7d', 7].map(milliseconds)).toEqual([7, 7e3, 42e4, 252e5, 6048e5, 7]);
});
