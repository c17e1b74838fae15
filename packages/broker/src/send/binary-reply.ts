// Writes the answer to a send in binary form. Most answers have the layout of the one before: then its bytes are copied, and
// only the values are written.
import { FRAME_HEAD, copyBytes, writeInt } from '@nest-rocketmq/remoting/internal';
import { OFFSET_DIGITS } from './send-reply-parts.js';
import type { BinaryParts, SendReply } from './send-reply-parts.js';

const OPAQUE_AT = FRAME_HEAD + 5;
const FIELDS_LENGTH_AT = FRAME_HEAD + 17;
const HEX = Buffer.from('0123456789ABCDEF', 'latin1');
const ZERO = 48;
const INT_MAX = 0x7fffffff;
const TWO_32 = 0x1_0000_0000;

export class BinaryReply {
  /** Memory of the last answer; undefined where its bytes must not be copied. */
  #memory: Buffer | undefined;
  #start = 0;
  #length = 0;
  /** Digits of the numbers, and bytes of the id, of the last answer. */
  #queueIdDigits = 0;
  #queueOffsetDigits = 0;
  #idLength = 0;
  /** Where the values stand, from the start of the answer. */
  #queueIdAt = 0;
  #queueOffsetAt = 0;
  #idAt = 0;

  constructor(private readonly parts: BinaryParts) {}

  /** Writes the answer at `start`, where there is room. Returns where it ends. */
  write(memory: Buffer, start: number, reply: SendReply): number {
    const queueIdDigits = digitsOf(reply.queueId);
    const queueOffsetDigits = digitsOf(reply.queueOffset);
    const idLength = reply.idEnd - reply.idStart;
    if (
      memory === this.#memory &&
      queueIdDigits === this.#queueIdDigits &&
      queueOffsetDigits === this.#queueOffsetDigits &&
      idLength === this.#idLength &&
      reply.recallHandle === undefined
    ) {
      memory.copyWithin(start, this.#start, this.#start + this.#length);
    } else {
      this.#queueIdDigits = queueIdDigits;
      this.#queueOffsetDigits = queueOffsetDigits;
      this.#idLength = idLength;
      this.#writeLayout(memory, start, reply.recallHandle);
    }
    this.#start = start;
    writeInt(memory, reply.opaque, start + OPAQUE_AT);
    writeOffset(memory, reply.physicalOffset, start + this.parts.msgId.length);
    writeDecimal(memory, reply.queueId, start + this.#queueIdAt + queueIdDigits);
    writeDecimal(memory, reply.queueOffset, start + this.#queueOffsetAt + queueOffsetDigits);
    copyBytes(reply.idIn, reply.idStart, reply.idEnd, memory, start + this.#idAt);
    return start + this.#length;
  }

  /** To be called before the memory of the last answer is written to: the next one must not copy it. */
  forget(): void {
    this.#memory = undefined;
  }

  /** Everything but the values. */
  #writeLayout(memory: Buffer, start: number, recallHandle: string | undefined): void {
    const { msgId, queueId, queueOffset, transactionId, recallHandle: handleKey, tail } = this.parts;
    let at = put(memory, msgId, start) + OFFSET_DIGITS;
    at = putKey(memory, queueId, this.#queueIdDigits, at);
    this.#queueIdAt = at - start;
    at = putKey(memory, queueOffset, this.#queueOffsetDigits, at + this.#queueIdDigits);
    this.#queueOffsetAt = at - start;
    at += this.#queueOffsetDigits;
    if (this.#idLength > 0) at = putKey(memory, transactionId, this.#idLength, at);
    this.#idAt = at - start;
    at += this.#idLength;
    if (recallHandle !== undefined) {
      at = putKey(memory, handleKey, recallHandle.length, at);
      at += memory.write(recallHandle, at, 'latin1');
    }
    at = put(memory, tail, at);
    // A handle is rare, and not patched.
    this.#memory = recallHandle === undefined ? memory : undefined;
    this.#length = at - start;
    writeInt(memory, at - start - 4, start);
    writeInt(memory, (1 << 24) | (at - start - FRAME_HEAD), start + 4);
    writeInt(memory, at - start - FIELDS_LENGTH_AT - 4, start + FIELDS_LENGTH_AT);
  }
}

function put(memory: Buffer, bytes: Buffer, at: number): number {
  memory.set(bytes, at);
  return at + bytes.length;
}

/** A name, and the length of its value. Returns where the value begins. */
function putKey(memory: Buffer, key: Buffer, length: number, at: number): number {
  const end = put(memory, key, at);
  writeInt(memory, length, end);
  return end + 4;
}

/** How many digits a whole number that is not negative has. */
export function digitsOf(value: number): number {
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  return digits;
}

/** Writes a whole number that is not negative before `end`. */
export function writeDecimal(memory: Buffer, value: number, end: number): void {
  let at = end;
  let rest = value;
  while (rest > INT_MAX) {
    const tens = Math.floor(rest / 10);
    memory[--at] = ZERO + (rest - tens * 10);
    rest = tens;
  }
  let small = rest | 0;
  do {
    const tens = (small / 10) | 0;
    memory[--at] = ZERO + small - tens * 10;
    small = tens;
  } while (small > 0);
}

/** Writes a position in the log as sixteen digits. */
export function writeOffset(memory: Buffer, value: number, at: number): void {
  writeHex(memory, Math.floor(value / TWO_32), at);
  writeHex(memory, value, at + OFFSET_DIGITS / 2);
}

/** The low 32 bits as eight digits. */
export function writeHex(memory: Buffer, value: number, at: number): void {
  for (let digit = 0, shift = 28; digit < 8; digit++, shift -= 4) memory[at + digit] = HEX[(value >>> shift) & 15]!;
}
