import { describe, expect, it } from '@jest/globals';
import { SlotRing } from './slot-ring.js';

const ring = (): SlotRing => new SlotRing(3, 10, 1, 100);

describe('a ring of slots', () => {
  it('sums the current slot and those before it, and forgets the oldest', () => {
    const counts = ring();
    counts.add(0, 1);
    counts.turn(110);
    counts.add(0, 2);
    counts.turn(129);
    counts.add(0, 4);
    expect([counts.sum(0), counts.sumOfEnded(0, 2), counts.sumOfEnded(0, 1), counts.ended]).toEqual([7, 3, 2, 2]);
    counts.turn(130);
    expect([counts.sum(0), counts.sumOfEnded(0, 9), counts.ended]).toEqual([6, 6, 2]);
  });

  it('is empty after a pause that is longer than itself', () => {
    const counts = ring();
    counts.add(0, 1);
    counts.turn(1_000_000);
    expect([counts.sum(0), counts.start, counts.end]).toEqual([0, 1_000_000, 1_000_010]);
  });

  it('goes on counting when the clock is set back, and counts nothing twice', () => {
    const counts = ring();
    counts.add(0, 1);
    counts.turn(110);
    counts.add(0, 2);
    counts.turn(50);
    counts.add(0, 4);
    counts.turn(60);
    expect([counts.sum(0), counts.sumOfEnded(0, 1)]).toEqual([7, 6]);
    counts.turn(70);
    expect(counts.sum(0)).toBe(6);
  });
});
