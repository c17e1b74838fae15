// Answers requests for offsets: those that a group has committed, and those at which a queue begins and ends.
import { ResponseCode, printable } from '@nest-rocketmq/remoting/internal';
import type { Answer, Handlers, HeaderOf, Requests } from '@nest-rocketmq/remoting/internal';
import type { Groups } from './groups.js';
import type { ConsumerOffsets } from './offsets.js';
import type { MessageStore } from '../store/store.js';
import type { Topics } from './topics.js';
import { isYoung } from './young-queue.js';

export interface OffsetDeps {
  store: MessageStore;
  topics: Topics;
  groups: Groups;
  offsets: ConsumerOffsets;
  /** A queue whose first record is at most this many bytes back in the log counts as young. */
  accessMessageInMemoryMaxBytes: number;
}

type Query = typeof Requests.QUERY_CONSUMER_OFFSET;
type Update = typeof Requests.UPDATE_CONSUMER_OFFSET;

export function offsetHandlers(
  deps: OffsetDeps,
): Pick<
  Handlers<'broker'>,
  | 'QUERY_CONSUMER_OFFSET'
  | 'UPDATE_CONSUMER_OFFSET'
  | 'SEARCH_OFFSET_BY_TIMESTAMP'
  | 'GET_MAX_OFFSET'
  | 'GET_MIN_OFFSET'
  | 'GET_EARLIEST_MSG_STORETIME'
> {
  const { store } = deps;
  return {
    QUERY_CONSUMER_OFFSET: ({ header }) => query(deps, header),
    UPDATE_CONSUMER_OFFSET: ({ header }) => update(deps, header),
    SEARCH_OFFSET_BY_TIMESTAMP: async ({ header: { topic, queueId, timestamp, boundaryType } }) => {
      const boundary = boundaryType?.toUpperCase() === 'UPPER' ? 'UPPER' : 'LOWER';
      return { header: { offset: await store.offsetByTimestamp(topic, queueId, timestamp, boundary) } };
    },
    GET_MAX_OFFSET: ({ header }) => ({ header: { offset: store.maxOffset(header.topic, header.queueId) } }),
    GET_MIN_OFFSET: ({ header }) => ({ header: { offset: store.minOffset(header.topic, header.queueId) } }),
    GET_EARLIEST_MSG_STORETIME: async ({ header: { topic, queueId } }) => {
      const first = store.minOffset(topic, queueId);
      return { header: { timestamp: (await store.storeTimestampAt(topic, queueId, first)) ?? -1 } };
    },
  };
}

async function query(deps: OffsetDeps, header: HeaderOf<Query>): Promise<Answer<Query>> {
  const { consumerGroup, topic, queueId, setZeroIfNotFound } = header;
  const offset = deps.offsets.query(consumerGroup, topic, queueId);
  if (offset >= 0) return { header: { offset } };
  // A new group starts at the beginning of a young queue, so that it gets what was sent before it connected.
  if (setZeroIfNotFound !== false && (await isYoung(deps.store, topic, queueId, deps.accessMessageInMemoryMaxBytes)))
    return { header: { offset: 0 } };
  return { code: ResponseCode.QUERY_NOT_FOUND, remark: 'Not found, maybe this group consumer boot first' };
}

function update(deps: OffsetDeps, header: HeaderOf<Update>): Answer<Update> {
  const { consumerGroup, topic, queueId, commitOffset } = header;
  if (!deps.groups.get(consumerGroup)) {
    const remark = `Group ${printable(consumerGroup)} not exist!`;
    return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark };
  }
  const config = deps.topics.get(topic);
  if (!config) return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `Topic ${printable(topic)} not exist!` };
  if (queueId < 0 || queueId >= config.readQueueNums || commitOffset < 0) {
    const remark = `queueId ${queueId} or offset ${commitOffset} is illegal for topic ${config.topicName}`;
    return { code: ResponseCode.INVALID_PARAMETER, remark };
  }
  deps.offsets.commit(consumerGroup, topic, queueId, commitOffset);
  return {};
}
