import { describe, expect, it } from '@jest/globals';
import { PullTurns } from './pull-turns.js';

function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

describe('pulls that come together', () => {
  it('are all served, in their order, and let others run between', async () => {
    const turns = new PullTurns();
    const order: (number | 'other')[] = [];
    const count = 60;
    await new Promise<void>((resolve) => {
      for (let i = 0; i < count; i++) {
        turns.take(() => {
          work(0.2);
          order.push(i);
          if (i === count - 1) resolve();
        });
      }
      setImmediate(() => order.push('other'));
    });
    expect(order.filter((one) => one !== 'other')).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(order.indexOf('other')).toBeLessThan(count / 2);
  });

  it('are served too when they come while others are', async () => {
    const turns = new PullTurns();
    const served = await new Promise<string>((resolve) => {
      turns.take(() => turns.take(() => resolve('the second')));
    });
    expect(served).toBe('the second');
  });
});
