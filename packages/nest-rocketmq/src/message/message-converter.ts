// Converts between a payload and a message body. JSON by default; strings and bytes pass as they are.
import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import { BIG_INTEGER_POLICIES, parseJson } from './json-decoding.js';
import type { BigIntegerPolicy } from './json-decoding.js';
import { encodeJson } from './json-encoding.js';
import { MessageDecodeError, MessageEncodeError } from '../errors.js';
import { checkKeys, checkOneOf } from '../option-checks.js';

/** What a listener wants to be given: a value read from JSON, the body as text, or the body's bytes. */
export type PayloadKind = 'json' | 'string' | 'buffer';

export const PAYLOAD_KINDS: readonly PayloadKind[] = ['json', 'string', 'buffer'];

/** A body as it goes out, with the properties that tell the other side how to read it. */
export interface EncodedBody {
  body: Uint8Array;
  properties?: Record<string, string>;
}

/** A body as it came in. */
export interface IncomingBody {
  readonly body: Buffer;
  readonly properties: ReadonlyMap<string, string>;
}

/** Replace the default by the module option `messageConverter`. Throw from `decode` for a body you cannot read. */
export interface MessageConverter {
  encode(payload: unknown): EncodedBody;
  decode(message: IncomingBody, kind: PayloadKind): unknown;
}

export interface JsonMessageConverterOptions {
  /**
   * Integers that a number would round, beyond 2^53, such as Java's long ids. 'error': the body is refused; 'string' and
   * 'bigint': the listener is given that; 'number': rounded. With 'bigint', BigInts can be sent too. Default 'error'.
   */
  bigIntegers?: BigIntegerPolicy;
}

/** Spring's header name. rocketmq-spring 2.3.5 marks strings, objects and bytes by it, and does not read it. */
export const CONTENT_TYPE_PROPERTY = 'contentType';
const TEXT_PLAIN = 'text/plain;charset=UTF-8';
const TEXT = /^text\//i;
/** Ours alone: Java producers send JSON as a String of their own making too, with Spring's mark of a string. */
export const PAYLOAD_KIND_PROPERTY = 'payloadKind';
const STRING = 'string';
const BYTES = /^application\/octet-stream/i;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Objects, arrays, numbers, booleans and null travel as JSON; a string as its own text; a Buffer or Uint8Array as it is.
 * What JSON would drop or change (a Promise, a Map, NaN, …) is refused with its path.
 */
export class JsonMessageConverter implements MessageConverter {
  readonly #bigIntegers: BigIntegerPolicy;

  /** @throws InvalidOptionError */
  constructor(options: JsonMessageConverterOptions = {}) {
    checkKeys('JsonMessageConverter', options, ['bigIntegers']);
    const { bigIntegers = 'error' } = options;
    this.#bigIntegers = checkOneOf('JsonMessageConverter.bigIntegers', bigIntegers, BIG_INTEGER_POLICIES);
  }

  /** @throws MessageEncodeError */
  encode(payload: unknown): EncodedBody {
    if (types.isUint8Array(payload)) return { body: notEmpty(payload) };
    if (typeof payload === 'string') {
      const properties = { [CONTENT_TYPE_PROPERTY]: TEXT_PLAIN, [PAYLOAD_KIND_PROPERTY]: STRING };
      return { body: notEmpty(textBytes(payload)), properties };
    }
    return { body: Buffer.from(encodeJson(payload, this.#bigIntegers === 'bigint')) };
  }

  /** @throws MessageDecodeError */
  decode(message: IncomingBody, kind: PayloadKind): unknown {
    if (kind === 'buffer') return message.body;
    if (kind === 'string') return textOf(message.body);
    const contentType = message.properties.get(CONTENT_TYPE_PROPERTY) ?? '';
    if (BYTES.test(contentType)) return message.body;
    const text = textOf(message.body);
    const marked = TEXT.test(contentType);
    if (marked && message.properties.get(PAYLOAD_KIND_PROPERTY) === STRING) return text;
    if (marked && !/^\s*[{[]/.test(text)) return text;
    try {
      return parseJson(text, this.#bigIntegers);
    } catch (cause) {
      if (cause instanceof MessageDecodeError) throw cause;
      if (marked) return text;
      throw new MessageDecodeError(
        `the body (${message.body.length} bytes) is not JSON. For text or bytes set payload: 'string' or 'buffer' ` +
          `on the listener, for another format the module option messageConverter.`,
        { cause },
      );
    }
  }
}

function textBytes(text: string): Buffer {
  if (LONE_SURROGATE.test(text)) {
    throw new MessageEncodeError(
      'the string holds half of a surrogate pair, which UTF-8 cannot carry. Cut strings between characters, or send a Buffer.',
    );
  }
  return Buffer.from(text);
}

/** UTF-8; also UTF-16 where a byte order mark says so. */
function textOf(body: Buffer): string {
  if (body[0] === 0xff && body[1] === 0xfe) return decodeAs('utf-16le', body);
  if (body[0] === 0xfe && body[1] === 0xff) return decodeAs('utf-16be', body);
  if (isUtf8(body)) return body.toString('utf8');
  throw new MessageDecodeError(
    `the body (${body.length} bytes) is not valid UTF-8. For its bytes set payload: 'buffer' on the listener.`,
  );
}

function decodeAs(encoding: string, body: Buffer): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(body);
  } catch (cause) {
    throw new MessageDecodeError(
      `the body (${body.length} bytes) begins with the mark of ${encoding}, but is not. ` +
        `For its bytes set payload: 'buffer' on the listener.`,
      { cause },
    );
  }
}

function notEmpty(body: Uint8Array): Uint8Array {
  if (body.length > 0) return body;
  throw new MessageEncodeError('its body is empty, which RocketMQ refuses. Send null for "nothing".');
}
