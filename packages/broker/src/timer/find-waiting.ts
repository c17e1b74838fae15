// Finds the message that a recall means: among those that wait, by its unique key, topic and time.
import { DecodeError, MessageProperty, TIMER_TOPIC, decodeRecord } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { timerDueOf } from '../store/consumequeue/timer-due.js';
import { yieldToEventLoop } from '../store/files/yield-to-event-loop.js';
import type { MessageStore } from '../store/store.js';
import type { PendingTimers, Timer } from './pending-timers.js';

const SECOND = 1_000;
/** Messages with that key that the index may name. */
const MOST_OF_ONE_KEY = 64;
/** Messages of the same second that are read where there is no index. */
const MOST_SEARCHED = 10_000;

export interface Recall {
  topic: string;
  uniqKey: string;
  /** The second at whose end the message is due, as in Apache's timer wheel. */
  slot: number;
}

/** The slot of Apache's timer wheel that a message is in; it is delivered when the slot is over. */
export const slotOf = (due: number): number => Math.floor((due - 1) / SECOND);

/** The recall that a message with TIMER_DEL_UNIQKEY stands for. Apache may put the topic before the key. */
export function recallOf(due: number, properties: ReadonlyMap<string, string>): Recall {
  const topic = properties.get(MessageProperty.REAL_TOPIC) ?? '';
  const key = properties.get(MessageProperty.TIMER_DEL_UNIQKEY) ?? '';
  const uniqKey = key.startsWith(`${topic}+`) ? key.slice(topic.length + 1) : key;
  return { topic, uniqKey, slot: slotOf(due) };
}

/** @param recall of which `pending.recallsFull` allows one more */
export function findWaiting(store: MessageStore, pending: PendingTimers, recall: Recall): Promise<Timer | undefined> {
  return pending.whileLooking(() => find(store, pending, recall));
}

async function find(store: MessageStore, pending: PendingTimers, recall: Recall): Promise<Timer | undefined> {
  const { records } = await store.queryByKey(TIMER_TOPIC, recall.uniqKey, MOST_OF_ONE_KEY, 0, Number.MAX_SAFE_INTEGER);
  for (const record of records) {
    const timer = timerIn(record, recall);
    if (timer && pending.isWaiting(timer)) return timer;
  }
  return store.isIndexed ? undefined : pending.search(() => findInSlot(store, pending, recall));
}

async function findInSlot(store: MessageStore, pending: PendingTimers, recall: Recall): Promise<Timer | undefined> {
  const pause = yieldToEventLoop();
  const begin = recall.slot * SECOND;
  for (const { position, size } of await pending.dueBetween(begin + 1, begin + SECOND, MOST_SEARCHED)) {
    await pause();
    const record = await store.readRecord(position, size);
    const timer = record && timerIn(record, recall);
    if (timer && pending.isWaiting(timer)) return timer;
  }
  return undefined;
}

/** The message in a record, if it is the one that is meant. */
function timerIn(record: Buffer, { topic, uniqKey, slot }: Recall): Timer | undefined {
  const message = decoded(record);
  if (message?.topic !== TIMER_TOPIC) return undefined;
  const { properties, storeTimestamp, physicalOffset: position, storeSize: size } = message;
  const due = timerDueOf(properties, storeTimestamp);
  const isMeant =
    due !== undefined &&
    slotOf(due) === slot &&
    properties.get(MessageProperty.UNIQ_KEY) === uniqKey &&
    properties.get(MessageProperty.REAL_TOPIC) === topic &&
    !properties.has(MessageProperty.TIMER_DEL_UNIQKEY);
  return isMeant ? { due, position, size } : undefined;
}

function decoded(record: Buffer): MessageExt | undefined {
  try {
    return decodeRecord(record, 0, { inflate: false });
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
