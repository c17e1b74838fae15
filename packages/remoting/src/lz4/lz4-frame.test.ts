import { describe, expect, it } from '@jest/globals';
import {
  JAVA_BLOCKS,
  JAVA_CHECKSUMS,
  JAVA_DEFAULT,
  JAVA_STORED,
  JAVA_XXHASH32,
  LINKED_BLOCKS,
  counting,
  letter,
} from '../../test-kit/lz4-frames.js';
import { DecodeError } from '../errors.js';
import { compressLz4, decompressLz4 } from './lz4-frame.js';
import { xxHash32 } from './xxhash32.js';

const MOST = 1024 * 1024;
const read = (frame: string, most = MOST): Buffer => decompressLz4(Buffer.from(frame, 'base64'), most);

describe('a frame that others have written', () => {
  it.each<[string, string, () => string]>([
    ["lz4-java's default", JAVA_DEFAULT, letter],
    ['with all checksums and its size', JAVA_CHECKSUMS, letter],
    ['whose block is stored as it is', JAVA_STORED, () => 'tiny'],
    ['of several blocks', JAVA_BLOCKS, () => 'a'.repeat(200_000)],
    ['whose blocks refer to the one before', LINKED_BLOCKS, counting],
  ])('is read: %s', (_what, frame, content) => {
    expect(read(frame).toString() === content()).toBe(true);
  });

  it('may be followed by others, and by some that are to be skipped', () => {
    const skipped = Buffer.from('5a2a4d18030000006e6f21', 'hex');
    const [first, second] = [JAVA_DEFAULT, JAVA_STORED].map((frame) => Buffer.from(frame, 'base64'));
    const all = decompressLz4(Buffer.concat([skipped, first!, skipped, second!]), MOST);
    expect(all.toString()).toBe(`${letter()}tiny`);
  });

  it.each([
    ['the content', 'the content', JAVA_CHECKSUMS, -1],
    ['its header', 'the header', JAVA_DEFAULT, 6],
    ['a block', 'a block', JAVA_CHECKSUMS, 40],
  ])('is refused when %s is not what was written', (_what, named, frame, at) => {
    const bytes = Buffer.from(frame, 'base64');
    bytes[at < 0 ? bytes.length + at : at]! ^= 1;
    expect(() => decompressLz4(bytes, MOST)).toThrow(
      new RegExp(`${named} of an LZ4 frame does not match its checksum`),
    );
  });

  it('is refused as soon as it is larger than allowed', () => {
    expect(read(JAVA_BLOCKS, 200_000)).toHaveLength(200_000);
    expect(() => read(JAVA_BLOCKS, 199_999)).toThrow(DecodeError);
    expect(() => read(JAVA_STORED, 3)).toThrow(DecodeError);
  });

  it('costs no memory for what it only promises', () => {
    // Its size is 2^62.
    const header = Buffer.from('68700000000000000040', 'hex');
    const checksum = Buffer.from([(xxHash32(header) >>> 8) & 0xff]);
    const frame = Buffer.concat([Buffer.from('04224d18', 'hex'), header, checksum, Buffer.alloc(4)]);
    expect(() => decompressLz4(frame, MOST)).toThrow(/0 bytes and says 4611686018427388000/);
  });
});

describe('a frame of ours', () => {
  it('has the header of lz4-java, with the smallest block that holds the body', () => {
    const [ours, javas] = [compressLz4(Buffer.from(letter())), Buffer.from(JAVA_DEFAULT, 'base64')];
    expect(ours.subarray(0, 5)).toEqual(javas.subarray(0, 5));
    expect(ours[5]).toBe(0x40);
    expect(compressLz4(Buffer.alloc(65_537))[5]).toBe(0x50);
    expect(ours.length).toBeLessThan(javas.length * 1.1);
  });

  it.each([0, 1, 12, 13, 65_535, 65_536, 65_537, 4_194_304, 4_194_305])('of %d bytes is read again', (length) => {
    const body = Buffer.alloc(length, 'abcabcabd');
    expect(decompressLz4(compressLz4(body), 8 * MOST).equals(body)).toBe(true);
  });
});

describe('xxHash32', () => {
  it.each(JAVA_XXHASH32)("of %d bytes is lz4-java's", (length, hash) => {
    expect(xxHash32(Buffer.from(Array.from({ length }, (_, i) => i * 37 + 200)))).toBe(hash);
  });
});
