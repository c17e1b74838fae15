import { describe, expect, it } from '@jest/globals';
import { systemClock } from './clock.js';
import { ManualClock } from './manual-clock.js';

describe('a clock that is turned by hand', () => {
  it('fires what falls due, in order, at its own time', async () => {
    const clock = new ManualClock(1000);
    const fired: [string, number][] = [];
    clock.setTimeout(() => fired.push(['b', clock.now()]), 20);
    clock.setTimeout(() => fired.push(['a', clock.now()]), 10);
    clock.setTimeout(() => fired.push(['later', clock.now()]), 31);
    await clock.advance(30);
    expect(fired).toEqual([
      ['a', 1010],
      ['b', 1020],
    ]);
    expect(clock.now()).toBe(1030);
    expect(clock.pending).toBe(1);
  });

  it('fires those of the same time in the order in which they were armed', async () => {
    const clock = new ManualClock(0);
    const fired: number[] = [];
    for (const index of [0, 1, 2, 3, 4]) clock.setTimeout(() => fired.push(index), 10);
    clock.clearTimeout(clock.setTimeout(() => fired.push(-1), 10));
    await clock.advance(10);
    expect(fired).toEqual([0, 1, 2, 3, 4]);
  });

  it('fires within one turn what a timer or its promises arm', async () => {
    const clock = new ManualClock(0);
    const times: number[] = [];
    const again = async (): Promise<void> => {
      await Promise.resolve();
      times.push(clock.now());
      clock.setTimeout(() => void again(), 10);
    };
    clock.setTimeout(() => void again(), 10);
    await clock.advance(35);
    expect(times).toEqual([10, 20, 30]);
  });

  it('does not fire what was cleared', async () => {
    const clock = new ManualClock(0);
    const timer = clock.setTimeout(() => expect(true).toBe(false), 5);
    clock.clearTimeout(timer);
    await clock.advance(10);
    expect(clock.pending).toBe(0);
  });

  it('does not go back', async () => {
    const clock = new ManualClock(100);
    await expect(clock.advanceTo(99)).rejects.toThrow(RangeError);
  });
});

describe("the machine's clock", () => {
  it('fires once the time has passed, and not when it was cleared', async () => {
    const start = systemClock.monotonic();
    const cleared = systemClock.setTimeout(() => expect(true).toBe(false), 1);
    systemClock.clearTimeout(cleared);
    await new Promise<void>((resolve) => systemClock.setTimeout(resolve, 5));
    expect(systemClock.monotonic() - start).toBeGreaterThanOrEqual(5);
  });
});
