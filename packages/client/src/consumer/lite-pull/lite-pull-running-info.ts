// Tells mqadmin and the dashboard what a consumer that pulls is doing (ConsumerRunningInfo).
import { encodeJson, queueTable, subscriptionJson } from '@nest-rocketmq/remoting/internal';
import type { SubscriptionData } from '@nest-rocketmq/remoting/internal';
import type { ResolvedLitePullOptions } from './lite-pull-options.js';
import type { LitePullQueue } from './lite-pull-queue.js';

const MIB = 1024 * 1024;

export interface LitePullRunningInfo {
  nameServers: readonly string[];
  options: ResolvedLitePullOptions;
  /** ms since the epoch */
  startedAt: number;
  subscriptions: readonly SubscriptionData[];
  queues: readonly LitePullQueue[];
}

export function encodeLitePullRunningInfo(info: LitePullRunningInfo): Buffer {
  const settings = Object.entries(info.options).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[name, String(value)]] : [],
  );
  return encodeJson({
    mqPopTable: {},
    mqTable: queueTable(info.queues.map((queue) => [queue.messageQueue, queueInfo(queue)] as const)),
    properties: {
      ...Object.fromEntries(settings),
      PROP_NAMESERVER_ADDR: info.nameServers.join(';'),
      PROP_CONSUME_TYPE: 'CONSUME_ACTIVELY',
      PROP_CONSUMEORDERLY: 'false',
      PROP_CLIENT_VERSION: 'V5_0_0',
      PROP_CONSUMER_START_TIMESTAMP: String(info.startedAt),
      PROP_THREADPOOL_CORE_SIZE: '0',
    },
    statusTable: {},
    subscriptionSet: info.subscriptions.map(subscriptionJson),
    userConsumerInfo: {},
  });
}

function queueInfo(queue: LitePullQueue): object {
  return {
    cachedMsgCount: queue.count,
    cachedMsgMaxOffset: queue.count > 0 ? (queue.pulledTo ?? 0) - 1 : 0,
    cachedMsgMinOffset: queue.count > 0 ? (queue.position ?? 0) : 0,
    cachedMsgSizeInMiB: Math.floor(queue.bytes / MIB),
    commitOffset: queue.committed ?? 0,
    droped: queue.dropped,
    lastConsumeTimestamp: 0,
    lastLockTimestamp: 0,
    lastPullTimestamp: queue.lastPullTimestamp,
    locked: false,
    transactionMsgCount: 0,
    transactionMsgMaxOffset: 0,
    transactionMsgMinOffset: 0,
    tryUnlockTimes: 0,
  };
}
