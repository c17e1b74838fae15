import { expect, it } from '@jest/globals';
import { MOST_OPS, OpProgress } from './op-progress.js';

it('is done with op messages in their order, when all halves that they name are decided', () => {
  const ops = new OpProgress(7);
  ops.note(7, [0, 2]);
  ops.note(8, [1]);
  ops.note(9, []);
  ops.settle(2);
  expect([ops.next, ops.count]).toEqual([7, 3]);
  ops.settle(3);
  expect([ops.next, ops.count]).toEqual([10, 0]);
});

it('keeps a bounded number of them behind a half that stays open, and is done with all when it is decided', () => {
  const ops = new OpProgress(0);
  const count = 3 * MOST_OPS;
  for (let at = 0; at < count; at++) ops.note(at, [at + 1]);
  ops.settle(0);
  expect([ops.next, ops.count]).toEqual([0, MOST_OPS]);
  ops.settle(MOST_OPS);
  expect([ops.next, ops.count]).toEqual([MOST_OPS - 1, 1]);
  ops.settle(count + 1);
  expect([ops.next, ops.count]).toEqual([count, 0]);
});
