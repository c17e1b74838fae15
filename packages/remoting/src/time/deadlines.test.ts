import { describe, expect, it } from '@jest/globals';
import { Deadlines, Wait } from './deadlines.js';
import type { Clock, TimerHandle } from './clock.js';
import { ManualClock } from './manual-clock.js';

class Recorded extends Wait {
  at: number | undefined;

  constructor(private readonly clock: Clock) {
    super();
  }

  override expired(): void {
    this.at = this.clock.monotonic();
  }
}

function counting(clock: ManualClock): { clock: Clock; open: () => number } {
  const timers = new Set<TimerHandle>();
  return {
    clock: {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      setTimeout(fn, ms) {
        const handle: TimerHandle = clock.setTimeout(() => {
          timers.delete(handle);
          fn();
        }, ms);
        timers.add(handle);
        return handle;
      },
      clearTimeout(handle) {
        timers.delete(handle!);
        clock.clearTimeout(handle);
      },
    },
    open: () => timers.size,
  };
}

describe('many waits', () => {
  const begin = (): {
    manual: ManualClock;
    open: () => number;
    add: (ms: number) => Recorded;
    deadlines: Deadlines;
  } => {
    const manual = new ManualClock();
    const { clock, open } = counting(manual);
    const deadlines = new Deadlines(clock);
    const add = (ms: number): Recorded => {
      const wait = new Recorded(clock);
      deadlines.add(wait, clock.monotonic(), ms);
      return wait;
    };
    return { manual, open, add, deadlines };
  };

  it('have one timer, and end when each is due, whatever the order in which they began', async () => {
    const { manual, open, add } = begin();
    const start = manual.monotonic();
    const waits = [300, 100, 200, 100].map(add);
    expect(open()).toBe(1);
    await manual.advance(1_000);
    expect(waits.map(({ at }) => at! - start)).toEqual([300, 100, 200, 100]);
    expect(open()).toBe(0);
  });

  it('leave no timer behind when all are cancelled, and do not end', async () => {
    const { manual, open, add, deadlines } = begin();
    const waits = [100, 200].map(add);
    deadlines.cancel(waits[0]!);
    expect(open()).toBe(1);
    deadlines.cancel(waits[1]!);
    expect(open()).toBe(0);
    await manual.advance(1_000);
    expect(waits.map(({ at }) => at)).toEqual([undefined, undefined]);
  });

  it('end in time where the one that the timer was set for was cancelled', async () => {
    const { manual, add, deadlines } = begin();
    const start = manual.monotonic();
    const first = add(100);
    const second = add(150);
    deadlines.cancel(first);
    await manual.advance(1_000);
    expect([first.at, second.at! - start]).toEqual([undefined, 150]);
  });
});
