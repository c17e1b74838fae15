import { describe, expect, it } from '@jest/globals';
import { forEachLimit } from './for-each-limit.js';

describe('work on many things', () => {
  it('is done on all of them, a few at a time', async () => {
    let underWay = 0;
    let most = 0;
    const done: number[] = [];
    await forEachLimit([1, 2, 3, 4, 5, 6, 7], 3, async (thing) => {
      most = Math.max(most, ++underWay);
      await new Promise(setImmediate);
      underWay--;
      done.push(thing);
    });
    expect([most, done.toSorted((a, b) => a - b)]).toEqual([3, [1, 2, 3, 4, 5, 6, 7]]);
  });

  it('ends with the first failure, begins nothing after it, and leaves nothing under way', async () => {
    const begun: number[] = [];
    let underWay = 0;
    const all = forEachLimit([1, 2, 3, 4, 5, 6], 2, async (thing) => {
      begun.push(thing);
      underWay++;
      await new Promise(setImmediate);
      underWay--;
      if (thing === 2) throw new Error('the second');
    });
    await expect(all).rejects.toThrow('the second');
    expect([underWay, begun.length < 6]).toEqual([0, true]);
  });
});
