// Decodes a pull's body, so that one bad message does not keep back the good ones behind it.
import { DecodeError, decodeRecord } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';

export interface PulledMessages {
  readonly readable: MessageExt[];
  /** Messages whose bodies cannot be read, with the bodies as they are stored. */
  readonly unreadable: MessageExt[];
}

/** @throws DecodeError when the body does not consist of message records */
export function decodePulled(body: Buffer): PulledMessages {
  const readable: MessageExt[] = [];
  const unreadable: MessageExt[] = [];
  for (let at = 0; at < body.length;) {
    const message = decodeOne(body, at, readable) ?? decodeRecord(body, at, { inflate: false, checkCrc: false });
    if (readable.at(-1) !== message) unreadable.push(message);
    at += message.storeSize;
  }
  return { readable, unreadable };
}

function decodeOne(body: Buffer, at: number, into: MessageExt[]): MessageExt | undefined {
  try {
    const message = decodeRecord(body, at, undefined, into.at(-1));
    into.push(message);
    return message;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
