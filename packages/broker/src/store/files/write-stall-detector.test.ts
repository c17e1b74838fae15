import { describe, expect, it } from '@jest/globals';
import { WriteStallDetector } from './write-stall-detector.js';

function paced(): { pace: WriteStallDetector; clock: { now: number } } {
  const clock = { now: 1_000 };
  return { pace: new WriteStallDetector(() => clock.now), clock };
}

describe('a write might have to wait for the disk', () => {
  it('while a sync is under way, also one that fails', async () => {
    const { pace } = paced();
    expect(pace.mayWait).toBe(false);
    let end: (error?: Error) => void = () => {};
    const failing = pace.sync(new Promise((resolve, reject) => (end = (error) => (error ? reject(error) : resolve()))));
    const other = pace.sync(Promise.resolve());
    await other;
    expect(pace.mayWait).toBe(true);
    end(new Error('EIO'));
    await expect(failing).rejects.toThrow('EIO');
    expect(pace.mayWait).toBe(false);
  });

  it('for some time after one has waited, also one that failed', () => {
    const { pace, clock } = paced();
    pace.write(() => (clock.now += 4));
    expect(pace.mayWait).toBe(false);
    const fail = (): never => {
      clock.now += 100;
      throw new Error('ENOSPC');
    };
    expect(() => pace.write(fail)).toThrow('ENOSPC');
    expect(pace.mayWait).toBe(true);
    clock.now += 1_999;
    expect(pace.mayWait).toBe(true);
    clock.now += 1;
    expect(pace.mayWait).toBe(false);
  });

  it('as told by the result, which is given on', () => {
    expect(paced().pace.write(() => 42)).toBe(42);
  });
});
