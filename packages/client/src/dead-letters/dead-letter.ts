// Represents a dead letter to whoever looks after a group: what it was, why it is here, and since when.
import { MessageProperty } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { Namespace } from '../config/namespace.js';
import { DLQ_REASON, DLQ_REPLAY_ID } from './properties.js';

/** A message that a group has given up. */
export interface DeadLetter {
  /** Its offsetMsgId: where it is among the dead letters. `DeadLetters.get` takes it. */
  readonly id: string;
  /** The id that its producer gave. */
  readonly msgId: string;
  /** The topic that it was sent to. */
  readonly topic: string;
  readonly tags: string | undefined;
  readonly keys: readonly string[];
  /** Why it is here, if a listener has said so; undefined: it has failed too often, or by Java's client. */
  readonly reason: string | undefined;
  /** How often it was delivered, and failed. */
  readonly deliveries: number;
  /** When it was sent, ms since the epoch. */
  readonly bornTimestamp: number;
  /** When it became a dead letter, ms since the epoch. */
  readonly deadSince: number;
  /** The replay by which it was delivered again, and failed again; undefined: it was not. */
  readonly replayId: string | undefined;
  /** The message as it is stored. */
  readonly message: MessageExt;
}

/** @param names of the namespace: the letter has those of the application */
export function toDeadLetter(message: MessageExt, names: Namespace): DeadLetter {
  const { properties, msgId, offsetMsgId, reconsumeTimes, bornTimestamp, storeTimestamp } = message;
  const keys = properties.get(MessageProperty.KEYS) ?? '';
  return {
    id: offsetMsgId,
    msgId,
    topic: names.strip(originOf(message)),
    tags: properties.get(MessageProperty.TAGS),
    keys: keys.split(' ').filter((key) => key !== ''),
    reason: properties.get(DLQ_REASON),
    deliveries: reconsumeTimes,
    bornTimestamp,
    deadSince: storeTimestamp,
    replayId: properties.get(DLQ_REPLAY_ID),
    message: names.stripMessage(message),
  };
}

function originOf({ properties, topic }: MessageExt): string {
  return properties.get(MessageProperty.RETRY_TOPIC) ?? properties.get(MessageProperty.DLQ_ORIGIN_TOPIC) ?? topic;
}
