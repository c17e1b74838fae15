import { describe, expect, it } from '@jest/globals';
import { OffsetRanges } from './offset-ranges.js';
import { randomOf } from '../../test-kit/random.js';

const SEED = 20_261_128;
const MOST = 60;

describe('a set of offsets', () => {
  it(`has what was added, in any order, and is passed up to the first that was not, seed ${SEED}`, () => {
    const random = randomOf(SEED);
    const different: unknown[] = [];
    for (let round = 0; round < 100; round++) {
      const [ranges, plain] = [new OffsetRanges(), new Set<number>()];
      let first = 0;
      for (let step = 0; step < MOST; step++) {
        const offset = first + Math.floor(random() * MOST);
        ranges.add(offset);
        plain.add(offset);
        if (random() < 0.2) {
          const before = first;
          while (plain.delete(first)) first++;
          if (ranges.pass(before) !== first) different.push([round, step, 'pass']);
        }
        for (let at = first; at < first + MOST; at++)
          if (ranges.has(at) !== plain.has(at)) different.push([round, step, at]);
        const at = first + Math.floor(random() * MOST);
        let gap = at;
        while (plain.has(gap)) gap++;
        if (ranges.nextGap(at) !== gap) different.push([round, step, 'gap', at]);
      }
    }
    expect(different).toEqual([]);
  });

  it('takes the memory of its gaps, not of its offsets', () => {
    const ranges = new OffsetRanges();
    for (let offset = 1; offset <= 10_000; offset++) ranges.add(offset);
    for (let offset = 20_000; offset > 10_001; offset--) ranges.add(offset);
    expect([ranges.count, ranges.has(0), ranges.has(10_001), ranges.has(20_000)]).toEqual([2, false, false, true]);
    ranges.add(10_001);
    expect([ranges.count, ranges.pass(0), ranges.pass(1), ranges.count]).toEqual([1, 0, 20_001, 0]);
  });
});
