// Compresses and decompresses message bodies.
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { DecodeError } from '../errors.js';
import { compressLz4, decompressLz4 } from '../lz4/lz4-frame.js';
import { SysFlag, compressionType } from './sys-flag.js';
import { mustBeWholeZstd } from './zstd-frames.js';

/** Largest size of a decompressed body: 64 MiB, 16 times the largest body that a broker takes. */
export const MAX_INFLATED_BYTES = 64 * 1024 * 1024;

/** Most bytes of the decompressed bodies of one answer that are held at a time: 128 MiB, and those of one message more. */
export const MAX_INFLATED_ANSWER_BYTES = 2 * MAX_INFLATED_BYTES;

/** How a body is compressed, under Apache's names. */
export type CompressionType = 'ZLIB' | 'LZ4' | 'ZSTD';

/** What says so in the sysFlag, as Java's clients from 5.0 on set it. Those before know ZLIB only, and read this as ZLIB. */
export const COMPRESSION_FLAGS: Readonly<Record<CompressionType, number>> = {
  ZLIB: SysFlag.COMPRESSED | SysFlag.COMPRESSION_ZLIB,
  LZ4: SysFlag.COMPRESSED | SysFlag.COMPRESSION_LZ4,
  ZSTD: SysFlag.COMPRESSED | SysFlag.COMPRESSION_ZSTD,
};

type Decompress = (body: Buffer, options: { maxOutputLength: number; params?: Record<number, number> }) => Buffer;

/** What `node:zlib` has from Node 22.15 and 23.8 on. */
interface Zstd {
  readonly compress: (body: Buffer, level: number) => Promise<Buffer>;
  readonly decompress: Decompress;
}

/** Whether this version of Node can compress so. */
export function canCompress(type: CompressionType): boolean {
  return type !== 'ZSTD' || zstdOf(zlib) !== undefined;
}

/**
 * @param level of ZLIB, 0 to 9, or of ZSTD, 1 to 22; LZ4 has none
 * @throws DecodeError unless `canCompress`
 */
export async function compressBody(body: Buffer, type: CompressionType, level: number): Promise<Buffer> {
  if (type === 'LZ4') return compressLz4(body);
  if (type === 'ZLIB') return promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.deflate)(body, { level });
  const zstd = zstdOf(zlib);
  if (!zstd) throw noZstd();
  return zstd.compress(body, level);
}

/**
 * @param most bytes that may come out
 * @throws DecodeError when the body is damaged, too large, or compressed in a way that this version of Node does not know
 */
export function inflateBody(body: Buffer, sysFlag: number, most = MAX_INFLATED_BYTES): Buffer {
  const inflate = inflaterOf(compressionType(sysFlag));
  try {
    return inflate(body, most);
  } catch (cause) {
    const isTooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    const reason = isTooLarge ? `it has more than ${most} bytes` : messageOf(cause);
    throw new DecodeError(`a compressed body cannot be inflated: ${reason}`);
  }
}

function inflaterOf(type: number): (body: Buffer, most: number) => Buffer {
  if (type === 0 || type === SysFlag.COMPRESSION_ZLIB)
    return (body, most) => zlib.inflateSync(body, { maxOutputLength: most });
  if (type === SysFlag.COMPRESSION_LZ4) return decompressLz4;
  if (type === SysFlag.COMPRESSION_ZSTD) {
    const zstd = zstdOf(zlib);
    if (!zstd) throw noZstd();
    return (body, most) => {
      mustBeWholeZstd(body);
      return zstd.decompress(body, { maxOutputLength: most });
    };
  }
  throw new DecodeError(`a body is compressed by an unknown type (0x${type.toString(16)})`);
}

function zstdOf(library: object): Zstd | undefined {
  const { constants, zstdCompress, zstdDecompressSync } = library as {
    constants: Record<string, number>;
    zstdCompress?: (body: Buffer, options: object, done: (error: Error | null, result: Buffer) => void) => void;
    zstdDecompressSync?: Decompress;
  };
  const [levelKey, windowKey] = [constants['ZSTD_c_compressionLevel'], constants['ZSTD_d_windowLogMax']];
  if (!zstdCompress || !zstdDecompressSync || levelKey === undefined || windowKey === undefined) return undefined;
  return {
    compress: (body, level) => promisify(zstdCompress)(body, { params: { [levelKey]: level } }),
    decompress: (body, options) =>
      zstdDecompressSync(body, { ...options, params: { [windowKey]: Math.ceil(Math.log2(MAX_INFLATED_BYTES)) } }),
  };
}

function noZstd(): DecodeError {
  return new DecodeError(
    'ZSTD needs Node 22.15 or later: update Node, or let the producer set compressType to ZLIB or LZ4',
  );
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
