// Computes CRC-32. Few bytes take a loop over tables, eight bytes a step: a call of zlib needs a view of them, which costs
// more than it saves up to some hundred bytes, and leaves garbage.
import { crc32 } from 'node:zlib';

const POLYNOMIAL = 0xedb88320;
/** Bytes from which zlib is faster. */
const MANY = 384;
const STEP = 8;

/** For a byte that stands 0 to 7 bytes before the end of a step. */
const [AT_0, AT_1, AT_2, AT_3, AT_4, AT_5, AT_6, AT_7] = tables();

type Tables = [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];

function tables(): Tables {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    return crc;
  });
  const all = [first];
  for (let distance = 1; distance < STEP; distance++)
    all.push(all[distance - 1]!.map((crc) => first[crc & 0xff]! ^ (crc >>> 8)));
  return all as Tables;
}

/**
 * The CRC-32 of the bytes from `start` to `end`, as zlib's.
 * @param before the CRC of what stands before them
 */
export function crc32Of(bytes: Buffer, start: number, end: number, before = 0): number {
  if (end - start >= MANY) return crc32(bytes.subarray(start, end), before);
  let crc = ~before;
  let at = start;
  for (const last = end - STEP; at <= last; at += STEP) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      AT_7[crc & 0xff]! ^
      AT_6[(crc >>> 8) & 0xff]! ^
      AT_5[(crc >>> 16) & 0xff]! ^
      AT_4[crc >>> 24]! ^
      AT_3[bytes[at + 4]!]! ^
      AT_2[bytes[at + 5]!]! ^
      AT_1[bytes[at + 6]!]! ^
      AT_0[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = AT_0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
