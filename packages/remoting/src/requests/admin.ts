// Owns the rows of administration at a broker: topics, groups, queries, figures.
import { flag, int, long, maybe, text } from '../field.js';
import { request } from '../request.js';
import { viaRpc, viaTopic } from './common.js';

export const adminRequests = {
  QUERY_MESSAGE: request(
    12,
    'QUERY_MESSAGE',
    ['broker'],
    {
      topic: text(),
      key: text(),
      maxNum: int(),
      beginTimestamp: long(),
      endTimestamp: long(),
      indexType: maybe(text()),
      lastKey: maybe(text()),
      _UNIQUE_KEY_QUERY: maybe(flag()),
      ...viaTopic,
    },
    { indexLastUpdateTimestamp: long(), indexLastUpdatePhyoffset: long() },
  ),
  UPDATE_AND_CREATE_TOPIC: request(17, 'UPDATE_AND_CREATE_TOPIC', ['broker'], {
    topic: text(),
    defaultTopic: text(),
    readQueueNums: int(),
    writeQueueNums: int(),
    perm: int(),
    topicFilterType: text(),
    topicSysFlag: maybe(int()),
    order: flag(),
    attributes: maybe(text()),
    force: maybe(flag()),
    ...viaTopic,
  }),
  GET_ALL_TOPIC_CONFIG: request(
    21,
    'GET_ALL_TOPIC_CONFIG',
    ['broker'],
    { topicSeq: maybe(int()), dataVersion: maybe(text()), maxTopicNum: maybe(int()) },
    { totalTopicNum: maybe(int()) },
  ),
  GET_BROKER_CONFIG: request(26, 'GET_BROKER_CONFIG', ['broker'], {}, { version: text() }),
  GET_BROKER_RUNTIME_INFO: request(28, 'GET_BROKER_RUNTIME_INFO', ['broker']),
  VIEW_MESSAGE_BY_ID: request(33, 'VIEW_MESSAGE_BY_ID', ['broker'], {
    topic: maybe(text()),
    offset: long(),
    ...viaTopic,
  }),
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: request(200, 'UPDATE_AND_CREATE_SUBSCRIPTIONGROUP', ['broker']),
  GET_ALL_SUBSCRIPTIONGROUP_CONFIG: request(
    201,
    'GET_ALL_SUBSCRIPTIONGROUP_CONFIG',
    ['broker'],
    { groupSeq: maybe(int()), dataVersion: maybe(text()), maxGroupNum: maybe(int()) },
    { totalGroupNum: maybe(int()) },
  ),
  GET_TOPIC_STATS_INFO: request(202, 'GET_TOPIC_STATS_INFO', ['broker'], { topic: text(), ...viaTopic }),
  GET_CONSUMER_CONNECTION_LIST: request(203, 'GET_CONSUMER_CONNECTION_LIST', ['broker'], {
    consumerGroup: text(),
    ...viaRpc,
  }),
  GET_PRODUCER_CONNECTION_LIST: request(204, 'GET_PRODUCER_CONNECTION_LIST', ['broker'], {
    producerGroup: text(),
    ...viaRpc,
  }),
  DELETE_SUBSCRIPTIONGROUP: request(207, 'DELETE_SUBSCRIPTIONGROUP', ['broker'], {
    groupName: text(),
    cleanOffset: maybe(flag()),
    ...viaRpc,
  }),
  GET_CONSUME_STATS: request(208, 'GET_CONSUME_STATS', ['broker'], {
    consumerGroup: text(),
    topic: maybe(text()),
    topicList: maybe(text()),
    ...viaTopic,
  }),
  DELETE_TOPIC_IN_BROKER: request(215, 'DELETE_TOPIC_IN_BROKER', ['broker'], { topic: text(), ...viaTopic }),
  QUERY_TOPIC_CONSUME_BY_WHO: request(300, 'QUERY_TOPIC_CONSUME_BY_WHO', ['broker'], { topic: text(), ...viaTopic }),
  GET_TOPIC_CONFIG: request(351, 'GET_TOPIC_CONFIG', ['broker'], { topic: text(), ...viaTopic }),
  GET_SUBSCRIPTIONGROUP_CONFIG: request(352, 'GET_SUBSCRIPTIONGROUP_CONFIG', ['broker'], { group: text(), ...viaRpc }),
};
