// Splits a stream of bytes into frames, within limits, and encodes and decodes whole frames.
import { NO_BODY } from './command.js';
import type { RemotingCommand } from './command.js';
import { FrameError } from '../errors.js';
import { FrameParts } from './frame-parts.js';
import { binaryHeaderLength, decodeBinaryHeader, writeBinaryHeader } from './header-binary.js';
import { decodeJsonHeader, encodeJsonHeader } from './header-json.js';
import { readInt } from './bytes.js';

/** length(4), then serialize type(1) and header length(3) */
export const FRAME_HEAD = 8;

export const JSON_TYPE = 0;
export const BINARY_TYPE = 1;

export interface FrameLimits {
  /** largest frame in bytes, its length field included; default 16 MiB, Apache's com.rocketmq.remoting.frameMaxLength */
  readonly maxFrameBytes: number;
  /** largest header in bytes; default 1 MiB */
  readonly maxHeaderBytes: number;
}

export const defaultFrameLimits: FrameLimits = { maxFrameBytes: 16 * 1024 * 1024, maxHeaderBytes: 1024 * 1024 };

/** Bytes of the length field alone. */
const LENGTH_BYTES = 4;
/** A remainder that is a smaller part of its chunk than this is copied, so that it does not keep the chunk in memory. */
const SMALL_PART = 4;

/** Is told of a whole frame in `bytes`. Returns whether the next one is wanted now. */
export type FrameFound = (bytes: Buffer, start: number, end: number) => boolean;

/** Cuts a stream of chunks into whole frames. A large frame is joined once, when its last byte has arrived. */
export class FrameDecoder {
  readonly #parts = new FrameParts();
  /** bytes of the frame under way, 0 while its length is unknown */
  #need = 0;

  constructor(private readonly limits: FrameLimits = defaultFrameLimits) {}

  /** True while a frame has arrived in part. */
  get partial(): boolean {
    return this.#parts.length > 0;
  }

  /** Bytes kept of frames that are not delivered yet. */
  get held(): number {
    return this.#parts.length;
  }

  /** Bytes of the current frame that are still to come, as far as is known. */
  get missing(): number {
    return Math.max(0, this.#need - this.#parts.length);
  }

  /**
   * Calls `onFrame` with each frame that is complete, its 4 length bytes included, until it returns false; the rest is
   * kept for the next call, which may bring nothing new.
   * @throws FrameError when a length is out of bounds; nothing more can be read from this stream
   */
  push(chunk: Buffer, onFrame: (frame: Buffer) => boolean): void {
    this.find(chunk, (bytes, start, end) => onFrame(bytes.subarray(start, end)));
  }

  /** The same, but tells only where the frame is, which costs no object. */
  find(chunk: Buffer, onFrame: FrameFound): void {
    let data = chunk;
    if (this.#parts.length > 0) {
      this.#parts.add(chunk);
      if (this.#parts.length < (this.#need || LENGTH_BYTES)) return;
      data = this.#parts.take();
    }
    let at = 0;
    while (data.length - at >= FRAME_HEAD) {
      const size = this.#sizeOfFrame(data, at);
      if (data.length - at < size) break;
      at += size;
      if (!onFrame(data, at - size, at)) break;
    }
    this.#keep(data, at);
  }

  /** Drops what was kept. */
  clear(): void {
    this.#parts.clear();
  }

  #sizeOfFrame(data: Buffer, at: number): number {
    const length = this.#length(data, at);
    const headerLength = readInt(data, at + LENGTH_BYTES) & 0xffffff;
    if (headerLength > length - LENGTH_BYTES)
      throw new FrameError(`a frame of ${length} bytes has a header of ${headerLength}`);
    if (headerLength > this.limits.maxHeaderBytes) {
      throw new FrameError(`a header of ${headerLength} bytes exceeds the limit of ${this.limits.maxHeaderBytes}`);
    }
    return length + LENGTH_BYTES;
  }

  /** The length field: how many bytes follow it. */
  #length(data: Buffer, at: number): number {
    const length = readInt(data, at) >>> 0;
    if (length + LENGTH_BYTES > this.limits.maxFrameBytes) {
      throw new FrameError(
        `a frame of ${length + LENGTH_BYTES} bytes exceeds the limit of ${this.limits.maxFrameBytes}`,
      );
    }
    if (length < LENGTH_BYTES) throw new FrameError(`a frame of ${length} bytes is too short for its header`);
    return length;
  }

