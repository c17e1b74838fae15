// Tests the answers of the Bloom filter, and how it forgets.
import { expect, test } from '@jest/globals';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import { RotatingBloomFilter } from './bloom-filter.js';

const DAY = 86_400_000;

const keys = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}/${index}`);

const filterOf = (expectedKeys: number, falsePositiveRate: number, clock = new ManualClock()): RotatingBloomFilter =>
  new RotatingBloomFilter({ expectedKeys, falsePositiveRate }, DAY, clock);

test('a new filter surely holds nothing', () => {
  const filter = filterOf(100, 0.01);
  expect(keys(1000, 'order').some((key) => filter.mightContain(key))).toBe(false);
});

test('what was added is never denied', () => {
  const filter = filterOf(10_000, 0.01);
  const added = keys(10_000, 'order');
  for (const key of added) filter.add(key);
  expect(added.filter((key) => !filter.mightContain(key))).toEqual([]);
});

// The bound is four standard deviations above the rate that was asked for.
test.each([[0.1], [0.01], [0.001]])(
  'a full filter is wrong about others as often as was asked: %d',
  (falsePositiveRate) => {
    const filter = filterOf(20_000, falsePositiveRate);
    // A key that the filter takes for one that it has is not added again.
    for (const key of keys(20_000, 'added')) filter.add(key);
    const asked = 50_000;
    const wrong = keys(asked, 'other').filter((key) => filter.mightContain(key)).length;
    const expected = asked * falsePositiveRate;
    expect(wrong).toBeLessThan(expected + 4 * Math.sqrt(expected));
    expect(wrong).toBeGreaterThan(0);
  },
);

test('a full filter forgets the generation before the last instead of answering "maybe" to everything', () => {
  const filter = filterOf(10, 0.001);
  for (const generation of ['first', 'second', 'third']) for (const key of keys(10, generation)) filter.add(key);
  expect(keys(10, 'first').filter((key) => filter.mightContain(key))).toEqual([]);
  for (const generation of ['second', 'third']) {
    expect(keys(10, generation).filter((key) => !filter.mightContain(key))).toEqual([]);
  }
});

test('a key that comes again fills no generation', () => {
  const filter = filterOf(10, 0.001);
  filter.add('early');
  for (let count = 0; count < 100; count++) filter.add('again');
  expect(filter.mightContain('early')).toBe(true);
});

test('a key is forgotten after one to two times rotateEvery', async () => {
  const clock = new ManualClock();
  const filter = filterOf(10, 0.001, clock);
  filter.add('early');
  await clock.advance(DAY);
  expect(filter.mightContain('early')).toBe(true);
  filter.add('late');
  await clock.advance(DAY);
  expect([filter.mightContain('early'), filter.mightContain('late')]).toEqual([false, true]);
  await clock.advance(3 * DAY);
  expect(filter.mightContain('late')).toBe(false);
});
