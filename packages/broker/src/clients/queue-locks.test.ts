import { describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import { QueueLocks, REBALANCE_LOCK_MAX_LIVE_TIME, SWEEP_INTERVAL_MS } from './queue-locks.js';

const warnings: string[] = [];
const log = { say: (_level: string, _kind: string, text: string) => void warnings.push(text) };
const locksBy = (clock: ManualClock, maxTotalQueueLocks = 100): QueueLocks =>
  new QueueLocks({ clock, logger: silentLogger, log, maxTotalQueueLocks });
const queue = (queueId: number) => ({ topic: 't', brokerName: 'b', queueId });

describe('a queue lock', () => {
  it("T065: is one client's until it gives it back", () => {
    const locks = locksBy(new ManualClock());
    expect(locks.lock('g', 'one', [queue(0), queue(1)])).toEqual([queue(0), queue(1)]);
    expect(locks.lock('g', 'two', [queue(1), queue(2)])).toEqual([queue(2)]);
    locks.unlock('g', 'two', [queue(1)]);
    expect(locks.lock('g', 'two', [queue(1)])).toEqual([]);
    locks.unlock('g', 'one', [queue(1)]);
    expect(locks.lock('g', 'two', [queue(1)])).toEqual([queue(1)]);
  });

  it('T065: is of one group only', () => {
    const locks = locksBy(new ManualClock());
    locks.lock('g', 'one', [queue(0)]);
    expect(locks.lock('h', 'two', [queue(0)])).toEqual([queue(0)]);
  });

  it("T065: is anybody's when its holder has not renewed it for 60 s", async () => {
    const clock = new ManualClock();
    const locks = locksBy(clock);
    locks.lock('g', 'one', [queue(0), queue(1)]);
    await clock.advance(REBALANCE_LOCK_MAX_LIVE_TIME);
    locks.lock('g', 'one', [queue(0)]);
    await clock.advance(1);
    expect(locks.lock('g', 'two', [queue(0), queue(1)])).toEqual([queue(1)]);
  });

  it('T065: marks its group as one that consumes in order, while it lasts', async () => {
    const clock = new ManualClock();
    const locks = locksBy(clock);
    locks.lock('g', 'one', [queue(0)]);
    expect([locks.isLockedByAnyone('g'), locks.isLockedByAnyone('h')]).toEqual([true, false]);
    await clock.advance(REBALANCE_LOCK_MAX_LIVE_TIME + 1);
    expect(locks.isLockedByAnyone('g')).toBe(false);
  });

  it('of a client that is gone is forgotten when it has expired, and one that is renewed is kept', async () => {
    const clock = new ManualClock();
    const locks = locksBy(clock);
    locks.lock('g', 'gone', [queue(0), queue(1)]);
    locks.lock('h', 'gone', [queue(0)]);
    locks.lock('h', 'here', [queue(1)]);
    expect(locks.size).toBe(4);
    await clock.advance(REBALANCE_LOCK_MAX_LIVE_TIME);
    locks.lock('h', 'here', [queue(1)]);
    await clock.advance(SWEEP_INTERVAL_MS);
    expect([locks.size, locks.isLockedByAnyone('g'), locks.isLockedByAnyone('h')]).toEqual([1, false, true]);
    await clock.advance(REBALANCE_LOCK_MAX_LIVE_TIME + SWEEP_INTERVAL_MS);
    expect([locks.size, clock.pending]).toEqual([0, 0]);
    locks.lock('g', 'again', [queue(0)]);
    locks.stop();
    expect(clock.pending).toBe(0);
  });

  it('is not given beyond maxTotalQueueLocks, which the log tells; those that are held go on', () => {
    const locks = locksBy(new ManualClock(), 2);
    expect(locks.lock('g', 'one', [queue(0), queue(1), queue(2)])).toEqual([queue(0), queue(1)]);
    expect(warnings).toEqual([
      '1 queues are not locked for client one of group g: there are maxTotalQueueLocks=2 locks. Raise it',
    ]);
    expect(locks.lock('g', 'one', [queue(0), queue(1)])).toEqual([queue(0), queue(1)]);
    locks.unlock('g', 'one', [queue(0)]);
    expect(locks.lock('h', 'two', [queue(0)])).toEqual([queue(0)]);
  });
});
