import { describe, expect, it } from '@jest/globals';
import { copyBytes, readInt, writeInt } from './bytes.js';

describe('bytes', () => {
  it.each([0, 1, -1, 255, 256, 0x7fffffff, -0x80000000, 0x12345678])('hold the integer %d as Java has it', (value) => {
    const bytes = Buffer.alloc(6, 0xee);
    writeInt(bytes, value, 1);
    const wanted = Buffer.alloc(6, 0xee);
    wanted.writeInt32BE(value, 1);
    expect(bytes).toEqual(wanted);
    expect(readInt(bytes, 1)).toBe(value);
  });

  it.each([0, 1, 63, 64, 65, 300])('are copied, %d of them and no others', (length) => {
    const from = Buffer.from(Array.from({ length: 310 }, (_, at) => at * 7));
    for (const start of [0, 5]) {
      const to = Buffer.alloc(320);
      copyBytes(from, start, start + length, to, 3);
      const wanted = Buffer.alloc(320);
      from.copy(wanted, 3, start, start + length);
      expect(to).toEqual(wanted);
    }
  });
});
