// Tests the size and the answers of the Bloom filter.
import { describe, expect, test } from '@jest/globals';
import { BloomFilter } from './bloom-filter.js';

const keys = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}/${index}`);

test('a new filter surely holds nothing', () => {
  const filter = new BloomFilter({ expectedItems: 100, falsePositiveRate: 0.01 });
  expect(keys(1000, 'order').some((key) => filter.mightContain(key))).toBe(false);
});

test('what was added is never denied', () => {
  const filter = new BloomFilter({ expectedItems: 10_000, falsePositiveRate: 0.01 });
  const added = keys(10_000, 'order');
  for (const key of added) filter.add(key);
  expect(added.filter((key) => !filter.mightContain(key))).toEqual([]);
});

// The bound is four standard deviations above the rate that was asked for.
test.each([[0.1], [0.01], [0.001]])(
  'a full filter is wrong about others as often as was asked: %d',
  (falsePositiveRate) => {
    const filter = new BloomFilter({ expectedItems: 20_000, falsePositiveRate });
    for (const key of keys(20_000, 'added')) filter.add(key);
    const asked = 50_000;
    const wrong = keys(asked, 'other').filter((key) => filter.mightContain(key)).length;
    const expected = asked * falsePositiveRate;
    expect(wrong).toBeLessThan(expected + 4 * Math.sqrt(expected));
    expect(wrong).toBeGreaterThan(0);
  },
);

test('a full filter starts anew instead of answering "maybe" to everything', () => {
  const filter = new BloomFilter({ expectedItems: 10, falsePositiveRate: 0.001 });
  for (const key of keys(10, 'early')) filter.add(key);
  expect(filter.items).toBe(10);
  filter.add('late');
  expect(filter.items).toBe(1);
  expect(filter.mightContain('late')).toBe(true);
  expect(keys(10, 'early').some((key) => filter.mightContain(key))).toBe(false);
});

describe('options that no filter can have are refused by name:', () => {
  test.each([[0], [-1], [1.5], [Number.NaN]])('expectedItems %d', (expectedItems) => {
    expect(() => new BloomFilter({ expectedItems, falsePositiveRate: 0.1 })).toThrow(/expectedItems/);
  });

  test.each([[0], [1], [-0.1], [Number.NaN]])('falsePositiveRate %d', (falsePositiveRate) => {
    expect(() => new BloomFilter({ expectedItems: 1, falsePositiveRate })).toThrow(/falsePositiveRate/);
  });
});
