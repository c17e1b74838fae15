// Has a consumer go on from other offsets with queues that it owns.
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ConsumerParts } from './consumer-parts.js';
import type { QueueOffset } from '../groups/group-registry.js';
import type { ProcessQueue } from './process-queue/process-queue.js';

type Parts = Pick<ConsumerParts, 'rebalance' | 'offsets'>;

/** Queues of others are left alone. */
export async function resetOffsets(parts: Parts, offsets: readonly QueueOffset[]): Promise<void> {
  for (const { queue, offset } of offsets) {
    const owned = parts.rebalance.owned.find(
      ({ messageQueue: { topic, brokerName, queueId } }) =>
        topic === queue.topic && brokerName === queue.brokerName && queueId === queue.queueId,
    );
    parts.rebalance.forgetPlace(queue);
    if (owned) await beginAgain(parts, owned, offset);
  }
  parts.rebalance.request();
}

/** Goes on behind all that is there. @param end where the next message of a queue will stand */
export async function skipToEnd(parts: Parts, end: (queue: MessageQueue) => number): Promise<void> {
  const behind = parts.rebalance.owned
    .map(({ messageQueue: queue }) => ({ queue, offset: end(queue) }))
    .filter(({ queue, offset }) => (parts.offsets.current(queue) ?? offset) < offset);
  if (behind.length > 0) await resetOffsets(parts, behind);
}

/** The queue is the consumer's still, but is to continue from another offset. */
export async function beginAgain({ rebalance, offsets }: Parts, queue: ProcessQueue, offset: number): Promise<void> {
  rebalance.dropToBeginAgain(queue);
  offsets.reset(queue.messageQueue, offset);
  await offsets.persist([queue.messageQueue], true);
}
