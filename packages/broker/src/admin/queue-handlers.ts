// Answers requests that look into queues: at their entries, and at the times of what a group has consumed of them.
import { ResponseCode, encodeJson, printable, queueJson, subscriptionJson } from '@nest-rocketmq/remoting/internal';
import type { Answer, Clock, Handlers, HeaderOf, Requests } from '@nest-rocketmq/remoting/internal';
import type { Clients } from '../clients/clients.js';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import type { MessageStore } from '../store/store.js';
import type { Topics } from '../metadata/topics.js';

/** Most entries of a queue in one answer. */
const MOST_ENTRIES = 800;

export interface QueueDeps {
  store: MessageStore;
  topics: Topics;
  offsets: ConsumerOffsets;
  clients: Clients;
  clock: Clock;
  brokerName: string;
}

export function queueHandlers(
  deps: QueueDeps,
): Pick<Handlers<'broker'>, 'QUERY_CONSUME_QUEUE' | 'QUERY_CONSUME_TIME_SPAN'> {
  return {
    QUERY_CONSUME_QUEUE: ({ header }) => entries(deps, header),
    QUERY_CONSUME_TIME_SPAN: ({ header }) => timeSpans(deps, header),
  };
}

async function entries(
  { store, clients }: QueueDeps,
  { topic, queueId, index, count, consumerGroup }: HeaderOf<typeof Requests.QUERY_CONSUME_QUEUE>,
): Promise<Answer> {
  const [minQueueIndex, maxQueueIndex] = [store.minOffset(topic, queueId), store.maxOffset(topic, queueId)];
  if (maxQueueIndex === 0) {
    return { code: ResponseCode.SYSTEM_ERROR, remark: `${queueId}@${printable(topic)} is not exist!` };
  }
  const queueData: object[] = [];
  const end = Math.min(maxQueueIndex, index + Math.min(count, MOST_ENTRIES));
  for (let at = Math.max(index, minQueueIndex); at < end; at++) {
    const entry = await store.readConsumeQueue(topic, queueId, at);
    if (!entry) continue;
    const { physicalOffset, size, tagsCode } = entry;
    queueData.push({ eval: false, physicOffset: physicalOffset, physicSize: size, tagsCode });
  }
  const ofGroup = consumerGroup === undefined ? {} : subscriptionOf(clients, consumerGroup, topic);
  const remark = queueData.length === 0 ? `Index ${index} of ${queueId}@${printable(topic)} is not exist!` : undefined;
  return { remark, body: encodeJson({ ...ofGroup, maxQueueIndex, minQueueIndex, queueData }) };
}

function subscriptionOf(clients: Clients, group: string, topic: string): object {
  const data = clients.consumers(group)?.subscriptions.get(topic);
  if (!data) return { filterData: `${group}@${topic} is not online!` };
  return { filterData: 'null', subscriptionData: subscriptionJson(data) };
}

async function timeSpans(
  { store, topics, offsets, clock, brokerName }: QueueDeps,
  { topic, group }: HeaderOf<typeof Requests.QUERY_CONSUME_TIME_SPAN>,
): Promise<Answer> {
  const config = topics.get(topic);
  if (!config) return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `topic[${printable(topic)}] not exist` };
  const consumeTimeSpanSet: object[] = [];
  for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
    const timeAt = async (offset: number): Promise<number> =>
      (await store.storeTimestampAt(topic, queueId, offset)) ?? -1;
    const [first, end] = [store.minOffset(topic, queueId), store.maxOffset(topic, queueId)];
    const consumed = offsets.query(group, topic, queueId);
    const minTimeStamp = await timeAt(first);
    const next = Math.max(first, consumed);
    consumeTimeSpanSet.push({
      messageQueue: queueJson({ brokerName, queueId, topic }),
      minTimeStamp,
      maxTimeStamp: await timeAt(end - 1),
      consumeTimeStamp: consumed > first ? await timeAt(consumed - 1) : minTimeStamp,
      delayTime: next < end ? clock.now() - (await timeAt(next)) : 0,
    });
  }
  return { body: encodeJson({ consumeTimeSpanSet }) };
}
