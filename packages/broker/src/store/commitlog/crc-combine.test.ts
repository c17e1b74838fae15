import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { CrcCombiner } from './crc-combine.js';

describe('the CRC of two pieces', () => {
  it('is quick to compute for the length of the time before, and for a long piece', () => {
    const crcs = new CrcCombiner();
    expect([100, 100, 100, 200, 200, 100, 4_096].map((length) => crcs.isQuick(length))).toEqual([
      false,
      true,
      true,
      false,
      true,
      false,
      true,
    ]);
  });

  it.each([0, 1, 2, 3, 7, 8, 255, 256, 1_000, 2_048, 65_535, 65_536, 100_003, 4_194_304])(
    'of which the second has %d bytes is that of both in a row',
    (length) => {
      const crcs = new CrcCombiner();
      for (const head of [0, 1, 88, 1_000]) {
        const bytes = randomBytes(head + length);
        const combined = crcs.combine(crc32(bytes.subarray(0, head)), crc32(bytes.subarray(head)), length);
        expect({ bytes: length > 1_000 ? '' : bytes.toString('hex'), crc: combined }).toMatchObject({
          crc: crc32(bytes),
        });
      }
    },
  );
});
