import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PendingTimers, isBefore } from './pending-timers.js';
import type { Timer } from './pending-timers.js';

function timersOf(dues: readonly number[]): { pending: PendingTimers; timers: Timer[] } {
  const pending = new PendingTimers(1_000);
  const timers = dues.map((due, index) => ({ due, position: 100 * index, size: 50 + index }));
  for (const timer of timers) pending.add(timer);
  return { pending, timers };
}

function takeAll(pending: PendingTimers, now = Infinity): Timer[] {
  const taken: Timer[] = [];
  for (let timer = pending.take(now); timer; timer = pending.take(now)) taken.push(timer);
  return taken;
}

describe('the messages that wait for their time', () => {
  it('are taken in the order of their time, and of the log where that is the same, but for those recalled', () => {
    const some = fc.array(fc.tuple(fc.nat(9), fc.boolean()), { maxLength: 3_000 });
    fc.assert(
      fc.property(some, (made) => {
        const { pending, timers } = timersOf(made.map(([due]) => due));
        const kept = timers.filter((timer, index) => {
          if (!made[index]![1]) pending.recall(timer.position);
          return made[index]![1];
        });
        expect([...pending.all()].length).toBe(kept.length);
        expect(takeAll(pending)).toEqual(kept.toSorted((a, b) => (isBefore(a, b) ? -1 : 1)));
      }),
    );
  });

  it('are not taken before they are due', () => {
    const { pending } = timersOf([30, 10, 20]);
    expect(takeAll(pending, 20).map(({ due }) => due)).toEqual([10, 20]);
    expect(pending.nextDue).toBe(30);
  });

  it('wait unless they were taken or recalled', () => {
    const { pending, timers } = timersOf([10, 20, 20, 30]);
    pending.last = timers[1]!;
    pending.recall(timers[3]!.position);
    expect(timers.map((timer) => pending.isWaiting(timer))).toEqual([false, false, true, false]);
  });

  it('are as many as may be', () => {
    const pending = new PendingTimers(2);
    pending.add({ due: 1, position: 1, size: 1 });
    expect(pending.isFull).toBe(false);
    pending.add({ due: 2, position: 2, size: 1 });
    expect(pending.isFull).toBe(true);
  });
});
