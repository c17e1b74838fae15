// Answers a send with prepared bytes, in which only the opaque changes.
import {
  BINARY_TYPE,
  emptyFields,
  encodeFrame,
  FRAME_HEAD,
  NO_BODY,
  OUR_VERSION,
  RESPONSE_FLAG,
  ResponseCode,
  type SerializeType,
} from '@nest-rocketmq/remoting/internal';

/** Of a frame: 0 for a JSON header, 1 for a binary one. */
const HEADER_TYPE_AT = 4;
/** In a binary header: code, two bytes; language, one; version, two; opaque, four. */
const BINARY_OPAQUE_AT = FRAME_HEAD + 5;
/** Fits into the ten digits that a JSON answer has room for. */
const PLACEHOLDER = 2_000_000_000;
const OPAQUE_KEY = Buffer.from('"opaque":');

function answerWith(serializeType: SerializeType): Buffer {
  return encodeFrame({
    code: ResponseCode.SUCCESS,
    language: 'JAVA',
    version: OUR_VERSION,
    opaque: PLACEHOLDER,
    flag: RESPONSE_FLAG,
    remark: undefined,
    extFields: Object.assign(emptyFields(), {
      msgId: '7F00000100002A9F0000000000000000',
      queueId: '0',
      queueOffset: '0',
    }),
    body: NO_BODY,
    serializeType,
  });
}

const binaryAnswer = answerWith('binary');
const jsonAnswer = answerWith('json');
const jsonOpaqueAt = jsonAnswer.indexOf(OPAQUE_KEY) + OPAQUE_KEY.length;
const JSON_DIGITS = String(PLACEHOLDER).length;

/** Bytes of the longest answer. */
export const ANSWER_ROOM = Math.max(binaryAnswer.length, jsonAnswer.length);

const isBinary = (frames: Buffer, at: number): boolean => frames[at + HEADER_TYPE_AT] === BINARY_TYPE;

/** The request code of the frame at this place. JSON headers begin with it, as all peers write them. */
export function codeOf(frames: Buffer, at: number): number {
  if (isBinary(frames, at)) return frames.readInt16BE(at + FRAME_HEAD);
  return Number.parseInt(frames.toString('latin1', at + FRAME_HEAD + '{"code":'.length, at + FRAME_HEAD + 20), 10);
}

function jsonOpaque(frames: Buffer, at: number): number {
  const from = frames.indexOf(OPAQUE_KEY, at) + OPAQUE_KEY.length;
  return Number.parseInt(frames.toString('latin1', from, from + JSON_DIGITS), 10);
}

/** Writes the answer to the send at this place, and returns where it ends. */
export function writeAnswer(frames: Buffer, at: number, answers: Buffer, to: number): number {
  if (isBinary(frames, at)) {
    binaryAnswer.copy(answers, to);
    frames.copy(answers, to + BINARY_OPAQUE_AT, at + BINARY_OPAQUE_AT, at + BINARY_OPAQUE_AT + 4);
    return to + binaryAnswer.length;
  }
  jsonAnswer.copy(answers, to);
  // JSON allows blanks before a number.
  answers.write(String(jsonOpaque(frames, at)).padStart(JSON_DIGITS), to + jsonOpaqueAt, 'latin1');
  return to + jsonAnswer.length;
}
