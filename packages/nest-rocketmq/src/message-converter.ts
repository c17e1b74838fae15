// Owns the step between a payload and a message body. JSON by default; text and bytes pass as they are.
import { MessageDecodeError, MessageEncodeError } from './errors.js';

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

/** Spring's header name, so that a rocketmq-spring peer sees what it knows. */
export const CONTENT_TYPE_PROPERTY = 'contentType';
const TEXT_PLAIN = 'text/plain';

/**
 * Objects, numbers, booleans, arrays and null travel as JSON; a string as its own text, marked `text/plain`; a Buffer or
 * Uint8Array as it is. A body that is neither JSON nor marked as text is refused with MessageDecodeError.
 */
export class JsonMessageConverter implements MessageConverter {
  encode(payload: unknown): EncodedBody {
    if (payload instanceof Uint8Array) return { body: notEmpty(payload) };
    if (typeof payload === 'string') {
      return { body: notEmpty(Buffer.from(payload)), properties: { [CONTENT_TYPE_PROPERTY]: TEXT_PLAIN } };
    }
    return { body: Buffer.from(toJson(payload)) };
  }

  decode(message: IncomingBody, kind: PayloadKind): unknown {
    if (kind === 'buffer') return message.body;
    const text = message.body.toString('utf8');
    if (kind === 'string') return text;
    // rocketmq-spring marks everything text/plain, also the JSON of an object, so the mark alone does not mean a string.
    const marked = message.properties.get(CONTENT_TYPE_PROPERTY)?.startsWith(TEXT_PLAIN) === true;
    if (marked && !/^\s*[{[]/.test(text)) return text;
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      if (marked) return text;
      throw new MessageDecodeError(
        `the body (${message.body.length} bytes) is not JSON. For text or bytes set payload: 'string' or 'buffer' ` +
          `on the listener, for another format the module option messageConverter.`,
        { cause },
      );
    }
  }
}

function toJson(payload: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(payload);
  } catch (cause) {
    throw new MessageEncodeError(`JSON.stringify says: ${String(cause)}`, { cause });
  }
  if (json === undefined)
    throw new MessageEncodeError(`${typeof payload} has no JSON form. Send an object, a string or a Buffer.`);
  return json;
}

function notEmpty(body: Uint8Array): Uint8Array {
  if (body.length === 0)
    throw new MessageEncodeError('its body is empty, which RocketMQ refuses. Send null for "nothing".');
  return body;
}
