import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from './clock.js';
import { ClockHeldError, InvalidOptionError } from '../errors.js';
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

  it('does not go back, nor by what is no time', async () => {
    const clock = new ManualClock(100);
    await expect(clock.advanceTo(99)).rejects.toThrow(InvalidOptionError);
    for (const time of [-1, Number.NaN, 'soon', ''])
      await expect(clock.advance(time)).rejects.toThrow(InvalidOptionError);
    expect(clock.now()).toBe(100);
  });

  it('is turned by ms or by a length with a unit', async () => {
    const clock = new ManualClock(0);
    await clock.advance('30m');
    await clock.advance(5);
    expect(clock.now()).toBe(1_800_005);
  });
});

describe('time that skips by itself', () => {
  it('goes to the next timer that has a name, and fires those without one on the way', async () => {
    const clock = new ManualClock(0);
    const fired: [string, number][] = [];
    const arm = (name: string, ms: number, event?: string): unknown =>
      clock.setTimeout(() => fired.push([name, clock.now()]), ms, event);
    arm('heartbeat', 10);
    arm('delivery', 20, 'a delivery');
    arm('heartbeat', 30);
    arm('retry', 40, 'a retry');
    expect(clock.upcoming).toEqual([
      { event: 'a delivery', due: 20 },
      { event: 'a retry', due: 40 },
    ]);
    expect(await clock.skip()).toBe(true);
    expect(clock.now()).toBe(20);
    expect(await clock.skip()).toBe(true);
    expect(fired).toEqual([
      ['heartbeat', 10],
      ['delivery', 20],
      ['heartbeat', 30],
      ['retry', 40],
    ]);
  });

  it('stands still where only timers without a name are left', async () => {
    const clock = new ManualClock(0);
    clock.setTimeout(() => expect(true).toBe(false), 10);
    expect(await clock.skip()).toBe(false);
    expect(clock.now()).toBe(0);
  });

  it('waits for what is under way, and for what that arms', async () => {
    const clock = new ManualClock(0);
    const ended = clock.busy('a listener');
    void io().then(() => {
      clock.setTimeout(() => undefined, 5, 'a retry');
      ended();
    });
    clock.setTimeout(() => undefined, 20, 'a delivery');
    expect(await clock.skip()).toBe(true);
    expect(clock.now()).toBe(5);
  });

  it('goes to a time-out without a name if a call waits for the clock', async () => {
    const clock = new ManualClock(0);
    const ended = clock.busy('a send', 10_000);
    clock.setTimeout(ended, 3_000);
    clock.callWaits();
    const began = performance.now();
    expect(await clock.skip()).toBe(true);
    expect(clock.now()).toBe(3_000);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await clock.skip()).toBe(false);
  });

  it('settles when nothing uses the clock any more, without turning it', async () => {
    const clock = new ManualClock(0);
    const steps: string[] = [];
    const step = async (left: number): Promise<void> => {
      for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
      clock.clearTimeout(clock.setTimeout(() => undefined, 1));
      steps.push('step');
      if (left > 0) await step(left - 1);
    };
    void step(5);
    await clock.settle();
    expect(steps).toHaveLength(6);
    expect(clock.now()).toBe(0);
  });
});

/** Real work of the machine, which takes many turns of the event loop. */
const io = (): Promise<unknown> => readFile(import.meta.filename);

describe('what is under way', () => {
  it('holds time until it has ended, and so does what follows from it', async () => {
    const clock = new ManualClock(0);
    const seen: [string, number][] = [];
    const work = async (name: string, next?: () => void): Promise<void> => {
      const ended = clock.busy(name);
      for (let round = 0; round < 3; round++) await io();
      seen.push([name, clock.now()]);
      next?.();
      ended();
    };
    clock.setTimeout(() => void work('first', () => clock.setTimeout(() => void work('second'), 10)), 5);
    clock.setTimeout(() => seen.push(['later', clock.now()]), 20);
    await clock.advance(30);
    expect(seen).toEqual([
      ['first', 5],
      ['second', 15],
      ['later', 20],
    ]);
  });

  it('and never ends is named after a bound of real time, and time stands where it was', async () => {
    const clock = new ManualClock(0);
    clock.setTimeout(() => void clock.busy('Orders.onMessage'), 10);
    const turned = clock.advance(20, { timeout: 20 });
    await expect(turned).rejects.toThrow(ClockHeldError);
    await expect(turned).rejects.toThrow(/20 ms for Orders\.onMessage .*wait: false/);
    expect(clock.now()).toBe(10);
    await clock.advance(10, { wait: false });
    expect(clock.now()).toBe(20);
  });

  it('has time to end after the whole process stood still for longer than the bound', async () => {
    const clock = new ManualClock(0);
    const ended = clock.busy('a listener');
    const turned = clock.advance(10, { timeout: 500 });
    setImmediate(() => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
      let turnsLeft = 20;
      const end = (): void => void (turnsLeft-- > 0 ? setImmediate(end) : ended());
      end();
    });
    await turned;
    expect(clock.now()).toBe(10);
  });

  it('with a bound of its own holds time no longer than that', async () => {
    const clock = new ManualClock(0);
    clock.busy('a send that waits for the clock', 20);
    clock.busy('its listener');
    await clock.advance(10);
    expect(clock.now()).toBe(10);
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
