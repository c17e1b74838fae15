// Takes a known number of messages from what an app polls. A poll may give fewer than it asks for, and must not take more than
// the test means to: what it takes is not there for the test's next step.
import type { ReceivedMessage } from 'nest-rocketmq';
import { PATIENCE_MS } from './nest-harness.js';

/** On a cluster a new group gets its queues after some seconds. */
export const WAIT = { timeout: PATIENCE_MS };

/** The next `count` messages. @param poll is given how many are left to take */
export async function take<T>(
  count: number,
  poll: (left: number) => Promise<ReceivedMessage<T>[]>,
): Promise<ReceivedMessage<T>[]> {
  const all: ReceivedMessage<T>[] = [];
  while (all.length < count) {
    const messages = await poll(count - all.length);
    if (messages.length === 0) throw new Error(`only ${all.length} of ${count} came`);
    all.push(...messages);
  }
  return all;
}

/** As `take`, but their payloads alone. */
export async function takePayloads<T>(
  count: number,
  poll: (left: number) => Promise<ReceivedMessage<T>[]>,
): Promise<T[]> {
  return (await take(count, poll)).map(({ payload }) => payload);
}
