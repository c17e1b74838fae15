// Compresses and decompresses message bodies.
import * as zlib from 'node:zlib';
import { DecodeError } from '../errors.js';
import { SysFlag, compressionType } from './sys-flag.js';

/** Largest size of a decompressed body: 64 MiB, 16 times the largest body that a broker takes. */
export const MAX_INFLATED_BYTES = 64 * 1024 * 1024;

/** Apache's level, so that bodies are as small as those of its own producers. */
const ZLIB_LEVEL = 5;

/** What `compressBody` sets in the sysFlag. */
export const COMPRESSED_ZLIB = SysFlag.COMPRESSED | SysFlag.COMPRESSION_ZLIB;

export function compressBody(body: Uint8Array): Buffer {
  return zlib.deflateSync(body, { level: ZLIB_LEVEL });
}

type Inflate = (body: Buffer, options: { maxOutputLength: number }) => Buffer;

/** @throws DecodeError when the body is damaged, too large, or compressed in a way that this version of Node does not know */
export function inflateBody(body: Buffer, sysFlag: number): Buffer {
  const type = compressionType(sysFlag);
  const inflate = inflaterOf(type);
  try {
    return inflate(body, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch (cause) {
    throw new DecodeError(
      `a compressed body cannot be inflated: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
}

function inflaterOf(type: number): Inflate {
  if (type === 0 || type === SysFlag.COMPRESSION_ZLIB) return zlib.inflateSync;
  if (type === SysFlag.COMPRESSION_ZSTD) {
    const zstd = (zlib as { zstdDecompressSync?: Inflate }).zstdDecompressSync;
    if (zstd) return zstd;
    throw new DecodeError(
      'a body is compressed by ZSTD, which Node has from version 22.15 on: update Node, or let the producer use ZLIB',
    );
  }
  throw new DecodeError(
    type === SysFlag.COMPRESSION_LZ4
      ? 'a body is compressed by LZ4, which Node does not have: let the producer use ZLIB'
      : `a body is compressed by an unknown type (0x${type.toString(16)})`,
  );
}
