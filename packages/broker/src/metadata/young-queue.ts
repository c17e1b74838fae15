// Tells whether a queue is so young that a new group begins at its first message.
import { totalmem } from 'node:os';
import type { MessageStore } from '../store/store.js';

/** A queue is young while its first message is within this share of the machine's memory, counted in bytes of log. */
const ACCESS_MESSAGE_IN_MEMORY_RATIO = 0.4;

/** As Apache has it where it would look whether the message is still in memory. @returns bytes */
export const youngBytes = (): number => totalmem() * ACCESS_MESSAGE_IN_MEMORY_RATIO;

/** @param most bytes from its first message to the end of the log */
export async function isYoung(store: MessageStore, topic: string, queueId: number, most: number): Promise<boolean> {
  if (store.minOffset(topic, queueId) > 0) return false;
  const first = await store.readConsumeQueue(topic, queueId, 0);
  return !first || store.metrics.committedOffset - first.physicalOffset <= most;
}
