import { describe, expect, it } from '@jest/globals';
import type { MessageStore } from '../store/store.js';
import { findWaiting } from './find-waiting.js';
import { PendingTimers } from './pending-timers.js';

const RECALL = { topic: 't', uniqKey: 'k', slot: 0 };

/** A store of records that are all damaged, and how many of them were read: in all, and at the same time at most. */
function damaged(isIndexed: boolean): { store: MessageStore; reads: { all: number; atOnce: number } } {
  const reads = { all: 0, atOnce: 0 };
  let now = 0;
  const readRecord = async (): Promise<Buffer> => {
    reads.all++;
    reads.atOnce = Math.max(reads.atOnce, ++now);
    await Promise.resolve();
    now--;
    return Buffer.alloc(0);
  };
  const queryByKey = () => Promise.resolve({ records: [] });
  return { store: { isIndexed, readRecord, queryByKey } as unknown as MessageStore, reads };
}

function waiting(): PendingTimers {
  const pending = new PendingTimers(100);
  for (const due of [0, 1, 500, 1_000, 1_001]) pending.add({ due, position: 10 * due, size: 1 });
  return pending;
}

describe('a message that is to be recalled', () => {
  it('is searched for among those of its second where there is no index, by one recall at a time', async () => {
    const { store, reads } = damaged(false);
    const pending = waiting();
    const found = await Promise.all([1, 2, 3].map(() => findWaiting(store, pending, RECALL)));
    expect(found).toEqual([undefined, undefined, undefined]);
    expect(reads).toEqual({ all: 9, atOnce: 1 });
  });

  it('is looked for by so many recalls at a time as may', async () => {
    const pending = new PendingTimers(100, 2);
    const { store } = damaged(true);
    const looking = [1, 2].map(() => findWaiting(store, pending, RECALL));
    expect(pending.recallsFull).toBe(true);
    await Promise.all(looking);
    expect(pending.recallsFull).toBe(false);
  });

  it('is not searched for where there is one', async () => {
    const { store, reads } = damaged(true);
    expect(await findWaiting(store, waiting(), RECALL)).toBeUndefined();
    expect(reads.all).toBe(0);
  });
});
