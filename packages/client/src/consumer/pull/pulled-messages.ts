// Makes messages of a pull's answer: decodes each, leaves out those with another tag, and adds what only the answer tells.
import {
  DecodeError,
  MAX_INFLATED_ANSWER_BYTES,
  MessageProperty,
  Neighbours,
  decodeRecord,
  inflatedBytes,
  isDLQTopic,
} from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue, Reply, Requests, SubscriptionData } from '@nest-rocketmq/remoting/internal';
import { accepts } from '../subscriptions/subscription.js';

export interface PulledMessages {
  readonly readable: MessageExt[];
  /** Messages whose bodies cannot be read, with the bodies as they are stored. */
  readonly unreadable: MessageExt[];
  /** Why the first of them cannot be read. */
  readonly reason: string;
  /** The queue offset from which on messages are left: their bodies would take too much memory at once. Pull them again. */
  readonly restFrom: number | undefined;
}

/** Both pulls have the same answer. */
type PullReply = Pick<Reply<typeof Requests.PULL_MESSAGE>, 'header' | 'body'>;

/**
 * The messages of a pull of this queue that has found some. One bad message does not keep back the good ones behind it.
 * @param subscription undefined: all are wanted
 * @returns also how many messages the broker sent
 * @throws DecodeError when the body does not consist of message records
 */
export function pulledMessages(
  { header, body }: PullReply,
  { brokerName }: MessageQueue,
  subscription: SubscriptionData | undefined,
): PulledMessages & { readonly sent: number } {
  const { minOffset = 0, maxOffset = 0 } = header;
  const { readable: all, unreadable, ...rest } = decodePulled(ownBytes(body));
  const wantsAll = !subscription || subscription.tagsSet.length === 0;
  const readable = wantsAll
    ? all
    : all.filter(({ properties }) => accepts(subscription, properties.get(MessageProperty.TAGS)));
  const answered = { brokerName, min: String(minOffset), max: String(maxOffset) };
  for (const message of readable) complete(message, answered);
  for (const message of unreadable) complete(message, answered);
  return { ...rest, readable, unreadable, sent: all.length + unreadable.length };
}

/** The messages outlive the buffer of the socket, and are copied unless they are most of it. */
function ownBytes(body: Buffer): Buffer {
  return body.length * 2 >= body.buffer.byteLength ? body : Buffer.from(body);
}

/** What all messages of an answer have. */
interface Answered {
  readonly brokerName: string;
  readonly min: string;
  readonly max: string;
}

function complete(message: MessageExt, { brokerName, min, max }: Answered): void {
  message.brokerName = brokerName;
  message.properties.set(MessageProperty.MIN_OFFSET, min);
  message.properties.set(MessageProperty.MAX_OFFSET, max);
  // A dead letter is a message of its own: how often it failed as another one is no count of its own.
  if (isDLQTopic(message.topic)) message.reconsumeTimes = 0;
}

/**
 * @param most bytes that decompressed bodies may take before the rest is left
 * @throws DecodeError when the body does not consist of message records
 */
export function decodePulled(body: Buffer, most = MAX_INFLATED_ANSWER_BYTES): PulledMessages {
  const readable: MessageExt[] = [];
  const unreadable: MessageExt[] = [];
  const neighbours = new Neighbours();
  let reason = '';
  const decodeOne = (at: number): MessageExt => {
    try {
      const message = decodeRecord(body, at, undefined, neighbours);
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
