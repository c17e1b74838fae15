import { describe, expect, it } from '@jest/globals';
import { timerDueOf } from './timer-due.js';

describe('when a message of the timer topic is due', () => {
  it.each([
    ['one of ours, stored some ms after its time was set', { TIMER_OUT_MS: '5499', TIMER_DELAY_MS: '500' }, 5_500],
    ['one of Apache’s, to the ms that was asked for', { TIMER_OUT_MS: '5000', TIMER_DELIVER_MS: '5230' }, 5_230],
    ['one of Apache’s that was rolled', { TIMER_OUT_MS: '5000', TIMER_DELAY_SEC: '900' }, 6_000],
    ['none', {}, undefined],
  ])('is told for %s', (_what, properties, due) => {
    expect(timerDueOf(new Map(Object.entries(properties)), 5_002)).toBe(due);
  });
});
