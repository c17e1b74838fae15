// Reads from an answer's bytes which frame it answers, and whether with success.
import { BINARY_TYPE, FRAME_HEAD, ResponseCode } from '@nest-rocketmq/remoting/internal';

/** Of a frame: 0 for a JSON header, 1 for a binary one. */
const HEADER_TYPE_AT = 4;
/** In a binary header: code, two bytes; language, one; version, two; opaque, four. */
const BINARY_CODE_AT = FRAME_HEAD;
const BINARY_OPAQUE_AT = FRAME_HEAD + 5;
const OPAQUE_KEY = Buffer.from('"opaque":');
const ZERO = 0x30;

const isBinary = (answer: Buffer): boolean => answer[HEADER_TYPE_AT] === BINARY_TYPE;

/** Apache answers with a JSON header, whatever it was asked with. */
export function isFailure(answer: Buffer): boolean {
  if (isBinary(answer)) return answer.readInt16BE(BINARY_CODE_AT) !== ResponseCode.SUCCESS;
  return !answer.includes('"code":0,');
}

export function opaqueOf(answer: Buffer): number {
  if (isBinary(answer)) return answer.readInt32BE(BINARY_OPAQUE_AT);
  const key = answer.indexOf(OPAQUE_KEY);
  if (key < 0) throw new Error(`an answer has no opaque: ${answer.toString('latin1', FRAME_HEAD)}`);
  let opaque = 0;
  for (let at = key + OPAQUE_KEY.length; answer[at]! >= ZERO && answer[at]! <= ZERO + 9; at++)
    opaque = opaque * 10 + answer[at]! - ZERO;
  return opaque;
}
