// Declares the requests of consumers: pulls, offsets, send-back, membership and queue locks.
import { flag, int, long, maybe, text } from './field.js';
import { request } from './request.js';
import { viaRpc, viaTopic } from './common.js';

const pullFields = {
  consumerGroup: text(),
  topic: text(),
  liteTopic: maybe(text()),
  queueId: int(),
  queueOffset: long(),
  maxMsgNums: int(),
  sysFlag: int(),
  commitOffset: long(),
  suspendTimeoutMillis: long(),
  subscription: maybe(text()),
  subVersion: long(),
  expressionType: maybe(text()),
  maxMsgBytes: maybe(int()),
  requestSource: maybe(int()),
  proxyFrowardClientId: maybe(text()),
  ...viaTopic,
};

const pullReply = {
  suggestWhichBrokerId: long(),
  nextBeginOffset: long(),
  minOffset: long(),
  maxOffset: long(),
  offsetDelta: maybe(long()),
  topicSysFlag: maybe(int()),
  groupSysFlag: maybe(int()),
  forbiddenType: maybe(int()),
};

const offsetReply = { offset: long() };

export const consumeRequests = {
  PULL_MESSAGE: request(11, 'PULL_MESSAGE', ['broker'], pullFields, pullReply),
  LITE_PULL_MESSAGE: request(361, 'LITE_PULL_MESSAGE', ['broker'], pullFields, pullReply),
  QUERY_CONSUMER_OFFSET: request(
    14,
    'QUERY_CONSUMER_OFFSET',
    ['broker'],
    { consumerGroup: text(), topic: text(), queueId: int(), setZeroIfNotFound: maybe(flag()), ...viaTopic },
    offsetReply,
  ),
  UPDATE_CONSUMER_OFFSET: request(15, 'UPDATE_CONSUMER_OFFSET', ['broker'], {
    consumerGroup: text(),
    topic: text(),
    queueId: int(),
    commitOffset: long(),
    ...viaTopic,
  }),
  SEARCH_OFFSET_BY_TIMESTAMP: request(
    29,
    'SEARCH_OFFSET_BY_TIMESTAMP',
    ['broker'],
    {
      topic: text(),
      liteTopic: maybe(text()),
      queueId: int(),
      timestamp: long(),
      boundaryType: maybe(text()),
      ...viaTopic,
    },
    offsetReply,
  ),
  GET_MAX_OFFSET: request(
    30,
    'GET_MAX_OFFSET',
    ['broker'],
    { topic: text(), queueId: int(), committed: maybe(flag()), ...viaTopic },
    offsetReply,
  ),
  GET_MIN_OFFSET: request(
    31,
    'GET_MIN_OFFSET',
    ['broker'],
    { topic: text(), queueId: int(), ...viaTopic },
    offsetReply,
  ),
  GET_EARLIEST_MSG_STORETIME: request(
    32,
    'GET_EARLIEST_MSG_STORETIME',
    ['broker'],
    { topic: text(), queueId: int(), ...viaTopic },
    { timestamp: long() },
  ),
  CONSUMER_SEND_MSG_BACK: request(36, 'CONSUMER_SEND_MSG_BACK', ['broker'], {
    offset: long(),
    group: text(),
    delayLevel: int(),
    originMsgId: maybe(text()),
    originTopic: maybe(text()),
    unitMode: maybe(flag()),
    maxReconsumeTimes: maybe(int()),
    ...viaRpc,
  }),
  GET_CONSUMER_LIST_BY_GROUP: request(38, 'GET_CONSUMER_LIST_BY_GROUP', ['broker'], {
    consumerGroup: text(),
    ...viaRpc,
  }),
  LOCK_BATCH_MQ: request(41, 'LOCK_BATCH_MQ', ['broker'], { ...viaRpc }),
  UNLOCK_BATCH_MQ: request(42, 'UNLOCK_BATCH_MQ', ['broker'], { ...viaRpc }),
};
