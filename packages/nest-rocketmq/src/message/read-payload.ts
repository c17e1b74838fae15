// Reads the payload of a message for a listener: decodes it, validates it and makes it an instance of the listener's class.
import { MessageDecodeError } from '../errors.js';
import { decodeBody } from './decode-body.js';
import type { IncomingBody, MessageConverter, PayloadKind } from './message-converter.js';
import { validate } from './standard-schema.js';
import type { StandardSchema } from './standard-schema.js';

/** How the payload of a listener is read, apart from the module's converter. */
export interface PayloadReading {
  readonly kind: PayloadKind;
  /** Default: the module's. */
  readonly converter?: MessageConverter | undefined;
  readonly schema?: StandardSchema | undefined;
  /** Makes an instance of the listener's class. */
  readonly toInstance?: ((plain: unknown) => unknown) | undefined;
}

/** @returns a promise only if the schema validates asynchronously @throws MessageDecodeError or MessageValidationError */
export function readPayload(
  converter: MessageConverter,
  message: IncomingBody & { readonly topic: string },
  { kind, converter: own, schema, toInstance }: PayloadReading,
): unknown {
  const decoded = decodeBody(own ?? converter, message, kind);
  const value = schema ? validate(schema, decoded, `the payload of topic ${message.topic}`) : decoded;
  if (!toInstance) return value;
  const instance = (plain: unknown): unknown => instantiated(toInstance, plain);
  return value instanceof Promise ? value.then(instance) : instance(value);
}

function instantiated(toInstance: (plain: unknown) => unknown, plain: unknown): unknown {
  try {
    return toInstance(plain);
  } catch (cause) {
    throw new MessageDecodeError(`no instance of the listener's class can be made of it: ${String(cause)}`, { cause });
  }
}
