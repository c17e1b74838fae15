// Checks that offsets kept on this machine belong to the store that a broker has now. A broker that was set up anew has
// other messages at the same offsets, and a consumer would skip them unnoticed.
import { DecodeError, Requests, ResponseCode, decodeRecord } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import { answeredField } from '../../routes/answered-field.js';
import type { Brokers } from '../../routes/brokers.js';
import type { ConsumedMessage } from './offset-store.js';

const TIMEOUT_MS = 6_000;

export interface KeptOffset {
  readonly queue: MessageQueue;
  readonly offset: number;
  /** A message of this queue that was consumed. */
  readonly consumedMessage: ConsumedMessage | undefined;
}

/** @throws when the broker cannot be asked */
export async function isOfThisStore(brokers: Brokers, address: string, kept: KeptOffset): Promise<boolean> {
  const { queue, offset, consumedMessage } = kept;
  const { topic, queueId, brokerName: bname } = queue;
  const ask = { topic, queueId, bname };
  const max = await brokers.request(address, Requests.GET_MAX_OFFSET, ask, { timeout: TIMEOUT_MS });
  if (offset > answeredField(max, 'offset', address)) return false;
  if (!consumedMessage) return true;
  const min = await brokers.request(address, Requests.GET_MIN_OFFSET, ask, { timeout: TIMEOUT_MS });
  // The broker has deleted that message with its file: the offset may well be right.
  if (consumedMessage.queueOffset < answeredField(min, 'offset', address)) return true;
  const view = { topic, offset: consumedMessage.physicalOffset, bname };
  const found = await brokers.request(address, Requests.VIEW_MESSAGE_BY_ID, view, { timeout: TIMEOUT_MS });
  return found.code === ResponseCode.SUCCESS && isConsumedMessage(found.body, queue, consumedMessage);
}

function isConsumedMessage(body: Buffer, { topic, queueId }: MessageQueue, consumedMessage: ConsumedMessage): boolean {
  try {
    const message = decodeRecord(Buffer.from(body), 0, { inflate: false, checkCrc: false });
    return (
      message.topic === topic &&
      message.queueId === queueId &&
      message.queueOffset === consumedMessage.queueOffset &&
      message.storeTimestamp === consumedMessage.storeTimestamp
    );
  } catch (error) {
    if (error instanceof DecodeError) return false;
    throw error;
  }
}
