import { describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import { Throttle } from './throttle.js';

function throttle(run: () => Promise<boolean>) {
  const clock = new ManualClock();
  return {
    clock,
    throttle: new Throttle({
      clock,
      logger: silentLogger,
      name: 'test',
      interval: 20_000,
      spacing: 1_000,
      burst: 3,
      run,
    }),
  };
}

describe('a throttle', () => {
  it('runs at its interval when all is well, and soon when not', async () => {
    let runs = 0;
    let well = true;
    const { clock, throttle: one } = throttle(() => {
      runs++;
      return Promise.resolve(well);
    });
    await one.start();
    expect(runs).toBe(1);
    await clock.advance(19_999);
    expect(runs).toBe(1);
    well = false;
    await clock.advance(1);
    expect(runs).toBe(2);
    await clock.advance(1_000);
    expect(runs).toBe(3);
    await one.stop();
    expect(clock.pending).toBe(0);
  });

  it('lets a few requests through at once, and spaces a storm of them', async () => {
    let runs = 0;
    const { clock, throttle: one } = throttle(() => Promise.resolve(++runs > 0));
    await one.start();
    for (let i = 0; i < 50; i++) {
      one.request();
      await clock.advance(0);
    }
    expect(runs).toBe(3);
    await clock.advance(1_000);
    expect(runs).toBe(4);
    await one.stop();
  });

  it('never runs twice at the same time, and runs once more for what was asked meanwhile', async () => {
    let running = 0;
    let runs = 0;
    let finish = (): void => undefined;
    const { clock, throttle: one } = throttle(async () => {
      expect(++running).toBe(1);
      runs++;
      if (runs === 1) await new Promise<void>((resolve) => (finish = resolve));
      running--;
      return true;
    });
    const first = one.start();
    one.request();
    one.request();
    finish();
    await first;
    await clock.advance(0);
    expect(runs).toBe(2);
    await one.stop();
  });

  it('makes a request wait for `spacing` at most, however often it was run at once', async () => {
    let runs = 0;
    const { clock, throttle: one } = throttle(() => Promise.resolve(++runs > 0));
    await one.start();
    for (let i = 0; i < 50; i++) await one.runNow();
    one.request();
    await clock.advance(1_000);
    expect(runs).toBe(52);
    await one.stop();
  });

  it('comes again after a run that threw', async () => {
    let runs = 0;
    const { clock, throttle: one } = throttle(() =>
      ++runs === 1 ? Promise.reject(new Error('no')) : Promise.resolve(true),
    );
    await one.start();
    await clock.advance(1_000);
    expect(runs).toBe(2);
    await one.stop();
  });

  it('does nothing before its start and after its stop', async () => {
    let runs = 0;
    const { clock, throttle: one } = throttle(() => Promise.resolve(++runs > 0));
    one.request();
    await clock.advance(30_000);
    await one.stop();
    await one.start();
    expect(runs).toBe(0);
  });
});
