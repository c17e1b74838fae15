// Answers the request that resets a group's offsets in a topic. Its consumers are told with their next pull.
import { ResponseCode, encodeJson, printable, queueTable } from '@nest-rocketmq/remoting/internal';
import type { Answer, Handlers, HeaderOf, MessageQueue, Requests, TopicConfig } from '@nest-rocketmq/remoting/internal';
import type { Groups } from '../metadata/groups.js';
import type { LongPolling } from '../pull/long-polling.js';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import type { MessageStore } from '../store/store.js';
import type { Topics } from '../metadata/topics.js';

export interface ResetOffsetDeps {
  store: MessageStore;
  topics: Topics;
  groups: Groups;
  offsets: ConsumerOffsets;
  longPolling: LongPolling;
  pop: { wake(topic: string, group: string, queueId: number): void };
  brokerName: string;
}

type Row = typeof Requests.INVOKE_BROKER_TO_RESET_OFFSET;
type Header = HeaderOf<Row>;

export function resetOffsetHandlers(deps: ResetOffsetDeps): Pick<Handlers<'broker'>, 'INVOKE_BROKER_TO_RESET_OFFSET'> {
  return { INVOKE_BROKER_TO_RESET_OFFSET: ({ header }) => reset(deps, header) };
}

async function reset(deps: ResetOffsetDeps, header: Header): Promise<Answer<Row>> {
  const { topics, groups, offsets, longPolling, pop, brokerName } = deps;
  const { topic, group } = header;
  if (!groups.get(group)) {
    return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark: `Group ${printable(group)} not exist!` };
  }
  const config = topics.get(topic);
  if (!config) return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `Topic ${printable(topic)} not exist!` };
  const queueIds = queuesOf(config, header.queueId ?? -1);
  if (!queueIds) {
    return { code: ResponseCode.INVALID_PARAMETER, remark: `Topic ${topic} has no queue ${header.queueId}` };
  }
  const rows: [MessageQueue, number][] = [];
  for (const queueId of queueIds) {
    const offset = await target(deps, header, queueId);
    offsets.reset(group, topic, queueId, offset);
    longPolling.wake(topic, queueId);
    pop.wake(topic, group, queueId);
    rows.push([{ brokerName, queueId, topic }, offset]);
  }
  return { body: encodeJson({ offsetTable: queueTable(rows) }) };
}

/** @param queueId -1 for all. @returns undefined when there is no such queue */
function queuesOf({ readQueueNums }: TopicConfig, queueId: number): number[] | undefined {
  if (queueId < 0) return Array.from({ length: readQueueNums }, (_, id) => id);
  return queueId < readQueueNums ? [queueId] : undefined;
}

/** The new offset of the queue: the given one, or else that of the given time. Tools send -1 for the end. */
async function target({ store, offsets }: ResetOffsetDeps, header: Header, queueId: number): Promise<number> {
  const { topic, group, timestamp, offset = -1, isForce } = header;
  const [first, end] = [store.minOffset(topic, queueId), store.maxOffset(topic, queueId)];
  const byTime = async (): Promise<number> =>
    timestamp < 0 ? end : store.offsetByTimestamp(topic, queueId, timestamp, 'LOWER');
  const wanted = Math.max(0, first, Math.min(end, offset >= 0 ? offset : await byTime()));
  const committed = offsets.query(group, topic, queueId);
  return isForce || committed < 0 ? wanted : Math.min(wanted, committed);
}
