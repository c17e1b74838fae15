// Compresses and decompresses one LZ4 block (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md).
import { DecodeError } from '../errors.js';

const SHORTEST_MATCH = 4;
/** The last bytes of a block are literals. */
const LAST_LITERALS = 5;
/** No match begins within so many bytes of the block's end. */
const NO_MATCH_BEFORE_END = 12;
const LONGEST_OFFSET = 0xffff;
/** A length of this in the token goes on in the bytes behind it. */
const LENGTH_GOES_ON = 15;
const HASH_BITS = 14;
/** After so many bytes without a match, the search takes longer steps: what cannot be compressed costs little. */
const SKIP_SHIFT = 6;

/**
 * Writes the block for `source` into `target`.
 * @returns its length in bytes; -1 when it would not be shorter than the source
 */
export function compressBlock(source: Buffer, target: Buffer): number {
  const writer = new SequenceWriter(source, target);
  const lastStart = source.length - NO_MATCH_BEFORE_END;
  const lastMatchByte = source.length - LAST_LITERALS;
  // Each place plus 1, so that 0 means none.
  const places = new Int32Array(1 << HASH_BITS);
  let at = 0;
  let tries = 1 << SKIP_SHIFT;
  while (at <= lastStart) {
    const word = source.readInt32LE(at);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    const candidate = places[slot]! - 1;
    places[slot] = at + 1;
    if (candidate < 0 || at - candidate > LONGEST_OFFSET || source.readInt32LE(candidate) !== word) {
      at += tries++ >> SKIP_SHIFT;
      continue;
    }
    let end = at + SHORTEST_MATCH;
    while (end < lastMatchByte && source[end] === source[candidate + (end - at)]) end++;
    if (!writer.match(at, at - candidate, end - at)) return -1;
    at = end;
    tries = 1 << SKIP_SHIFT;
  }
  return writer.finish();
}

/** Writes literals and matches as LZ4's sequences. */
class SequenceWriter {
  #at = 0;
  /** Where the literals begin that are not written yet. */
  #literals = 0;

  constructor(
    private readonly source: Buffer,
    private readonly target: Buffer,
  ) {}

  /** @returns false when the block becomes as long as its source */
  match(start: number, offset: number, length: number): boolean {
    const count = start - this.#literals;
    const most = 1 + lengthBytes(count) + count + 2 + lengthBytes(length - SHORTEST_MATCH);
    if (this.#at + most >= this.source.length) return false;
    this.#literalsOf(count, length - SHORTEST_MATCH);
    this.#at = this.target.writeUInt16LE(offset, this.#at);
    this.#length(length - SHORTEST_MATCH);
    this.#literals = start + length;
    return true;
  }

  finish(): number {
    const count = this.source.length - this.#literals;
    if (this.#at + 1 + lengthBytes(count) + count >= this.source.length) return -1;
    this.#literalsOf(count, 0);
    return this.#at;
  }

  #literalsOf(count: number, matchLength: number): void {
    const [first, second] = [Math.min(count, LENGTH_GOES_ON), Math.min(matchLength, LENGTH_GOES_ON)];
    this.target[this.#at++] = (first << 4) | second;
    this.#length(count);
    this.#at += this.source.copy(this.target, this.#at, this.#literals, this.#literals + count);
  }

  #length(length: number): void {
    if (length < LENGTH_GOES_ON) return;
    let left = length - LENGTH_GOES_ON;
    for (; left >= 255; left -= 255) this.target[this.#at++] = 255;
    this.target[this.#at++] = left;
  }
}

function lengthBytes(length: number): number {
  return length < LENGTH_GOES_ON ? 0 : 1 + Math.floor((length - LENGTH_GOES_ON) / 255);
}

/** Where a block is decompressed to. */
export interface BlockTarget {
  readonly bytes: Buffer;
  /** Where the block begins. */
  readonly start: number;
  /** Where it has to end at the latest. */
  readonly end: number;
  /** How far back its matches may reach: its own start, or that of the frame. */
  readonly floor: number;
}

/** @returns where it ends in the target. @throws DecodeError when it is damaged, or does not fit */
export function decompressBlock(source: Buffer, { bytes, start, end, floor }: BlockTarget): number {
  let from = 0;
  let to = start;
  const lengthOf = (inToken: number): number => {
    let length = inToken;
    for (let more = inToken === LENGTH_GOES_ON ? 255 : 0; more === 255; length += more) {
      more = byteAt(source, from++);
      // A run of 255s says nothing that the rest of the block could hold.
      if (length > end - start) throw tooLong();
    }
    return length;
  };
  for (;;) {
    const token = byteAt(source, from++);
    const literals = lengthOf(token >> 4);
    if (from + literals > source.length) throw new DecodeError('an LZ4 block is cut off');
    if (to + literals > end) throw tooLong();
    source.copy(bytes, to, from, from + literals);
    from += literals;
    to += literals;
    if (from === source.length) return to;
    if (from + 2 > source.length) throw new DecodeError('an LZ4 block is cut off');
    const offset = source.readUInt16LE(from);
    from += 2;
    const length = lengthOf(token & LENGTH_GOES_ON) + SHORTEST_MATCH;
    if (offset === 0 || to - offset < floor) throw new DecodeError('an LZ4 block refers to what is not there');
    if (to + length > end) throw tooLong();
    copyMatch(bytes, to, offset, length);
    to += length;
  }
}

/** The match may overlap with what it makes: then it repeats. */
function copyMatch(bytes: Buffer, to: number, offset: number, length: number): void {
  for (let done = 0; done < length;) {
    const count = Math.min(offset + done, length - done);
    bytes.copyWithin(to + done, to - offset, to - offset + count);
    done += count;
  }
}

function byteAt(source: Buffer, at: number): number {
  const byte = source[at];
  if (byte === undefined) throw new DecodeError('an LZ4 block is cut off');
  return byte;
}

function tooLong(): DecodeError {
  return new DecodeError('an LZ4 block is longer than it may be');
}
