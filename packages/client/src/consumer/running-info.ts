// Owns what a consumer says of itself to mqadmin and the dashboard (ConsumerRunningInfo).
import { encodeJson, queueTable, subscriptionJson } from '@nest-rocketmq/remoting';
import type { MessageQueue, SubscriptionData } from '@nest-rocketmq/remoting';
import type { ResolvedPushConsumerOptions } from './consumer-options.js';
import type { ProcessQueue } from './process-queue.js';

export interface RunningInfo {
  nameServers: readonly string[];
  options: ResolvedPushConsumerOptions;
  /** ms since the epoch */
  startedAt: number;
  subscriptions: readonly SubscriptionData[];
  queues: readonly ProcessQueue[];
  offsetOf: (queue: MessageQueue) => number | undefined;
}

export function encodeRunningInfo(info: RunningInfo): Buffer {
  const { options, queues } = info;
  const settings = Object.entries(options).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'number' || typeof value === 'string' ? [[name, String(value)]] : [],
  );
  return encodeJson({
    mqPopTable: {},
    mqTable: queueTable(queues.map((queue) => [queue.messageQueue, queueInfo(queue, info)] as const)),
    properties: {
      ...Object.fromEntries(settings),
      PROP_NAMESERVER_ADDR: info.nameServers.join(';'),
      PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
      PROP_CONSUME_ORDERLY: 'false',
      PROP_CLIENT_VERSION: 'V5_0_0',
      PROP_CONSUMER_START_TIMESTAMP: String(info.startedAt),
      PROP_THREADPOOL_CORE_SIZE: String(options.consumeConcurrency),
    },
    statusTable: Object.fromEntries(info.subscriptions.map(({ topic }) => [topic, NO_FIGURES])),
    subscriptionSet: info.subscriptions.map(subscriptionJson),
    userConsumerInfo: {},
  });
}

/** Rates are not measured here yet. */
const NO_FIGURES = {
  consumeFailedMsgs: 0,
  consumeFailedTPS: 0,
  consumeOKTPS: 0,
  consumeRT: 0,
  pullRT: 0,
  pullTPS: 0,
};

function queueInfo(queue: ProcessQueue, info: RunningInfo): object {
  return {
    cachedMsgCount: queue.count,
    cachedMsgMaxOffset: 0,
    cachedMsgMinOffset: 0,
    cachedMsgSizeInMiB: Math.floor(queue.bytes / (1024 * 1024)),
    commitOffset: info.offsetOf(queue.messageQueue) ?? 0,
    droped: queue.dropped,
    lastConsumeTimestamp: 0,
    lastLockTimestamp: 0,
    lastPullTimestamp: 0,
    locked: false,
    transactionMsgCount: 0,
    transactionMsgMaxOffset: 0,
    transactionMsgMinOffset: 0,
    tryUnlockTimes: 0,
  };
}
