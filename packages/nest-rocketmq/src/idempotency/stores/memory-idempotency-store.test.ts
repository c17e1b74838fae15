// Tests the store in memory: the contract of all stores, and its bounds.
import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import { idempotencyStoreContract } from '../../testing/idempotency-contract.js';
import { BloomFront } from './bloom-front.js';
import { MemoryIdempotencyStore } from './memory-idempotency-store.js';

const id = (key: string) => ({ scope: 's', key });

describe('the store in memory', () => {
  for (const { name, run } of idempotencyStoreContract({
    create: (clock) => new MemoryIdempotencyStore({ clock }),
    rounds: 200,
  })) {
    test(name, run);
  }
});

describe('the store in memory behind a Bloom filter', () => {
  const bloom = { expectedKeys: 3, falsePositiveRate: 0.1, rotateEvery: 60_000 };
  const create = (clock: ManualClock) => new BloomFront(new MemoryIdempotencyStore({ clock }), bloom, clock);
  for (const { name, run } of idempotencyStoreContract({
    create: (clock) => create(clock as ManualClock),
    rounds: 200,
  })) {
    test(name, run);
  }
});

test('what is done makes room for new claims, the oldest first', async () => {
  const store = new MemoryIdempotencyStore({ maxRecords: 3, clock: new ManualClock() });
  for (const key of ['1', '2', '3', '4']) {
    await store.claim(id(key), key, 1_000);
    await store.complete(id(key), key, 1_000);
  }
  expect(store.size).toBe(3);
  const states = await Promise.all(['1', '2', '3', '4'].map((key) => store.find(id(key))));
  expect(states.map((found) => found?.state)).toEqual([undefined, 'done', 'done', 'done']);
});

test('work under way is never dropped: a claim beyond the bound is refused until a lease has run out', async () => {
  const clock = new ManualClock();
  const store = new MemoryIdempotencyStore({ maxRecords: 2, clock });
  await store.claim(id('1'), 'a', 2_000);
  await store.claim(id('2'), 'a', 1_000);
  await expect(store.claim(id('3'), 'a', 1_000)).rejects.toMatchObject({ code: 'IDEMPOTENCY_STORE_FULL' });
  await expect(store.find(id('1'))).resolves.toMatchObject({ state: 'processing' });
  await clock.advance(1_000);
  await expect(store.claim(id('3'), 'a', 1_000)).resolves.toEqual({ state: 'claimed' });
  await expect(store.find(id('1'))).resolves.toMatchObject({ state: 'processing' });
});

test.each([
  [{ maxRecords: 0 }, /maxRecords/],
  [{ maxRecord: 1 }, /the option is called maxRecords/],
])('the options %j are refused', (options, reason) => {
  expect(() => new MemoryIdempotencyStore(options as object)).toThrow(reason);
});
