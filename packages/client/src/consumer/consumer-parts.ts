// Puts the parts of a push consumer together, by its consume mode.
import { MessageProperty } from '@nest-rocketmq/remoting/internal';
import type { ConsumerData, MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import { SkippedReplays } from '../dead-letters/skipped-replays.js';
import { consumeHooks } from './consume/consume-hooks.js';
import { ConsumeConcurrently } from './consume/consume-concurrently.js';
import type { ConsumeParts } from './consume/consume-concurrently.js';
import { ConsumeInOrder } from './consume/consume-in-order.js';
import type { ConsumeService } from './consume/consume-service.js';
import type { ConsumeMode, ResolvedPushConsumerOptions } from './options/consumer-options.js';
import { ConsumerStats } from './consume/consumer-stats.js';
import { GroupCheck } from './subscriptions/group-check.js';
import type { OffsetStore } from './offsets/offset-store.js';
import { offsetStoreOf } from './offsets/offset-stores.js';
import { PauseGate } from './consume/pause-gate.js';
import type { ProcessQueue } from './process-queue/process-queue.js';
import { PullLoop } from './pull/pull-loop.js';
import type { PullLoopParts } from './pull/pull-loop.js';
import { QueueLocks } from './rebalance/queue-locks.js';
import { Rebalance } from './rebalance/rebalance.js';
import { SendBack } from './consume/send-back.js';
import { belongsToStore, startOffset } from './offsets/start-offset.js';
import type { Subscriptions } from './subscriptions/subscriptions.js';

const DEFAULT_TIMESTAMP_BACK_MS = 30 * 60_000;
/** Deliveries after the first, where the option is -1: Apache's two defaults. */
const DEFAULT_MAX_RECONSUME_TIMES: Record<ConsumeMode, number> = {
  CONCURRENTLY: 16,
  ORDERLY: 0x7fffffff,
  KEY_ORDERED: 16,
};

export interface ConsumerParts {
  readonly offsets: OffsetStore;
  readonly pauseGate: PauseGate;
  readonly stats: ConsumerStats;
  readonly consume: ConsumeService;
  readonly rebalance: Rebalance;
  readonly pulls: PullLoop;
  /** Where order is kept, and the group shares its messages. */
  readonly locks: QueueLocks | undefined;
  /** Whether the queue is this consumer's at this moment. */
  readonly isHeld: (queue: ProcessQueue) => boolean;
}

export interface AssemblyOptions {
  context: ClientContext;
  options: ResolvedPushConsumerOptions;
  subscriptions: Subscriptions;
  /** What this consumer tells brokers. */
  own: () => ConsumerData;
  /** The broker does not have our offset any more. */
  offsetMoved: (queue: ProcessQueue, offset: number) => Promise<void>;
}

export function assembleConsumer(assembly: AssemblyOptions): ConsumerParts {
  const { context, options } = assembly;
  const { group, consumeMode, messageModel } = options;
  const offsets = offsetStoreOf(context, options);
  const pauseGate = new PauseGate();
  const stats = new ConsumerStats(context.clock);
  const locks =
    consumeMode === 'CONCURRENTLY' || messageModel === 'BROADCASTING'
      ? undefined
      : new QueueLocks({
          context,
          group,
          owned: () => rebalance.owned,
          lost: (queue, lapsed) => {
            context.logger.warn(
              `${group} has lost the lock of a queue of ${queue.messageQueue.topic}, and asks for it`,
            );
            rebalance.lost(queue, lapsed);
          },
        });
  const isHeld = (queue: ProcessQueue): boolean => {
    if (!locks || locks.holds(queue.messageQueue)) return true;
    rebalance.lost(queue, true);
    return false;
  };
  const maxReconsumeTimes =
    options.maxReconsumeTimes < 0 ? DEFAULT_MAX_RECONSUME_TIMES[consumeMode] : options.maxReconsumeTimes;
  const sendBack = new SendBack(context, group, maxReconsumeTimes, consumeHooks(context, options));
  const skipped = new SkippedReplays(context.kvConfig);
  const parts = { context, options, offsets, sendBack, stats, skipped, pauseGate };
  const consume = consumeServiceOf(parts, maxReconsumeTimes, isHeld);
  const pulls = pullLoopOf(
    assembly,
    { offsets, pauseGate, stats, consume, isHeld },
    {
      owned: () => rebalance.count,
      beginAnew: (queue) => {
        rebalance.drop(queue);
        rebalance.request();
      },
    },
  );
  const rebalance = rebalanceOf(assembly, { offsets, pulls, locks });
  return { offsets, pauseGate, stats, consume, pulls, rebalance, locks, isHeld };
}

function consumeServiceOf(
  parts: ConsumeParts,
  maxReconsumeTimes: number,
  isHeld: (queue: ProcessQueue) => boolean,
): ConsumeService {
  switch (parts.options.consumeMode) {
    case 'CONCURRENTLY':
      return new ConsumeConcurrently(parts);
    case 'ORDERLY':
      return new ConsumeInOrder({ ...parts, maxReconsumeTimes, isHeld, laneOf: () => '' });
    case 'KEY_ORDERED':
      return new ConsumeInOrder({ ...parts, maxReconsumeTimes, isHeld, laneOf: shardingKeyOf });
  }
}

/** Messages without a sharding key count as those of one key: nothing says that they may overtake each other. */
function shardingKeyOf(message: MessageExt): string {
  return message.properties.get(MessageProperty.SHARDING_KEY) ?? '';
}

function pullLoopOf(
  { context, options, subscriptions, offsetMoved }: AssemblyOptions,
  { consume, ...parts }: Pick<ConsumerParts, 'offsets' | 'pauseGate' | 'stats' | 'consume' | 'isHeld'>,
  { owned, beginAnew }: Pick<PullLoopParts, 'owned' | 'beginAnew'>,
): PullLoop {
  return new PullLoop({
    ...parts,
    context,
    options,
    subscriptionOf: (topic) => subscriptions.get(topic),
    owned,
    deliver: (queue, messages) => consume.submit(queue, messages),
    reject: (queue, messages, reason) => consume.reject(queue, messages, reason),
    offsetMoved,
    belongsToStore: async (queue) => {
      const offset = parts.offsets.current(queue);
      return offset === undefined || belongsToStore({ ...context, offsets: parts.offsets }, queue, offset);
    },
    beginAnew,
  });
}

function rebalanceOf(
  { context, options, subscriptions, own }: AssemblyOptions,
  { offsets, pulls, locks }: Pick<ConsumerParts, 'offsets' | 'pulls' | 'locks'>,
): Rebalance {
  const { routes, brokers, clock, logger } = context;
  const { consumeFromWhere } = options;
  const consumeTimestamp = options.consumeTimestamp ?? clock.now() - DEFAULT_TIMESTAMP_BACK_MS;
  const isYoung = (topic: string): boolean => subscriptions.isYoung(topic);
  const check = new GroupCheck({ context, own });
  return new Rebalance({
    context,
    group: options.group,
    messageModel: options.messageModel,
    strategy: options.allocateMessageQueueStrategy,
    topics: () => subscriptions.topics,
    offsets,
    startOffset: (queue) =>
      startOffset({ offsets, routes, brokers, logger, consumeFromWhere, consumeTimestamp, isYoung }, queue),
    takesOver: true,
    ...(options.messageQueueListener && { divided: options.messageQueueListener }),
    membersSeen: (address, clientIds) => check.look(address, clientIds),
    begin: (queue, offset) => void pulls.run(queue, offset),
    ...(locks && { locks }),
  });
}
