// Answers requests for the length of queues, the progress of groups, and the statistics.
import { ResponseCode, encodeJson, popRetryTopic, printable, queueTable } from '@nest-rocketmq/remoting/internal';
import type { Answer, Handlers, HeaderOf, MessageQueue, Requests, TopicConfig } from '@nest-rocketmq/remoting/internal';
import type { Clients } from '../clients/clients.js';
import type { Groups } from '../metadata/groups.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import type { MessageStore } from '../store/store.js';
import { yieldToEventLoop } from '../store/files/yield-to-event-loop.js';
import type { Topics } from '../metadata/topics.js';

export interface StatsAdminDeps {
  store: MessageStore;
  topics: Topics;
  clients: Clients;
  groups: Groups;
  offsets: ConsumerOffsets;
  stats: BrokerStats;
  brokerName: string;
  brokerAddr: string;
}

export function statsAdminHandlers(
  deps: StatsAdminDeps,
): Pick<
  Handlers<'broker'>,
  'GET_TOPIC_STATS_INFO' | 'GET_CONSUME_STATS' | 'GET_BROKER_CONSUME_STATS' | 'VIEW_BROKER_STATS_DATA'
> {
  return {
    GET_TOPIC_STATS_INFO: ({ header }) => topicStats(deps, header.topic),
    GET_CONSUME_STATS: async ({ header }) => {
      return { body: encodeJson(await consumeStats(deps, header.consumerGroup, askedTopics(deps, header))) };
    },
    GET_BROKER_CONSUME_STATS: async ({ header }) => ({
      body: encodeJson(await allConsumeStats(deps, header.isOrder)),
    }),
    VIEW_BROKER_STATS_DATA: ({ header: { statsName, statsKey } }) => {
      const view = deps.stats.view(statsName, statsKey);
      if (view) return { body: encodeJson(view) };
      const remark = `The stats <${printable(statsName)}> <${printable(statsKey)}> not exist`;
      return { code: ResponseCode.SYSTEM_ERROR, remark };
    },
  };
}

async function topicStats(deps: StatsAdminDeps, topic: string): Promise<Answer> {
  const { topics, store, stats } = deps;
  const config = topics.get(topic);
  if (!config) return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `topic[${printable(topic)}] not exist` };
  const rows: [MessageQueue, { lastUpdateTimestamp: number; maxOffset: number; minOffset: number }][] = [];
  for (const queue of queuesOf(deps, config, Math.max(config.readQueueNums, config.writeQueueNums))) {
    const minOffset = Math.max(0, store.minOffset(topic, queue.queueId));
    const maxOffset = Math.max(0, store.maxOffset(topic, queue.queueId));
    rows.push([queue, { lastUpdateTimestamp: await timeAt(store, queue, maxOffset - 1), maxOffset, minOffset }]);
  }
  return { body: encodeJson({ offsetTable: queueTable(rows), topicPutTps: stats.putTps(topic) }) };
}

interface QueueProgress {
  brokerOffset: number;
  consumerOffset: number;
  lastTimestamp: number;
  pullOffset: number;
}

interface ConsumeStats {
  consumeTps: number;
  offsetTable: Map<MessageQueue, QueueProgress>;
}

