import { describe, expect, it } from '@jest/globals';
import { DayTotals } from './day-totals.js';

/** Local time, as midnight is. */
const at = (day: number, hour: number): number => new Date(2026, 0, day, hour).getTime();
const DAYS = (totals: DayTotals): number[] => [totals.yesterdayMorning, totals.todayMorning, totals.now];

describe('totals by the day', () => {
  it('tell what had come by the last two midnights', () => {
    const totals = new DayTotals(at(1, 12));
    totals.add(5, at(1, 23));
    expect(DAYS(totals)).toEqual([0, 0, 5]);
    totals.add(3, at(2, 0));
    expect(DAYS(totals)).toEqual([0, 5, 8]);
    totals.add(1, at(3, 9));
    expect(DAYS(totals)).toEqual([5, 8, 9]);
  });

  it('are right on a day on which nothing came, and after several', () => {
    const totals = new DayTotals(at(1, 12));
    totals.add(5, at(1, 23));
    totals.turn(at(2, 1));
    expect(DAYS(totals)).toEqual([0, 5, 5]);
    totals.turn(at(9, 1));
    expect(DAYS(totals)).toEqual([5, 5, 5]);
  });
});
