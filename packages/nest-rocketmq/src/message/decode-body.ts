// Decodes a message's body with the app's converter, and tells its own errors from those of a converter that fails.
import { MessageDecodeError } from '../errors.js';
import type { IncomingBody, MessageConverter, PayloadKind } from './message-converter.js';

/** @throws MessageDecodeError */
export function decodeBody(converter: MessageConverter, message: IncomingBody, kind: PayloadKind): unknown {
  try {
    return converter.decode(message, kind);
  } catch (cause) {
    if (cause instanceof MessageDecodeError) throw cause;
    throw new MessageDecodeError(`the message converter failed: ${String(cause)}`, { cause });
  }
}
