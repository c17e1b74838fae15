import { describe, expect, it } from '@jest/globals';
import { crc32 } from 'node:zlib';
import { QueueSums } from './queue-sums.js';

const UNIT = 20;
const bytes = (from: number, to: number): Buffer =>
  Buffer.from(Array.from({ length: (to - from) * UNIT }, (_, i) => from * UNIT + i));

describe('the checksums of a queue', () => {
  it.each([0, 1, 5, 9, 10, 11, 15, 20])('are those at the mark (%i), whatever was written behind it since', (mark) => {
    const sums = new QueueSums();
    sums.begin(0, Buffer.alloc(0), 7);
    sums.mark(mark);
    sums.wrote(0, 0, bytes(0, 5));
    sums.wrote(0, 5 * UNIT, bytes(5, 10));
    sums.begin(10 * UNIT, Buffer.alloc(0), 8);
    sums.wrote(10 * UNIT, 10 * UNIT, bytes(10, 20));
    const found = sums.marked(() => true).map(({ start, units, crc }) => ({ start, units, crc }));
    const expected = [
      { start: 0, units: Math.min(10, mark), crc: crc32(bytes(0, Math.min(10, mark))) },
      { start: 10 * UNIT, units: mark - 10, crc: crc32(bytes(10, Math.max(10, mark))) },
    ];
    expect(found).toEqual(expected.filter(({ units }) => units > 0));
  });

  it('are not known of a file that was changed in the middle', () => {
    const sums = new QueueSums();
    sums.begin(0, Buffer.alloc(0), 7);
    sums.wrote(0, 0, bytes(0, 5));
    sums.forget(0);
    sums.wrote(0, 5 * UNIT, bytes(5, 8));
    sums.mark(8);
    expect(sums.marked(() => true)).toEqual([{ start: 0, units: 0, crc: 0, firstPhysical: 7, changed: 0, inode: 0 }]);
  });
});
