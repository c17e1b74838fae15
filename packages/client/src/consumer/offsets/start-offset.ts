// Finds where to begin in a queue that has just become ours: at the group's offset, else by consumeFromWhere.
import { Requests, isRetryTopic } from '@nest-rocketmq/remoting/internal';
import type { Logger, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { answeredField } from '../../routes/answered-field.js';
import type { Brokers } from '../../routes/brokers.js';
import { BrokerNotFoundError } from '../../errors.js';
import type { Routes } from '../../routes/routes.js';
import type { ConsumeFromWhere } from '../options/consumer-options.js';
import { isOfThisStore } from './offset-origin.js';
import type { OffsetStore } from './offset-store.js';
import { queueKey } from '../process-queue/process-queue.js';

const QUEUE_OFFSET_TIMEOUT_MS = 6_000;

export interface StartOffsetParts {
  offsets: OffsetStore;
  routes: Routes;
  brokers: Brokers;
  logger: Logger;
  consumeFromWhere: ConsumeFromWhere;
  /** ms since the epoch, for CONSUME_FROM_TIMESTAMP */
  consumeTimestamp: number;
  /** Whether the group subscribed before the topic existed. */
  isYoung: (topic: string) => boolean;
}

/** @throws when the stored offset cannot be read: a guess would lose or repeat messages */
export async function startOffset(parts: StartOffsetParts, queue: MessageQueue): Promise<number> {
  const stored = await parts.offsets.read(queue);
  if (stored !== undefined && (await belongsToStore(parts, queue, stored))) return stored;
  // All its messages were sent after we had subscribed: none of them is to be skipped.
  if (parts.isYoung(queue.topic)) return 0;
  const isRetry = isRetryTopic(queue.topic);
  switch (parts.consumeFromWhere) {
    case 'CONSUME_FROM_FIRST_OFFSET':
      return 0;
    case 'CONSUME_FROM_LAST_OFFSET':
      // This group has received these messages before, and failed: none of them may be skipped.
      return isRetry ? 0 : queueOffset(parts, queue, 'max');
    case 'CONSUME_FROM_TIMESTAMP':
      return queueOffset(parts, queue, isRetry ? 'max' : 'timestamp');
  }
}

/**
 * Whether the offset belongs to the store that the broker has now. One kept on this machine may belong to a store that no
 * longer exists, and is then discarded; a broker's own do not.
 * @throws when the broker cannot be asked
 */
export async function belongsToStore(
  { offsets, routes, brokers, logger }: Pick<StartOffsetParts, 'offsets' | 'routes' | 'brokers' | 'logger'>,
  queue: MessageQueue,
  offset: number,
): Promise<boolean> {
  if (!offsets.discard) return true;
  const address = routes.brokerAddress(queue.brokerName);
  // A replica may lack the last messages, which says nothing against the offset. It has them from the same store.
  if (!address && routes.anyBrokerAddress(queue.brokerName)) return true;
  if (!address) throw new BrokerNotFoundError(queue.brokerName, queue.topic);
  if (await isOfThisStore(brokers, address, { queue, offset, consumedMessage: offsets.consumedMessage?.(queue) }))
    return true;
  offsets.discard(queue);
  logger.warn(
    `the offset ${offset} of ${queueKey(queue)} was made on another store than broker ${queue.brokerName} has now: ` +
      'the queue begins by consumeFromWhere',
  );
  return false;
}

async function queueOffset(
  { routes, brokers, consumeTimestamp }: StartOffsetParts,
  queue: MessageQueue,
  at: 'max' | 'timestamp',
): Promise<number> {
  // A replica knows it too, while the master is gone.
  const address = routes.anyBrokerAddress(queue.brokerName);
  if (!address) throw new BrokerNotFoundError(queue.brokerName, queue.topic);
  const { topic, queueId, brokerName: bname } = queue;
  const options = { timeout: QUEUE_OFFSET_TIMEOUT_MS };
  const reply =
    at === 'max'
      ? await brokers.request(address, Requests.GET_MAX_OFFSET, { topic, queueId, bname }, options)
      : await brokers.request(
          address,
          Requests.SEARCH_OFFSET_BY_TIMESTAMP,
          { topic, queueId, bname, timestamp: consumeTimestamp, boundaryType: 'LOWER' },
          options,
        );
  return answeredField(reply, 'offset', address);
}
