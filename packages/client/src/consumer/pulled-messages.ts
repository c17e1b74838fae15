// Decodes a pull's body, so that one bad message does not keep back the good ones behind it.
import { DecodeError, MAX_INFLATED_ANSWER_BYTES, decodeRecord, inflatedBytes } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';

export interface PulledMessages {
  readonly readable: MessageExt[];
  /** Messages whose bodies cannot be read, with the bodies as they are stored. */
  readonly unreadable: MessageExt[];
  /** Why the first of them cannot be read. */
  readonly reason: string;
  /** The queue offset from which on messages are left: their bodies would take too much memory at once. Pull them again. */
  readonly restFrom: number | undefined;
}

/**
 * @param most bytes that decompressed bodies may take before the rest is left
 * @throws DecodeError when the body does not consist of message records
 */
export function decodePulled(body: Buffer, most = MAX_INFLATED_ANSWER_BYTES): PulledMessages {
  const readable: MessageExt[] = [];
  const unreadable: MessageExt[] = [];
  let reason = '';
  const decodeOne = (at: number): MessageExt => {
    try {
      const message = decodeRecord(body, at);
      readable.push(message);
      return message;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      reason ||= error.message;
      const message = decodeRecord(body, at, { inflate: false, checkCrc: false });
      unreadable.push(message);
      return message;
    }
  };
  let inflated = 0;
  for (let at = 0; at < body.length;) {
    if (inflated >= most) {
      const { queueOffset: restFrom } = decodeRecord(body, at, { inflate: false, checkCrc: false });
      return { readable, unreadable, reason, restFrom };
    }
    const message = decodeOne(at);
    inflated += inflatedBytes(message);
    at += message.storeSize;
  }
  return { readable, unreadable, reason, restFrom: undefined };
}
