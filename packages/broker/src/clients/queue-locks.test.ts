import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import { QueueLocks, REBALANCE_LOCK_MAX_LIVE_TIME } from './queue-locks.js';

const queue = (queueId: number) => ({ topic: 't', brokerName: 'b', queueId });

describe('a queue lock', () => {
  it("T065: is one client's until it gives it back", () => {
    const locks = new QueueLocks(new ManualClock());
    expect(locks.lock('g', 'one', [queue(0), queue(1)])).toEqual([queue(0), queue(1)]);
    expect(locks.lock('g', 'two', [queue(1), queue(2)])).toEqual([queue(2)]);
    locks.unlock('g', 'two', [queue(1)]);
    expect(locks.lock('g', 'two', [queue(1)])).toEqual([]);
    locks.unlock('g', 'one', [queue(1)]);
    expect(locks.lock('g', 'two', [queue(1)])).toEqual([queue(1)]);
  });

  it('T065: is of one group only', () => {
    const locks = new QueueLocks(new ManualClock());
    locks.lock('g', 'one', [queue(0)]);
    expect(locks.lock('h', 'two', [queue(0)])).toEqual([queue(0)]);
  });

  it("T065: is anybody's when its holder has not renewed it for 60 s", async () => {
    const clock = new ManualClock();
    const locks = new QueueLocks(clock);
    locks.lock('g', 'one', [queue(0), queue(1)]);
    await clock.advance(REBALANCE_LOCK_MAX_LIVE_TIME);
    locks.lock('g', 'one', [queue(0)]);
    await clock.advance(1);
    expect(locks.lock('g', 'two', [queue(0), queue(1)])).toEqual([queue(1)]);
  });

  it('T065: marks its group as one that consumes in order, while it lasts', async () => {
    const clock = new ManualClock();
    const locks = new QueueLocks(clock);
    locks.lock('g', 'one', [queue(0)]);
    expect([locks.isLockedByAnyone('g'), locks.isLockedByAnyone('h')]).toEqual([true, false]);
    await clock.advance(REBALANCE_LOCK_MAX_LIVE_TIME + 1);
    expect(locks.isLockedByAnyone('g')).toBe(false);
  });
});