  #keep(data: Buffer, at: number): void {
    this.#need = 0;
    const rest = data.subarray(at);
    if (rest.length === 0) return;
    this.#parts.add(rest.length * SMALL_PART <= data.length ? Buffer.from(rest) : rest);
    if (rest.length >= FRAME_HEAD) this.#need = this.#sizeOfFrame(rest, 0);
    else if (rest.length < LENGTH_BYTES) return;
    else {
      this.#length(rest, 0);
      this.#need = FRAME_HEAD;
    }
  }
}

/** @param frame one whole frame, its 4 length bytes included */
export function decodeFrame(frame: Buffer): RemotingCommand {
  if (frame.length < FRAME_HEAD) throw new FrameError(`a frame of ${frame.length} bytes is too short`);
  const type = frame[4];
  const headerEnd = FRAME_HEAD + (frame.readUInt32BE(4) & 0xffffff);
  if (headerEnd > frame.length) throw new FrameError('a header is longer than its frame');
  const bytes = frame.subarray(FRAME_HEAD, headerEnd);
  const body = headerEnd === frame.length ? NO_BODY : frame.subarray(headerEnd);
  if (type === JSON_TYPE) return { ...decodeJsonHeader(bytes), body, serializeType: 'json' };
  if (type === BINARY_TYPE) return { ...decodeBinaryHeader(bytes), body, serializeType: 'binary' };
  throw new FrameError(`serialize type ${type} is neither JSON (0) nor ROCKETMQ (1)`);
}

export function encodeFrame(command: RemotingCommand): Buffer {
  const { body } = command;
  if (command.serializeType === 'binary') {
    const length = binaryHeaderLength(command);
    const frame = frameOf(BINARY_TYPE, length, body);
    writeBinaryHeader(command, frame, FRAME_HEAD);
    return frame;
  }
  const header = encodeJsonHeader(command);
  const frame = frameOf(JSON_TYPE, header.length, body);
  header.copy(frame, FRAME_HEAD);
  return frame;
}

/** A frame with its lengths and its body; its header is still to be written. */
function frameOf(type: number, headerLength: number, body: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD + headerLength + body.length);
  frame.writeUInt32BE(LENGTH_BYTES + headerLength + body.length, 0);
  frame.writeUInt32BE((type << 24) | headerLength, LENGTH_BYTES);
  if (body.length > 0) frame.set(body, FRAME_HEAD + headerLength);
  return frame;
}

/**
 * A frame whose body is not copied: its head, then the parts of the body as they were given.
 * @param command without a body
 */
export function encodeFrameInParts(command: RemotingCommand, body: readonly Buffer[]): Buffer[] {
  const head = encodeFrame(command);
  const bytes = body.reduce((sum, part) => sum + part.length, 0);
  head.writeUInt32BE(head.readUInt32BE(0) + bytes, 0);
  return [head, ...body];
}

const CODE_FIRST = Buffer.from('{"code":', 'latin1');

/** The code of a JSON header that begins with its code, as all peers write it; else -1. */
export function leadingCode(frame: Buffer): number {
  let at = FRAME_HEAD;
  for (let index = 0; index < CODE_FIRST.length; index++) if (frame[at++] !== CODE_FIRST[index]) return -1;
  let code = 0;
  let digit = frame[at]! - 48;
  for (; digit >= 0 && digit <= 9; digit = frame[++at]! - 48) code = code * 10 + digit;
  return code;
}
