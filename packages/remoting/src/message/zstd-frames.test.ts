import { describe, expect, it } from '@jest/globals';
import { DecodeError } from '../errors.js';
import { mustBeWholeZstd } from './zstd-frames.js';

/** Written by the zstd library of Node 22: "hello" with its size; 1,000 times 'a' with a checksum and without the size. */
const hello = Buffer.from('28b52ffd200529000068656c6c6f', 'hex');
const letters = Buffer.from('28b52ffd04004d00001061610100e32b80052342da2e', 'hex');

describe('a ZSTD frame', () => {
  it('is whole, also with others and some to be skipped', () => {
    const skipped = Buffer.from('502a4d18020000000102', 'hex');
    expect(() => mustBeWholeZstd(Buffer.concat([hello, skipped, letters]))).not.toThrow();
  });

  it('is refused wherever it is cut off, and when something else follows', () => {
    for (const frame of [hello, letters]) {
      for (let end = 0; end < frame.length; end++) {
        expect(() => mustBeWholeZstd(frame.subarray(0, end))).toThrow(DecodeError);
      }
    }
    expect(() => mustBeWholeZstd(Buffer.concat([hello, Buffer.from('more')]))).toThrow(DecodeError);
  });
});
