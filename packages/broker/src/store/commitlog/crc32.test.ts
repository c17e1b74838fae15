import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { crc32Of } from './crc32.js';

describe('a CRC-32', () => {
  it("is zlib's for all lengths, wherever the bytes stand and whatever is before them", () => {
    const bytes = randomBytes(1_000);
    for (let length = 0; length <= 500; length++) {
      const start = length % 13;
      const before = length % 3 === 0 ? 0 : crc32(bytes.subarray(0, start));
      const wanted = crc32(bytes.subarray(start, start + length), before);
      const crc = crc32Of(bytes, start, start + length, before);
      expect({ length, crc, bytes: crc === wanted ? '' : bytes.toString('hex') }).toEqual({
        length,
        crc: wanted,
        bytes: '',
      });
    }
  });
});
