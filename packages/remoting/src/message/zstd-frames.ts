// Checks that ZSTD frames are complete, which Node's decompressor does not: it returns what there is of a cut one
// (https://datatracker.ietf.org/doc/html/rfc8878#section-3).
import { DecodeError } from '../errors.js';

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;

const SINGLE_SEGMENT = 0x20;
const CHECKSUM = 0x04;
const CHECKSUM_BYTES = 4;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
/** By the flag in the frame's header; none with the flag 0, unless the frame is a single segment. */
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
const BLOCK_HEADER_BYTES = 3;
/** A byte that is repeated. */
const RLE_BLOCK = 1;

/** @throws DecodeError when a frame is cut off, or something else follows it */
export function mustBeWholeZstd(source: Buffer): void {
  if (source.length === 0) throw new DecodeError('there is no ZSTD frame');
  let at = 0;
  while (at < source.length) at = endOfFrame(source, at);
}

function endOfFrame(source: Buffer, start: number): number {
  const magic = source.readUInt32LE(within(source, start, 4));
  if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
    const size = source.readUInt32LE(within(source, start + 4, 4));
    return within(source, start + 8, size) + size;
  }
  if (magic !== MAGIC) throw new DecodeError(`there is no ZSTD frame (magic 0x${magic.toString(16)})`);
  const flags = source[within(source, start + 4, 1)]!;
  let at = start + 5 + headerBytes(flags);
  for (let isLast = false; !isLast;) {
    const header = source.readUIntLE(within(source, at, BLOCK_HEADER_BYTES), BLOCK_HEADER_BYTES);
    isLast = (header & 1) !== 0;
    const size = ((header >> 1) & 3) === RLE_BLOCK ? 1 : header >> 3;
    at = within(source, at + BLOCK_HEADER_BYTES, size) + size;
  }
  return (flags & CHECKSUM) === 0 ? at : within(source, at, CHECKSUM_BYTES) + CHECKSUM_BYTES;
}

/** Behind the flags. */
function headerBytes(flags: number): number {
  const isSingle = (flags & SINGLE_SEGMENT) !== 0;
  const contentSize = CONTENT_SIZE_BYTES[flags >> 6]!;
  return (isSingle ? 0 : 1) + DICTIONARY_ID_BYTES[flags & 3]! + (isSingle && contentSize === 0 ? 1 : contentSize);
}

function within(source: Buffer, at: number, bytes: number): number {
  if (at + bytes > source.length) throw new DecodeError('a ZSTD frame is cut off');
  return at;
}
