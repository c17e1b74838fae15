// Compresses and decompresses LZ4 frames (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md), which Apache's
// clients send as LZ4FrameOutputStream of lz4-java writes them.
import { DecodeError } from '../errors.js';
import { compressBlock, decompressBlock } from './lz4-block.js';
import { xxHash32 } from './xxhash32.js';

const MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;

const Flag = {
  VERSION: 0x40,
  VERSION_MASK: 0xc0,
  BLOCK_INDEPENDENCE: 0x20,
  BLOCK_CHECKSUM: 0x10,
  CONTENT_SIZE: 0x08,
  CONTENT_CHECKSUM: 0x04,
  DICTIONARY: 0x01,
} as const;

/** Largest block by the number that names it in the frame, bytes. */
const BLOCK_BYTES = new Map([
  [4, 64 * 1024],
  [5, 256 * 1024],
  [6, 1024 * 1024],
  [7, 4 * 1024 * 1024],
]);
const LARGEST_BLOCK = 7;
const STORED_BLOCK = 0x80000000;
/** Magic, flags, block size and checksum; a size for each block; the end mark. */
const FRAME_BYTES = 7 + 4;
const BLOCK_HEADER_BYTES = 4;

/** One frame with independent blocks and without checksums of the content, as lz4-java's. */
export function compressLz4(body: Buffer): Buffer {
  const [name, blockBytes] = [...BLOCK_BYTES].find(([, bytes]) => bytes >= body.length) ?? [
    LARGEST_BLOCK,
    BLOCK_BYTES.get(LARGEST_BLOCK)!,
  ];
  const blocks = Math.ceil(body.length / blockBytes);
  const frame = Buffer.allocUnsafe(FRAME_BYTES + body.length + blocks * BLOCK_HEADER_BYTES);
  let at = frame.writeUInt32LE(MAGIC, 0);
  at = frame.writeUInt8(Flag.VERSION | Flag.BLOCK_INDEPENDENCE, at);
  at = frame.writeUInt8(name << 4, at);
  at = frame.writeUInt8(headerChecksum(frame.subarray(4, at)), at);
  for (let start = 0; start < body.length; start += blockBytes) {
    const block = body.subarray(start, start + blockBytes);
    const length = compressBlock(block, frame.subarray(at + BLOCK_HEADER_BYTES));
    if (length < 0) block.copy(frame, at + BLOCK_HEADER_BYTES);
    frame.writeUInt32LE(length < 0 ? block.length + STORED_BLOCK : length, at);
    at += BLOCK_HEADER_BYTES + (length < 0 ? block.length : length);
  }
  at = frame.writeUInt32LE(0, at);
  return frame.subarray(0, at);
}

/**
 * Decompresses frames that follow each other.
 * @param most bytes that may come out
 * @throws DecodeError when they are damaged, or larger
 */
export function decompressLz4(source: Buffer, most: number): Buffer {
  const reader = new FrameReader(source, new Output(Math.min(most, source.length * 4), most));
  if (source.length === 0) throw new DecodeError('there is no LZ4 frame');
  while (!reader.atEnd) reader.readFrame();
  return reader.output.bytes;
}

/** Grows as blocks come, so that a frame that promises much costs nothing. */
class Output {
  #bytes: Buffer;
  length = 0;

  constructor(
    capacity: number,
    private readonly most: number,
  ) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  /** Makes room behind what is there. @returns where it ends */
  reserve(bytes: number): number {
    const end = Math.min(this.length + bytes, this.most);
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.most, Math.max(end, 2 * this.#bytes.length)));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    return end;
  }

  get whole(): Buffer {
    return this.#bytes;
  }
}

interface FrameHeader {
  readonly flags: number;
  readonly blockBytes: number;
  readonly contentSize: number | undefined;
}

class FrameReader {
  #at = 0;

  constructor(
    private readonly source: Buffer,
    readonly output: Output,
  ) {}

  get atEnd(): boolean {
    return this.#at === this.source.length;
  }

  readFrame(): void {
    const magic = this.#take(4).readUInt32LE();
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      this.#take(this.#take(4).readUInt32LE());
      return;
    }
    if (magic !== MAGIC) throw new DecodeError(`there is no LZ4 frame (magic 0x${magic.toString(16)})`);
    const header = this.#header();
    const start = this.output.length;
    for (let size = this.#word(); size !== 0; size = this.#word()) this.#block(size, header, start);
    const content = this.output.bytes.subarray(start);
    if ((header.flags & Flag.CONTENT_CHECKSUM) !== 0) this.#verify(content, 'the content');
    if (header.contentSize !== undefined && header.contentSize !== content.length) {
      throw new DecodeError(`an LZ4 frame has ${content.length} bytes and says ${header.contentSize}`);
    }
  }

  #header(): FrameHeader {
    const start = this.#at;
    const flags = this.#take(1)[0]!;
    const blockBytes = BLOCK_BYTES.get((this.#take(1)[0]! >> 4) & 7);
    if ((flags & Flag.VERSION_MASK) !== Flag.VERSION || blockBytes === undefined) {
      throw new DecodeError('an LZ4 frame is of an unknown version or block size');
    }
    const contentSize = (flags & Flag.CONTENT_SIZE) === 0 ? undefined : Number(this.#take(8).readBigUInt64LE());
    if ((flags & Flag.DICTIONARY) !== 0) throw new DecodeError('an LZ4 frame needs a dictionary, which is not there');
    const checksum = headerChecksum(this.source.subarray(start, this.#at));
    if (this.#take(1)[0] !== checksum) throw new DecodeError('the header of an LZ4 frame does not match its checksum');
    return { flags, blockBytes, contentSize };
  }

  #block(size: number, { flags, blockBytes }: FrameHeader, frameStart: number): void {
    const isStored = size >= STORED_BLOCK;
    const bytes = this.#take(isStored ? size - STORED_BLOCK : size);
    if ((flags & Flag.BLOCK_CHECKSUM) !== 0) this.#verify(bytes, 'a block');
    const { output } = this;
    const start = output.length;
    const end = output.reserve(blockBytes);
    if (isStored) {
      if (start + bytes.length > end) throw new DecodeError('an LZ4 block is longer than it may be');
      output.length += bytes.copy(output.whole, start);
      return;
    }
    const floor = (flags & Flag.BLOCK_INDEPENDENCE) === 0 ? frameStart : start;
    output.length = decompressBlock(bytes, { bytes: output.whole, start, end, floor });
  }

  #verify(bytes: Buffer, what: string): void {
    if (this.#word() === xxHash32(bytes)) return;
    throw new DecodeError(`${what} of an LZ4 frame does not match its checksum`);
  }

  #word(): number {
    return this.#take(4).readUInt32LE();
  }

  #take(count: number): Buffer {
    const start = this.#at;
    if (count > this.source.length - start) throw new DecodeError('an LZ4 frame is cut off');
    this.#at += count;
    return this.source.subarray(start, this.#at);
  }
}

function headerChecksum(descriptor: Buffer): number {
  return (xxHash32(descriptor) >>> 8) & 0xff;
}
