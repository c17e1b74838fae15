// Makes the message by which a dead letter is delivered to its group once more.
import { MessageProperty, retryTopic } from '@nest-rocketmq/remoting/internal';
import { compressed } from '../producer/send/outgoing.js';
import { sysFlagOfCopy } from '../producer/send/copy-flags.js';
import type { PreparedMessage } from '../producer/send/outgoing.js';
import type { DeadLetter } from './dead-letter.js';
import { DLQ_REASON, DLQ_REPLAY_ID, DLQ_REPLAY_OF, OF_ONE_DELIVERY } from './properties.js';

/** A producer's defaults. */
const COMPRESSION = { compressMsgBodyOverHowmuch: 4_096, compressType: 'ZLIB', compressLevel: 5 } as const;
const NOT_REPLAYED = new Set<string>([
  ...OF_ONE_DELIVERY,
  DLQ_REASON,
  MessageProperty.DLQ_ORIGIN_TOPIC,
  MessageProperty.DLQ_ORIGIN_MESSAGE_ID,
  MessageProperty.RECONSUME_TIME,
  MessageProperty.MAX_RECONSUME_TIMES,
  MessageProperty.WAIT,
]);

export interface ReplayOptions {
  group: string;
  replayId: string;
  /** 'group': through the group's retry topic, so that no other group gets it; 'topic': to the topic that it was sent to. */
  to: 'group' | 'topic';
  /** ms since the epoch */
  now: number;
}

export function replayOf(
  { id, topic, message }: DeadLetter,
  { group, replayId, to, now }: ReplayOptions,
): PreparedMessage | Promise<PreparedMessage> {
  const properties = new Map([...message.properties].filter(([name]) => !NOT_REPLAYED.has(name)));
  properties.set(DLQ_REPLAY_ID, replayId);
  properties.set(DLQ_REPLAY_OF, id);
  if (to === 'topic') {
    properties.delete(MessageProperty.RETRY_TOPIC);
    properties.delete(MessageProperty.ORIGIN_MESSAGE_ID);
  } else properties.set(MessageProperty.RETRY_TOPIC, topic);
  const copy = {
    topic: to === 'topic' ? topic : retryTopic(group),
    body: message.body,
    properties,
    flag: message.flag,
    sysFlag: sysFlagOfCopy(message.sysFlag),
    bornTimestamp: now,
    msgId: message.msgId,
    batch: false,
    reconsumeTimes: 0,
  };
  return compressed(copy, COMPRESSION);
}
