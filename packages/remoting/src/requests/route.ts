// Declares the requests that a name server answers: routes, registrations of brokers, key-values.
import { flag, int, long, maybe, text } from './field.js';
import { request } from './request.js';
import { viaTopic } from './common.js';

const kvKey = { namespace: text(), key: text() };

export const routeRequests = {
  PUT_KV_CONFIG: request(100, 'PUT_KV_CONFIG', ['namesrv'], { ...kvKey, value: text() }),
  GET_KV_CONFIG: request(101, 'GET_KV_CONFIG', ['namesrv'], kvKey, { value: maybe(text()) }),
  DELETE_KV_CONFIG: request(102, 'DELETE_KV_CONFIG', ['namesrv'], kvKey),
  REGISTER_BROKER: request(
    103,
    'REGISTER_BROKER',
    ['namesrv'],
    {
      brokerName: text(),
      brokerAddr: text(),
      clusterName: text(),
      haServerAddr: text(),
      brokerId: long(),
      heartbeatTimeoutMillis: maybe(long()),
      enableActingMaster: maybe(flag()),
      compressed: maybe(flag()),
      bodyCrc32: maybe(int()),
    },
    { haServerAddr: maybe(text()), masterAddr: maybe(text()) },
  ),
  UNREGISTER_BROKER: request(104, 'UNREGISTER_BROKER', ['namesrv'], {
    brokerName: text(),
    brokerAddr: text(),
    clusterName: text(),
    brokerId: long(),
  }),
  GET_ROUTEINFO_BY_TOPIC: request(105, 'GET_ROUTEINFO_BY_TOPIC', ['namesrv'], {
    topic: text(),
    acceptStandardJsonOnly: maybe(flag()),
    ...viaTopic,
  }),
  GET_BROKER_CLUSTER_INFO: request(106, 'GET_BROKER_CLUSTER_INFO', ['namesrv']),
  WIPE_WRITE_PERM_OF_BROKER: request(
    205,
    'WIPE_WRITE_PERM_OF_BROKER',
    ['namesrv'],
    { brokerName: text() },
    { wipeTopicCount: int() },
  ),
  ADD_WRITE_PERM_OF_BROKER: request(
    327,
    'ADD_WRITE_PERM_OF_BROKER',
    ['namesrv'],
    { brokerName: text() },
    { addTopicCount: int() },
  ),
  GET_ALL_TOPIC_LIST_FROM_NAMESERVER: request(206, 'GET_ALL_TOPIC_LIST_FROM_NAMESERVER', ['namesrv']),
  DELETE_TOPIC_IN_NAMESRV: request(216, 'DELETE_TOPIC_IN_NAMESRV', ['namesrv'], {
    topic: text(),
    clusterName: maybe(text()),
    ...viaTopic,
  }),
  GET_KVLIST_BY_NAMESPACE: request(219, 'GET_KVLIST_BY_NAMESPACE', ['namesrv'], { namespace: text() }),
  GET_TOPICS_BY_CLUSTER: request(224, 'GET_TOPICS_BY_CLUSTER', ['namesrv'], { cluster: text() }),
  GET_SYSTEM_TOPIC_LIST_FROM_NS: request(304, 'GET_SYSTEM_TOPIC_LIST_FROM_NS', ['namesrv']),
  GET_NAMESRV_CONFIG: request(319, 'GET_NAMESRV_CONFIG', ['namesrv']),
  QUERY_DATA_VERSION: request(
    322,
    'QUERY_DATA_VERSION',
    ['namesrv'],
    { brokerName: text(), brokerAddr: text(), clusterName: text(), brokerId: long() },
    { changed: flag() },
  ),
  GET_BROKER_MEMBER_GROUP: request(901, 'GET_BROKER_MEMBER_GROUP', ['namesrv'], {
    clusterName: text(),
    brokerName: text(),
  }),
  BROKER_HEARTBEAT: request(904, 'BROKER_HEARTBEAT', ['namesrv'], {
    clusterName: text(),
    brokerAddr: text(),
    brokerName: text(),
    brokerId: maybe(long()),
  }),
};
