// Owns the answers about how full queues are and how far groups have come. Leaves counting to stats.ts.
import { ResponseCode, encodeJson, printable, queueTable } from '@nest-rocketmq/remoting';
import type { Answer, Clock, Handlers, MessageQueue, TopicConfig } from '@nest-rocketmq/remoting';
import type { Clients } from '../clients.js';
import type { Groups } from '../groups.js';
import type { ConsumerOffsets } from '../offsets.js';
import type { BrokerStats } from '../stats.js';
import type { MessageStore } from '../store/store.js';
import type { Topics } from '../topics.js';

export interface StatsAdminDeps {
  store: MessageStore;
  topics: Topics;
  clients: Clients;
  groups: Groups;
  offsets: ConsumerOffsets;
  stats: BrokerStats;
  clock: Clock;
  brokerName: string;
  brokerAddr: string;
}

export function statsAdminHandlers(
  deps: StatsAdminDeps,
): Pick<Handlers<'broker'>, 'GET_TOPIC_STATS_INFO' | 'GET_CONSUME_STATS' | 'GET_BROKER_CONSUME_STATS'> {
  return {
    GET_TOPIC_STATS_INFO: ({ header }) => topicStats(deps, header.topic),
    GET_CONSUME_STATS: async ({ header }) => {
      const asked = header.topicList ? header.topicList.split(';') : header.topic ? [header.topic] : undefined;
      return { body: encodeJson(await consumeStats(deps, header.consumerGroup, asked)) };
    },
    GET_BROKER_CONSUME_STATS: async ({ header }) => ({
      body: encodeJson(await allConsumeStats(deps, header.isOrder)),
    }),
  };
}

async function topicStats(deps: StatsAdminDeps, topic: string): Promise<Answer> {
  const { topics, store, stats, clock } = deps;
  const config = topics.get(topic);
  if (!config) return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `topic[${printable(topic)}] not exist` };
  const rows: [MessageQueue, { lastUpdateTimestamp: number; maxOffset: number; minOffset: number }][] = [];
  for (const queue of queuesOf(deps, config)) {
    const minOffset = store.minOffset(topic, queue.queueId);
    const maxOffset = store.maxOffset(topic, queue.queueId);
    rows.push([queue, { lastUpdateTimestamp: await timeAt(store, queue, maxOffset - 1), maxOffset, minOffset }]);
  }
  const topicPutTps = stats.topicPut(topic).perSecond(clock.now());
  return { body: encodeJson({ offsetTable: queueTable(rows), topicPutTps }) };
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

/** Of all groups that have consumed something, topic by topic. @param isOrder only groups that consume in order */
async function allConsumeStats(deps: StatsAdminDeps, isOrder: boolean): Promise<object> {
  const groups = deps.groups.all().filter((group) => !isOrder || group.consumeMessageOrderly);
  const stats: [group: string, ofTopics: ConsumeStats[]][] = [];
  for (const { groupName } of groups) {
    const ofTopics: ConsumeStats[] = [];
    for (const topic of deps.offsets.topicsOf(groupName)) {
      const ofTopic = await consumeStats(deps, groupName, [topic]);
      if (ofTopic.offsetTable.size > 0) ofTopics.push(ofTopic);
    }
    stats.push([groupName, ofTopics]);
  }
  const rows = stats.flatMap(([, ofTopics]) => ofTopics.flatMap(({ offsetTable }) => [...offsetTable.values()]));
  const totalDiff = rows.reduce((sum, { brokerOffset, consumerOffset }) => sum + brokerOffset - consumerOffset, 0);
  const consumeStatsList = stats.flatMap(([name, ofTopics]) =>
    ofTopics.length > 0 ? [new Map([[name, ofTopics]])] : [],
  );
  return { brokerAddr: deps.brokerAddr, consumeStatsList, totalDiff, totalInflightDiff: 0 };
}

async function consumeStats(deps: StatsAdminDeps, group: string, asked: string[] | undefined): Promise<ConsumeStats> {
  const { topics, offsets, clients, stats, store, clock } = deps;
  const subscribed = clients.consumers(group)?.subscriptions.keys() ?? [];
  const names = asked ?? [...new Set([...offsets.topicsOf(group), ...subscribed])];
  let consumeTps = 0;
  const rows: [MessageQueue, QueueProgress][] = [];
  for (const name of names) {
    const config = topics.get(name);
    if (!config) continue;
    consumeTps += stats.groupGot(name, group).perSecond(clock.now());
    for (const queue of queuesOf(deps, config)) {
      const brokerOffset = Math.max(0, store.maxOffset(name, queue.queueId));
      const consumerOffset = Math.max(0, offsets.query(group, name, queue.queueId));
      const lastTimestamp = consumerOffset > 0 ? await timeAt(store, queue, consumerOffset - 1) : 0;
      rows.push([queue, { brokerOffset, consumerOffset, lastTimestamp, pullOffset: consumerOffset }]);
    }
  }
  return { consumeTps, offsetTable: queueTable(rows) };
}

function queuesOf({ brokerName }: StatsAdminDeps, config: TopicConfig): MessageQueue[] {
  const count = Math.max(config.readQueueNums, config.writeQueueNums);
  return Array.from({ length: count }, (_, queueId) => ({ brokerName, queueId, topic: config.topicName }));
}

/** ms since the epoch; 0 when there is no such message. */
async function timeAt(store: MessageStore, queue: MessageQueue, offset: number): Promise<number> {
  return offset < 0 ? 0 : ((await store.storeTimestampAt(queue.topic, queue.queueId, offset)) ?? 0);
}
