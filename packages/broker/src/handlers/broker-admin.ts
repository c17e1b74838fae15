// Owns the answers about the broker itself, and the questions that it hands on to a consumer.
import {
  Requests,
  ResponseCode,
  decodeOffsetMsgId,
  decodeRecords,
  encodeJson,
  printable,
} from '@nest-rocketmq/remoting';
import type { Answer, Clock, Handlers } from '@nest-rocketmq/remoting';
import type { ClientInfo, Clients } from '../clients.js';
import type { BrokerStats } from '../stats.js';
import type { MessageStore } from '../store/store.js';

/** How long a consumer may take to answer what is handed on to it, ms. */
const CLIENT_TIMEOUT_MS = 10_000;
/** Apache's MQVersion of this name: tools show it. */
const BROKER_VERSION_DESC = 'V5_0_0';
const BROKER_VERSION = 413;

export interface BrokerAdminDeps {
  store: MessageStore;
  clients: Clients;
  stats: BrokerStats;
  clock: Clock;
  /** ms since the epoch */
  bootTimestamp: number;
  /** What the broker was started with, as text. */
  properties: ReadonlyMap<string, string>;
}

type Names = 'GET_BROKER_CONFIG' | 'GET_BROKER_RUNTIME_INFO' | 'GET_CONSUMER_RUNNING_INFO' | 'CONSUME_MESSAGE_DIRECTLY';

export function brokerAdminHandlers(deps: BrokerAdminDeps): Pick<Handlers<'broker'>, Names> {
  return {
    GET_BROKER_CONFIG: () => {
      const lines = [...deps.properties].map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`);
      const version = JSON.stringify({ counter: 0, stateVersion: 0, timestamp: deps.bootTimestamp });
      return { header: { version }, body: Buffer.from(lines.join(''), 'utf8') };
    },
    GET_BROKER_RUNTIME_INFO: () => ({ body: encodeJson({ table: runtimeInfo(deps) }) }),
    GET_CONSUMER_RUNNING_INFO: async ({ header }) => {
      const client = clientOf(deps.clients, header.consumerGroup, header.clientId);
      if (!client) return offline(header.consumerGroup, header.clientId);
      const timeout = CLIENT_TIMEOUT_MS;
      const { code, remark, body } = await client.connection.request(Requests.GET_CONSUMER_RUNNING_INFO, header, {
        timeout,
      });
      return { code, remark, body };
    },
    CONSUME_MESSAGE_DIRECTLY: async ({ header }) => {
      const client = clientOf(deps.clients, header.consumerGroup, header.clientId);
      if (!client) return offline(header.consumerGroup, header.clientId ?? '');
      const record = deps.store.readRecord(decodeOffsetMsgId(header.msgId ?? '').physicalOffset);
      if (!record) return { code: ResponseCode.SYSTEM_ERROR, remark: 'the message of this id is not stored here' };
      const options = { body: record, timeout: CLIENT_TIMEOUT_MS };
      const { code, remark, body } = await client.connection.request(
        Requests.CONSUME_MESSAGE_DIRECTLY,
        header,
        options,
      );
      return { code, remark, body };
    },
  };
}

function clientOf(clients: Clients, group: string, clientId: string | undefined): ClientInfo | undefined {
  const members = [...(clients.consumers(group)?.clients.values() ?? [])];
  return clientId ? members.find((member) => member.clientId === clientId) : members[0];
}

function offline(group: string, clientId: string): Answer {
  const remark = `The Consumer <${printable(group)}> <${printable(clientId)}> not online`;
  return { code: ResponseCode.CONSUMER_NOT_ONLINE, remark };
}

/** Figures that tools print and that this broker has no part for: it has no thread pools, and no timer wheel. */
const ABSENT = [
  'sendThreadPoolQueueSize',
  'sendThreadPoolQueueCapacity',
  'sendThreadPoolQueueHeadWaitTimeMills',
  'pullThreadPoolQueueSize',
  'pullThreadPoolQueueCapacity',
  'pullThreadPoolQueueHeadWaitTimeMills',
  'queryThreadPoolQueueHeadWaitTimeMills',
  'pageCacheLockTimeMills',
  'msgPutTotalYesterdayMorning',
  'msgPutTotalTodayMorning',
  'msgGetTotalYesterdayMorning',
  'msgGetTotalTodayMorning',
  'timerReadBehind',
  'timerOffsetBehind',
  'timerCongestNum',
  'timerEnqueueTps',
  'timerDequeueTps',
];

function runtimeInfo({ stats, store, clock, bootTimestamp }: BrokerAdminDeps): Map<string, string> {
  const now = clock.now();
  const put = tps(stats.allPut, now);
  const got = tps(stats.allGot, now);
  const { diskUsedRatio, committedOffset, minPhysicalOffset } = store.metrics;
  return new Map([
    ...ABSENT.map((name) => [name, '0'] as const),
    ['brokerVersionDesc', BROKER_VERSION_DESC],
    ['brokerVersion', String(BROKER_VERSION)],
    ['bootTimestamp', String(bootTimestamp)],
    ['brokerActive', 'true'],
    ['runtime', duration(now - bootTimestamp)],
    ['putTps', put],
    ['getTotalTps', got],
    ['getFoundTps', got],
    ['getMissTps', '0.0 0.0 0.0'],
    ['getTransferredTps', got],
    ['msgPutTotalTodayNow', String(stats.allPut.total)],
    ['msgGetTotalTodayNow', String(stats.allGot.total)],
    ['earliestMessageTimeStamp', String(earliestTimestamp(store))],
    ['commitLogDiskRatio', String(Math.max(0, diskUsedRatio))],
    ['consumeQueueDiskRatio', String(Math.max(0, diskUsedRatio))],
    ['commitLogMaxOffset', String(committedOffset)],
    ['commitLogMinOffset', String(minPhysicalOffset)],
  ]);
}

/** When the first message that is still there was stored, ms since the epoch; -1 when there is none. */
function earliestTimestamp(store: MessageStore): number {
  const first = store.readRecord(store.metrics.minPhysicalOffset);
  return first ? (decodeRecords(first)[0]?.storeTimestamp ?? -1) : -1;
}

/** Over 10 s, a minute and 10 minutes, as tools expect it; one rate stands for all three here. */
function tps(rate: { perSecond(now: number): number }, now: number): string {
  const one = rate.perSecond(now).toFixed(1);
  return `${one} ${one} ${one}`;
}

/** @param ms how long */
function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  return `[ ${days} days, ${hours} hours, ${Math.floor(seconds / 60) % 60} minutes, ${seconds % 60} seconds ]`;
}
