import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '../logger.js';
import { ManualClock } from './manual-clock.js';
import { Repeating } from './repeating.js';
import type { RepeatingOptions } from './repeating.js';

function repeating(options: Partial<RepeatingOptions> & Pick<RepeatingOptions, 'run'>) {
  const clock = new ManualClock();
  return { clock, task: new Repeating({ clock, logger: silentLogger, name: 'the task', interval: 1_000, ...options }) };
}

describe('a repeating task', () => {
  it('runs after its interval, again and again, until it is stopped', async () => {
    let runs = 0;
    const { clock, task } = repeating({ run: () => void runs++ });
    task.start();
    task.start(0);
    await clock.advance(999);
    expect(runs).toBe(0);
    await clock.advance(1);
    expect(runs).toBe(1);
    await clock.advance(2_000);
    expect(runs).toBe(3);
    task.stop();
    await clock.advance(5_000);
    expect(runs).toBe(3);
    expect(clock.pending).toBe(0);
  });

  it('may run the first time sooner', async () => {
    let runs = 0;
    const { clock, task } = repeating({ run: () => void runs++ });
    task.start(10);
    await clock.advance(10);
    expect(runs).toBe(1);
    task.stop();
  });

  it('counts its interval from the end of a run, and whoever waits hears of the end', async () => {
    let runs = 0;
    let finish = (): void => undefined;
    const { clock, task } = repeating({
      run: () => {
        runs++;
        return new Promise<void>((resolve) => (finish = resolve));
      },
    });
    task.start();
    await clock.advance(5_000);
    expect(runs).toBe(1);
    let idle = false;
    const waiting = task.whenIdle().then(() => (idle = true));
    await clock.advance(0);
    expect(idle).toBe(false);
    finish();
    await waiting;
    await clock.advance(1_000);
    expect(runs).toBe(2);
    task.stop();
    finish();
  });

  it('has one timer also when it is stopped and started again within a run', async () => {
    let runs = 0;
    let finish = (): void => undefined;
    const { clock, task } = repeating({
      run: () => {
        runs++;
        return new Promise<void>((resolve) => (finish = resolve));
      },
    });
    task.start();
    await clock.advance(1_000);
    task.stop();
    task.start();
    expect(clock.pending).toBe(0);
    finish();
    await clock.advance(0);
    expect(clock.pending).toBe(1);
    await clock.advance(1_000);
    expect(runs).toBe(2);
    task.stop();
    finish();
    await clock.advance(0);
    expect(clock.pending).toBe(0);
  });

  it('rests while it is not needed, until it is started again', async () => {
    let runs = 0;
    const { clock, task } = repeating({ run: () => void runs++, isNeeded: () => runs < 2 });
    task.start();
    await clock.advance(10_000);
    expect(runs).toBe(2);
    expect(clock.pending).toBe(0);
    task.start();
    await clock.advance(1_000);
    expect(runs).toBe(3);
  });

  it('says which run failed, and runs again', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
    const { clock, task } = repeating({ logger, run: () => Promise.reject(new Error('no disk')) });
    task.start();
    await clock.advance(2_000);
    expect(warnings).toEqual(['the task failed: no disk', 'the task failed: no disk']);
    task.stop();
  });
});
