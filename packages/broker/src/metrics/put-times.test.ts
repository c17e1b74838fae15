import { describe, expect, it } from '@jest/globals';
import { PutTimes } from './put-times.js';

const MINUTE = 60_000;

describe('the times that messages took', () => {
  it('are told of the last whole minute, in the ranges of Apache', () => {
    const times = new PutTimes(0);
    const given = [0, 0.5, 1, 9, 10, 49, 99, 150, 499, 999, 1_500, 2_000, 3_500, 4_000, 9_999, 60_000];
    for (const ms of given) times.add(1, ms, 10);
    expect(times.distribution(20)).toBeUndefined();
    expect(times.percentile(0.99, 20)).toBeUndefined();
    expect(times.distribution(MINUTE)).toBe(
      '[<=0ms]:2 [0~10ms]:2 [10~50ms]:2 [50~100ms]:1 [100~200ms]:1 [200~500ms]:1 [500ms~1s]:1 [1~2s]:1 [2~3s]:1 ' +
        '[3~4s]:1 [4~5s]:1 [5~10s]:1 [10s~]:1 ',
    );
    expect(times.longest).toBe(60_000);
  });

  it('give the share that was at most so slow', () => {
    const times = new PutTimes(0);
    times.add(990, 2, 10);
    times.add(9, 40, 10);
    times.add(1, 700, 10);
    expect([0.99, 0.999, 1].map((share) => times.percentile(share, MINUTE))).toEqual([2, 40, 700]);
  });

  it('are those of no message where the last minute had none', () => {
    const times = new PutTimes(0);
    times.add(1, 5, 10);
    expect(times.distribution(3 * MINUTE)).toMatch(/^\[<=0ms\]:0 \[0~10ms\]:0 /);
    expect(times.percentile(0.99, 3 * MINUTE)).toBe(0);
  });
});
