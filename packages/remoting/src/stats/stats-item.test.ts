import { describe, expect, it } from '@jest/globals';
import { StatsColumn, StatsItem } from './stats-item.js';

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const { NUMS, SIZE } = StatsColumn;

describe('an item of the statistics', () => {
  it('shows what was counted at once, in all three windows', () => {
    const item = new StatsItem(START);
    item.add(10, 2_000, 1, START);
    item.add(2, 400, 1, START + 1);
    const view = item.view(NUMS, START + 2);
    expect(view.statsMinute).toEqual({ sum: 12, tps: 1.2, avgpt: 6 });
    expect([view.statsHour.sum, view.statsDay.sum]).toEqual([12, 12]);
    expect(item.view(SIZE, START + 2).statsMinute).toEqual({ sum: 2_400, tps: 240, avgpt: 1_200 });
  });

  it('has the rate of a whole minute once there has been one', () => {
    const item = new StatsItem(START);
    item.add(30, 0, 1, START);
    expect(item.view(NUMS, START + 20_000).statsMinute.tps).toBe(1.5);
    expect(item.view(NUMS, START + MINUTE).statsMinute.tps).toBe(0.5);
  });

  it('forgets by the minute, by the hour and by the day', () => {
    const item = new StatsItem(START);
    item.add(1, 0, 1, START);
    const sums = (after: number): number[] => {
      const { statsMinute, statsHour, statsDay } = item.view(NUMS, START + after);
      return [statsMinute.sum, statsHour.sum, statsDay.sum];
    };
    expect(sums(MINUTE)).toEqual([1, 1, 1]);
    expect(sums(MINUTE + 10_000)).toEqual([0, 1, 1]);
    expect(sums(HOUR)).toEqual([0, 1, 1]);
    expect(sums(HOUR + 10 * MINUTE)).toEqual([0, 0, 1]);
    expect(sums(24 * HOUR)).toEqual([0, 0, 1]);
    expect(sums(25 * HOUR)).toEqual([0, 0, 0]);
  });

  it('counts a message in the slot in which it came, however long nobody has looked', () => {
    const item = new StatsItem(START);
    item.add(1, 0, 1, START);
    item.add(1, 0, 1, START + 5 * HOUR);
    const { statsHour, statsDay } = item.view(NUMS, START + 5 * HOUR);
    expect([statsHour.sum, statsDay.sum]).toEqual([1, 2]);
  });
});
