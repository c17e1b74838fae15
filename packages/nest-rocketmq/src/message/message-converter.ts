// Converts between payloads and message bodies: JSON by default, strings and bytes as they are.
import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import { BIG_INTEGER_POLICIES, parseJson } from './json-decoding.js';
import type { BigIntegerPolicy } from './json-decoding.js';
import { encodeJson } from './json-encoding.js';
import { MessageDecodeError, MessageEncodeError } from '../errors.js';
import { checkKeys, checkOneOf } from '../option-checks.js';

/** What a listener receives: the parsed JSON, the body as text, or the body's bytes. */
export type PayloadKind = 'json' | 'string' | 'buffer';

export const PAYLOAD_KINDS: readonly PayloadKind[] = ['json', 'string', 'buffer'];

/** An outgoing body, with the properties that tell the other side how to read it. */
export interface EncodedBody {
  /** Not empty: RocketMQ refuses an empty body. */
  body: Uint8Array;
  /** Added to the message's properties; those of the sender win. */
  properties?: Record<string, string>;
}

/** An incoming body with the message's properties. */
export interface IncomingBody {
  readonly body: Buffer;
  readonly properties: ReadonlyMap<string, string>;
}

/** Converts payloads to bodies and back. Set your own as the module option `messageConverter`. */
export interface MessageConverter {
  /** Runs in each send. What it throws rejects the send. */
  encode(payload: unknown): EncodedBody;
  /** Runs before each delivery. If it throws, the message goes to the dead letters at once. */
  decode(message: IncomingBody, kind: PayloadKind): unknown;
}

/** Options of `JsonMessageConverter`. */
export interface JsonMessageConverterOptions {
  /**
   * What to do with integers beyond 2^53, such as Java's long ids, which a number would round. 'error': refuse the body;
   * 'string' or 'bigint': give the listener that type; 'number': round. With 'bigint', BigInts can be sent. Default 'error'.
   */
  bigIntegers?: BigIntegerPolicy;
}

/** Spring's header name. rocketmq-spring 2.3.5 sets it for strings, objects and bytes, and does not read it. */
export const CONTENT_TYPE_PROPERTY = 'contentType';
const TEXT_PLAIN = 'text/plain;charset=UTF-8';
const TEXT = /^text\//i;
/** Our own property: Java producers often send JSON as a String, so Spring's content type does not tell the two apart. */
export const PAYLOAD_KIND_PROPERTY = 'payloadKind';
const STRING = 'string';
const BYTES = /^application\/octet-stream/i;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The default converter. Objects, arrays, numbers, booleans and null become JSON; a string is sent as its text, a Buffer or
 * Uint8Array as it is. What JSON would drop or change (a Promise, a Map, NaN, …) is refused, with its path.
 */
export class JsonMessageConverter implements MessageConverter {
  readonly #bigIntegers: BigIntegerPolicy;

  /** @throws InvalidOptionError for an unknown option or a wrong value */
  constructor(options: JsonMessageConverterOptions = {}) {
    checkKeys('JsonMessageConverter', options, ['bigIntegers']);
    const { bigIntegers = 'error' } = options;
    this.#bigIntegers = checkOneOf('JsonMessageConverter.bigIntegers', bigIntegers, BIG_INTEGER_POLICIES);
  }

  /** @throws MessageEncodeError for what JSON cannot express, and for an empty string or Buffer */
  encode(payload: unknown): EncodedBody {
    if (types.isUint8Array(payload)) return { body: notEmpty(payload) };
    if (typeof payload === 'string') {
      const properties = { [CONTENT_TYPE_PROPERTY]: TEXT_PLAIN, [PAYLOAD_KIND_PROPERTY]: STRING };
      return { body: notEmpty(textBytes(payload)), properties };
    }
    return { body: Buffer.from(encodeJson(payload, this.#bigIntegers === 'bigint')) };
  }

  /** @throws MessageDecodeError for a body that is not JSON, or not UTF-8 */
  decode(message: IncomingBody, kind: PayloadKind): unknown {
    if (kind === 'buffer') return message.body;
    if (kind === 'string') return textOf(message.body);
    const contentType = message.properties.get(CONTENT_TYPE_PROPERTY);
    if (contentType !== undefined && BYTES.test(contentType)) return message.body;
    const text = textOf(message.body);
    const marked = contentType !== undefined && TEXT.test(contentType);
    if (marked && message.properties.get(PAYLOAD_KIND_PROPERTY) === STRING) return text;
    if (marked && !/^\s*[{[]/.test(text)) return text;
    try {
      return parseJson(text, this.#bigIntegers);
    } catch (cause) {
      if (cause instanceof MessageDecodeError) throw cause;
      if (marked) return text;
      throw new MessageDecodeError(
        `the body (${message.body.length} bytes) is not JSON. For text or bytes set payload: 'string' or 'buffer' ` +
          `on the listener; for another format set the module option messageConverter.`,
        { cause },
      );
    }
  }
}

function textBytes(text: string): Buffer {
  if (LONE_SURROGATE.test(text)) {
    throw new MessageEncodeError(
      'the string contains half of a surrogate pair, which UTF-8 cannot express. Cut strings between characters, or send a Buffer.',
    );
  }
  return Buffer.from(text);
}

/** Decodes UTF-8, or UTF-16 if there is a byte order mark. */
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
      `the body (${body.length} bytes) begins with the byte order mark of ${encoding}, but is not valid. ` +
        `For its bytes set payload: 'buffer' on the listener.`,
      { cause },
    );
  }
}

function notEmpty(body: Uint8Array): Uint8Array {
  if (body.length > 0) return body;
  throw new MessageEncodeError('its body would be empty, which RocketMQ refuses. Send null for "nothing".');
}
