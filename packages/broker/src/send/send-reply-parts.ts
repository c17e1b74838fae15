// Says what an answer to a send tells, and encodes the parts that all have in common.
import {
  NO_BODY,
  OUR_LANGUAGE,
  OUR_VERSION,
  RESPONSE_FLAG,
  ResponseCode,
  emptyFields,
  encodeFrame,
} from '@nest-rocketmq/remoting/internal';
import type { SerializeType } from '@nest-rocketmq/remoting/internal';

/** Hexadecimal digits of the place in the log at the end of a message id. */
export const OFFSET_DIGITS = 16;

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** The values of an answer to a send. */
export interface SendReply {
  opaque: number;
  serializeType: SerializeType;
  queueId: number;
  queueOffset: number;
  physicalOffset: number;
  /** The message's UNIQ_KEY is the bytes from `idStart` to `idEnd` of this; none where these are the same. */
  idIn: Buffer;
  idStart: number;
  idEnd: number;
  /** Of a message that waits for a time of its own. */
  recallHandle: string | undefined;
}

export interface BinaryParts {
  /** From the frame's start up to the first digit of the offset in msgId. */
  msgId: Buffer;
  queueId: Buffer;
  queueOffset: Buffer;
  transactionId: Buffer;
  recallHandle: Buffer;
  tail: Buffer;
}

/** @param host the store's address and port in hexadecimal, as a message id begins. @param tail fields that are always the same */
export function binaryParts(host: string, tail: Record<string, string>): BinaryParts {
  const empty = encodeFrame({
    code: ResponseCode.SUCCESS,
    language: OUR_LANGUAGE,
    version: OUR_VERSION,
    opaque: 0,
    flag: RESPONSE_FLAG,
    remark: undefined,
    extFields: emptyFields(),
    body: NO_BODY,
    serializeType: 'binary',
  });
  const idLength = Buffer.alloc(4);
  idLength.writeInt32BE(host.length + OFFSET_DIGITS);
  const pairs = Object.entries(tail).flatMap(([name, value]) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value.length);
    return [key(name), length, latin1(value)];
  });
  return {
    msgId: Buffer.concat([empty, key('msgId'), idLength, latin1(host)]),
    queueId: key('queueId'),
    queueOffset: key('queueOffset'),
    transactionId: key('transactionId'),
    recallHandle: key('recallHandle'),
    tail: Buffer.concat(pairs),
  };
}

function key(name: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeInt16BE(name.length);
  return Buffer.concat([length, latin1(name)]);
}

export interface JsonParts extends BinaryParts {
  end: Buffer;
}

/** The same in JSON form. */
export function jsonParts(host: string, tail: Record<string, string>): JsonParts {
  const fields = Object.entries(tail).map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return {
    msgId: latin1(`{"code":0,"extFields":{"msgId":"${host}`),
    queueId: latin1('","queueId":"'),
    queueOffset: latin1('","queueOffset":"'),
    transactionId: latin1('","transactionId":"'),
    recallHandle: latin1('","recallHandle":"'),
    tail: latin1(`"${fields.join('')}},"flag":${RESPONSE_FLAG},"language":"${OUR_LANGUAGE}","opaque":`),
    end: latin1(`,"serializeTypeCurrentRPC":"JSON","version":${OUR_VERSION}}`),
  };
}
