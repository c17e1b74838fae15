// Encodes a consumer's state for mqadmin and the dashboard (ConsumerRunningInfo).
import { encodeJson, queueTable, subscriptionJson } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue, SubscriptionData } from '@nest-rocketmq/remoting/internal';
import type { ConsumeStatus } from './consume/consumer-stats.js';
import type { ResolvedPushConsumerOptions } from './options/consumer-options.js';
import type { ProcessQueue } from './process-queue/process-queue.js';
import { thresholdsOf } from './pull/pull-thresholds.js';

export interface RunningInfo {
  nameServers: readonly string[];
  options: ResolvedPushConsumerOptions;
  /** ms since the epoch */
  startedAt: number;
  subscriptions: readonly SubscriptionData[];
  queues: readonly ProcessQueue[];
  offsetOf: (queue: MessageQueue) => number | undefined;
  statusOf: (topic: string) => ConsumeStatus;
  /** When the lock of a queue was last confirmed, ms since the epoch; undefined: it is not locked. */
  lockedAt: (queue: MessageQueue) => number | undefined;
}

export function encodeRunningInfo(info: RunningInfo): Buffer {
  const { options, queues } = info;
  return encodeJson({
    mqPopTable: {},
    mqTable: queueTable(queues.map((queue) => [queue.messageQueue, queueInfo(queue, info)] as const)),
    properties: {
      ...settingsOf(thresholdsOf(options, queues.length)),
      PROP_NAMESERVER_ADDR: info.nameServers.join(';'),
      PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
      PROP_CONSUMEORDERLY: String(options.consumeMode !== 'CONCURRENTLY'),
      PROP_CLIENT_VERSION: 'V5_0_0',
      PROP_CONSUMER_START_TIMESTAMP: String(info.startedAt),
      PROP_THREADPOOL_CORE_SIZE: String(options.consumeConcurrency),
    },
    statusTable: Object.fromEntries(info.subscriptions.map(({ topic }) => [topic, info.statusOf(topic)])),
    subscriptionSet: info.subscriptions.map(subscriptionJson),
    userConsumerInfo: {},
  });
}

/** By the names of Java's own properties, which mqadmin shows as they come. */
function settingsOf(options: ResolvedPushConsumerOptions): Record<string, string> {
  const settings = Object.entries(options).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'number' || typeof value === 'string' ? [[name, String(value)] as const] : [],
  );
  return {
    ...Object.fromEntries(settings),
    consumerGroup: options.group,
    allocateMessageQueueStrategy: options.allocateMessageQueueStrategy.name,
    consumeThreadMin: String(options.consumeConcurrency),
    consumeThreadMax: String(options.consumeConcurrency),
  };
}

function queueInfo(queue: ProcessQueue, info: RunningInfo): object {
  const { min, max } = queue.heldOffsets;
  const lockedAt = info.lockedAt(queue.messageQueue);
  return {
    cachedMsgCount: queue.count,
    cachedMsgMaxOffset: max,
    cachedMsgMinOffset: min,
    cachedMsgSizeInMiB: Math.floor(queue.bytes / (1024 * 1024)),
    commitOffset: info.offsetOf(queue.messageQueue) ?? 0,
    droped: queue.dropped,
    lastConsumeTimestamp: queue.lastConsumeTimestamp,
    lastLockTimestamp: Math.round(lockedAt ?? 0),
    lastPullTimestamp: queue.lastPullTimestamp,
    locked: lockedAt !== undefined,
    transactionMsgCount: 0,
    transactionMsgMaxOffset: 0,
    transactionMsgMinOffset: 0,
    tryUnlockTimes: 0,
  };
}
