// Describes the messages that come in to whoever observes them: a test.
import { SCHEDULE_TOPIC, SysFlag, TIMER_TOPIC, decodeProperties, inflateBody } from '@nest-rocketmq/remoting/internal';
import type { AppendResult, MessageInner } from '../store/store.js';

/** A message that was stored: a send, a committed half, a retry or a dead letter. */
export interface StoredMessage {
  /** Its own topic, also while it waits for its time. */
  readonly topic: string;
  readonly properties: ReadonlyMap<string, string>;
  /** Inflated. */
  readonly body: Buffer;
  readonly bornTimestamp: number;
  readonly storeTimestamp: number;
  readonly reconsumeTimes: number;
  /** When it is to be delivered, ms since the epoch. */
  readonly due: number;
}

export type MessageObserver = (message: StoredMessage) => void;

/** Stores a message, and tells the observer what it was before the broker changed it on its way. */
export function observed(message: MessageInner, observer: MessageObserver, store: () => AppendResult): AppendResult {
  const { topic, bornTimestamp, reconsumeTimes, sysFlag } = message;
  const properties = decodeProperties(message.properties.toString('utf8'));
  const copy = Buffer.from(message.body);
  const result = store();
  if (result.status !== 'PUT_OK') return result;
  const { storeTimestamp } = result;
  const body = (sysFlag & SysFlag.COMPRESSED) === 0 ? copy : inflateBody(copy, sysFlag);
  const due = dueOf(message, storeTimestamp);
  observer({ topic, properties, body, bornTimestamp, storeTimestamp, reconsumeTimes, due });
  return result;
}

function dueOf(message: MessageInner, storeTimestamp: number): number {
  if (message.topic === TIMER_TOPIC) return Math.abs(message.tagsCode);
  return storeTimestamp + (message.topic === SCHEDULE_TOPIC ? (message.deliverDelayMs ?? 0) : 0);
}
