import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import type { AppendResult, CommittedListener } from '../store/store.js';
import { StoreStats } from './store-stats.js';

const START = Date.UTC(2026, 0, 1);

class FakeStore {
  committed: CommittedListener = () => undefined;
  onCommitted(listener: CommittedListener): void {
    this.committed = listener;
  }
}

const setUp = (): { clock: ManualClock; store: FakeStore; stats: StoreStats } => {
  const clock = new ManualClock(START);
  const store = new FakeStore();
  return { clock, store, stats: new StoreStats(store, clock) };
};

const appended = (physicalOffset: number, storeTimestamp: number): AppendResult => ({
  status: 'PUT_OK',
  physicalOffset,
  size: 100,
  queueOffset: 0,
  storeTimestamp,
});

describe('the statistics of the store', () => {
  it('have rates over 10 s, a minute and 10 minutes that differ when the load does', async () => {
    const { clock, store, stats } = setUp();
    await clock.advance(560_000);
    stats.appended(appended(0, clock.now()));
    for (let record = 1; record < 60; record++) stats.appended(appended(record * 100, clock.now()));
    store.committed(6_000);
    await clock.advance(35_000);
    for (let record = 60; record < 90; record++) stats.appended(appended(record * 100, clock.now()));
    store.committed(9_000);
    stats.read(5, 0.4);
    stats.read(0, 3.7);
    await clock.advance(5_000);
    expect(stats.putTps).toBe('3.0 1.5 0.15');
    expect(stats.getFoundTps).toBe(`0.1 ${1 / 60} ${1 / 600}`);
    expect(stats.getMissTps).toBe(`0.1 ${1 / 60} ${1 / 600}`);
    expect(stats.getTotalTps).toBe(`0.2 ${2 / 60} ${2 / 600}`);
    expect(stats.getTransferredTps).toBe(`0.5 ${5 / 60} ${5 / 600}`);
    expect(stats.getLongest).toBe(3);
    await clock.advance(600_000);
    expect(stats.putTps).toBe('0.0 0.0 0.0');
  });

  it('have the rate since the start where the broker is younger than a window', async () => {
    const { clock, store, stats } = setUp();
    stats.appended(appended(0, clock.now()));
    stats.appended(appended(100, clock.now()));
    store.committed(200);
    await clock.advance(20_000);
    expect(stats.putTps).toBe('0.0 0.1 0.1');
  });

  it('count a record when it is stored, with the time that it took, and one that was not as failed', async () => {
    const { clock, store, stats } = setUp();
    stats.appended(appended(0, clock.now()));
    await clock.advance(7);
    stats.appended(appended(100, clock.now()));
    store.committed(100);
    expect([stats.putTimesTotal, stats.putSizeTotal, stats.putFailedTimes]).toEqual([1, 100, 0]);
    expect(stats.putTimes.longest).toBe(7);
    store.committed(100, new Error('no room'));
    stats.refused();
    expect([stats.putTimesTotal, stats.putSizeTotal, stats.putFailedTimes]).toEqual([1, 100, 2]);
  });
});
