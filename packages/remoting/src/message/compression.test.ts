import { randomBytes } from 'node:crypto';
import * as zlib from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { DecodeError } from '../errors.js';
import { COMPRESSION_FLAGS, MAX_INFLATED_BYTES, canCompress, compressBody, inflateBody } from './compression.js';
import type { CompressionType } from './compression.js';

const hasZstd = 'zstdCompressSync' in zlib;
const TYPES: CompressionType[] = ['ZLIB', 'LZ4', ...(hasZstd ? (['ZSTD'] as const) : [])];

describe.each(TYPES)('compression by %s', (type) => {
  it('is undone, whatever the body', async () => {
    const seed = randomBytes(4).readUInt32BE();
    const bodies = [Buffer.from('x'), Buffer.from('x'.repeat(10_000)), randomBytes(70_000), someText(seed, 300_000)];
    for (const [index, body] of bodies.entries()) {
      const packed = await compressBody(body, type, 5);
      const same = inflateBody(packed, COMPRESSION_FLAGS[type]).equals(body);
      expect({ index, seed, same }).toEqual({ index, seed, same: true });
    }
  });

  it('makes text smaller', async () => {
    const body = someText(1, 100_000);
    expect((await compressBody(body, type, 5)).length).toBeLessThan(body.length * 0.75);
  });

  it('of a body that grows beyond the limit is refused, and takes no more memory than that', async () => {
    const bomb = await compressBody(Buffer.alloc(MAX_INFLATED_BYTES + 1), type, 5);
    expect(bomb.length).toBeLessThan(512 * 1024);
    const before = process.memoryUsage();
    expect(() => inflateBody(bomb, COMPRESSION_FLAGS[type])).toThrow(DecodeError);
    const { arrayBuffers, external } = process.memoryUsage();
    expect(arrayBuffers + external - before.arrayBuffers - before.external).toBeLessThan(4 * MAX_INFLATED_BYTES);
    const small = await compressBody(Buffer.alloc(101), type, 5);
    expect(() => inflateBody(small, COMPRESSION_FLAGS[type], 100)).toThrow(DecodeError);
    expect(inflateBody(small, COMPRESSION_FLAGS[type], 101)).toHaveLength(101);
  });

  it('that is cut off or damaged is refused as such, or comes out whole', async () => {
    const seed = randomBytes(4).readUInt32BE();
    const packed = await compressBody(someText(seed, 5_000), type, 5);
    for (let cut = 0; cut < packed.length; cut += 7) {
      expect(() => inflateBody(packed.subarray(0, cut), COMPRESSION_FLAGS[type])).toThrow(DecodeError);
    }
    for (let at = 0; at < packed.length; at += 5) {
      const damaged = Buffer.from(packed);
      damaged[at]! ^= 1 << (at & 7);
      try {
        inflateBody(damaged, COMPRESSION_FLAGS[type]);
      } catch (error) {
        expect({ seed, at, known: error instanceof DecodeError }).toEqual({ seed, at, known: true });
      }
    }
  });
});

describe('compression by ZSTD', () => {
  it('works where Node has it, and else fails with what to do', async () => {
    expect(canCompress('ZSTD')).toBe(hasZstd);
    // Of zstd 1.5: "hello" in a frame without a checksum.
    const hello = Buffer.from('28b52ffd200529000068656c6c6f', 'hex');
    if (hasZstd) return expect(inflateBody(hello, COMPRESSION_FLAGS.ZSTD).toString()).toBe('hello');
    expect(() => inflateBody(hello, COMPRESSION_FLAGS.ZSTD)).toThrow(/ZSTD needs Node 22.15 or later: update Node/);
    await expect(compressBody(Buffer.from('hello'), 'ZSTD', 5)).rejects.toThrow(/ZSTD needs Node 22.15/);
  });
});

it('a type that nobody knows is refused with its number', () => {
  expect(() => inflateBody(Buffer.from('x'), 0x401)).toThrow(/unknown type \(0x400\)/);
});

/** Words of a small vocabulary, so that there is something to compress. */
function someText(seed: number, length: number): Buffer {
  let state = seed >>> 0;
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  const words = Array.from({ length: 200 }, () => next().toString(36));
  let text = '';
  while (text.length < length) text += `${words[(next() >>> 16) % words.length]!} `;
  return Buffer.from(text.slice(0, length));
}