/** Of all groups that have consumed something, topic by topic. @param isOrder only topics that are ordered */
async function allConsumeStats(deps: StatsAdminDeps, isOrder: boolean): Promise<object> {
  const stats: [group: string, ofTopics: ConsumeStats[]][] = [];
  const pause = yieldToEventLoop();
  for (const { groupName } of deps.groups.all()) {
    const ofTopics: ConsumeStats[] = [];
    for (const topic of subscribedOnly(deps, groupName, deps.offsets.topicsOf(groupName))) {
      if (isOrder && !deps.topics.get(topic)?.order) continue;
      await pause();
      const ofTopic = await consumeStats(deps, groupName, [topic]);
      if (ofTopic.offsetTable.size > 0) ofTopics.push(ofTopic);
    }
    stats.push([groupName, ofTopics]);
  }
  const rows = stats.flatMap(([, ofTopics]) => ofTopics.flatMap(({ offsetTable }) => [...offsetTable.values()]));
  const totalDiff = rows.reduce((sum, { brokerOffset, consumerOffset }) => sum + brokerOffset - consumerOffset, 0);
  const totalInflightDiff = rows.reduce((sum, { pullOffset, consumerOffset }) => sum + pullOffset - consumerOffset, 0);
  const consumeStatsList = stats.flatMap(([name, ofTopics]) =>
    ofTopics.length > 0 ? [new Map([[name, ofTopics]])] : [],
  );
  return { brokerAddr: deps.brokerAddr, consumeStatsList, totalDiff, totalInflightDiff };
}

/** The topics of which a request wants to know how far its group has come. */
function askedTopics(deps: StatsAdminDeps, header: HeaderOf<typeof Requests.GET_CONSUME_STATS>): string[] {
  const { topicList, topic, consumerGroup: group } = header;
  // A request that lists topics is answered for these, whatever the group subscribes to.
  if (topicList) return [...new Set(topicList.split(';'))];
  if (topic) return subscribedOnly(deps, group, [topic]);
  const subscribed = deps.clients.consumers(group)?.subscriptions.keys() ?? [];
  return subscribedOnly(deps, group, [...new Set([...deps.offsets.topicsOf(group), ...subscribed])]);
}

/** What a group has left of a topic that it no longer subscribes to does not count as its backlog. */
function subscribedOnly({ clients }: StatsAdminDeps, group: string, topics: string[]): string[] {
  const subscriptions = clients.consumers(group)?.subscriptions;
  if (!subscriptions || subscriptions.size === 0) return topics;
  // What is popped is retried in topics that no consumer subscribes to.
  const names = new Set([...subscriptions.keys()].flatMap((topic) => [topic, ...popRetryNames(topic, group)]));
  return topics.filter((topic) => names.has(topic));
}

async function consumeStats(deps: StatsAdminDeps, group: string, names: string[]): Promise<ConsumeStats> {
  const { topics, offsets, stats, store } = deps;
  let consumeTps = 0;
  const rows: [MessageQueue, QueueProgress][] = [];
  const pause = yieldToEventLoop();
  for (const name of names) {
    await pause();
    const config = topics.get(name);
    if (!config) continue;
    consumeTps += stats.gotTps(name, group);
    // Unreadable messages do not count as backlog.
    for (const queue of queuesOf(deps, config, config.readQueueNums)) {
      const brokerOffset = Math.max(0, store.maxOffset(name, queue.queueId));
      const consumerOffset = Math.max(0, offsets.query(group, name, queue.queueId));
      const pullOffset = Math.max(0, offsets.pullOffset(group, name, queue.queueId));
      const lastTimestamp = consumerOffset > 0 ? await timeAt(store, queue, consumerOffset - 1) : 0;
      rows.push([queue, { brokerOffset, consumerOffset, lastTimestamp, pullOffset }]);
    }
  }
  return { consumeTps, offsetTable: queueTable(rows) };
}

const popRetryNames = (topic: string, group: string): string[] =>
  [false, true].map((v2) => popRetryTopic(topic, group, v2));

function queuesOf({ brokerName }: StatsAdminDeps, { topicName }: TopicConfig, count: number): MessageQueue[] {
  return Array.from({ length: count }, (_, queueId) => ({ brokerName, queueId, topic: topicName }));
}

/** ms since the epoch; 0 when there is no such message. */
async function timeAt(store: MessageStore, queue: MessageQueue, offset: number): Promise<number> {
  return offset < 0 ? 0 : ((await store.storeTimestampAt(queue.topic, queue.queueId, offset)) ?? 0);
}
