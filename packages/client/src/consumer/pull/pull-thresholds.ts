// Says how much of one queue may be held here before its pulling pauses.
import type { ResolvedPushConsumerOptions } from '../options/consumer-options.js';
import type { ProcessQueue } from '../process-queue/process-queue.js';

const MIB = 1024 * 1024;

type Thresholds = Pick<
  ResolvedPushConsumerOptions,
  'pullThresholdForQueue' | 'pullThresholdSizeForQueue' | 'pullThresholdForTopic' | 'pullThresholdSizeForTopic'
>;

/**
 * The limits of one queue as they are now. As in Java, a limit of the topic is divided among all queues that the consumer
 * has, its retry queue among them, whatever topic they are of; each may hold at least one message and one MiB.
 * @param owned how many queues the consumer has
 */
export function thresholdsOf<Options extends Thresholds>(options: Options, owned: number): Options {
  const { pullThresholdForTopic, pullThresholdSizeForTopic } = options;
  const share = (ofTopic: number): number => Math.max(1, Math.floor(ofTopic / owned));
  return {
    ...options,
    ...(owned > 0 && pullThresholdForTopic > 0 && { pullThresholdForQueue: share(pullThresholdForTopic) }),
    ...(owned > 0 && pullThresholdSizeForTopic > 0 && { pullThresholdSizeForQueue: share(pullThresholdSizeForTopic) }),
  };
}

/** Whether as much is held of the queue as may be. The distance of offsets does not matter where order is kept. */
export function isFull(queue: ProcessQueue, options: ResolvedPushConsumerOptions, owned: number): boolean {
  // Most consumers have no limits of a topic: nothing is copied for them.
  const divides = options.pullThresholdForTopic > 0 || options.pullThresholdSizeForTopic > 0;
  const { pullThresholdForQueue, pullThresholdSizeForQueue } = divides ? thresholdsOf(options, owned) : options;
  return (
    queue.count > pullThresholdForQueue ||
    queue.bytes > pullThresholdSizeForQueue * MIB ||
    (queue.span > options.consumeConcurrentlyMaxSpan && options.consumeMode !== 'ORDERLY')
  );
}
