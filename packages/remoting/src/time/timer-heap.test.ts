import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HeapTimer, TimerHeap } from './timer-heap.js';

function heapOf(dues: readonly number[]): { heap: TimerHeap<HeapTimer>; timers: HeapTimer[] } {
  const heap = new TimerHeap<HeapTimer>();
  const timers = dues.map((due, order) => new HeapTimer(due, order));
  for (const timer of timers) heap.add(timer);
  return { heap, timers };
}

/** Takes one after the other until none is left. */
function drained(heap: TimerHeap<HeapTimer>): HeapTimer[] {
  const taken: HeapTimer[] = [];
  while (heap.first) {
    taken.push(heap.first);
    heap.delete(heap.first);
  }
  return taken;
}

describe('a heap of timers', () => {
  it('is empty at first', () => {
    const { heap } = heapOf([]);
    expect([heap.size, heap.first]).toEqual([0, undefined]);
  });

  it('gives those that are due at the same time in the order in which they were made', () => {
    const { heap } = heapOf([5, 1, 5, 1, 5, 1]);
    expect(drained(heap).map(({ order }) => order)).toEqual([1, 3, 5, 0, 2, 4]);
  });

  it('does not mind a timer that it no longer holds, nor one of another heap', () => {
    const { heap, timers } = heapOf([1, 2]);
    heap.delete(timers[0]!);
    heap.delete(timers[0]!);
    heap.delete(heapOf([3]).timers[0]!);
    expect([heap.size, heap.first]).toEqual([1, timers[1]]);
  });

  it('keeps the order of all others, whichever are deleted', () => {
    const some = fc.array(fc.tuple(fc.nat(9), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(some, (made) => {
        const { heap, timers } = heapOf(made.map(([due]) => due));
        const kept = timers.filter((_timer, index) => made[index]![1]);
        for (const timer of timers) if (!kept.includes(timer)) heap.delete(timer);
        expect(heap.size).toBe(kept.length);
        expect(drained(heap)).toEqual(kept.toSorted((a, b) => a.due - b.due || a.order - b.order));
      }),
    );
  });
});
