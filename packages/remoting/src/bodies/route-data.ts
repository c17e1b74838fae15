// Encodes and decodes what a name server says of a topic (TopicRouteData) and of its brokers (ClusterInfo).
import { encodeJson, entriesOf, parseJsonObject } from '../json/json.js';
import { numberIn, objectOf, objectsIn, stringIn } from './read.js';

/** A topic's queues on one broker. */
export interface QueueData {
  readonly brokerName: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  /** bits of Permission */
  readonly perm: number;
  /** Bits of the topic; 0 unless it is for units. */
  readonly topicSysFlag: number;
}

/** A broker: its master and its replicas. */
export interface BrokerData {
  readonly cluster: string;
  readonly brokerName: string;
  /** broker id (0: the master) to 'host:port' */
  readonly brokerAddrs: Map<number, string>;
  /** Whether a slave may act for its master while that is away. Default: no. */
  readonly enableActingMaster?: boolean;
}

/** Most queues of one topic that are listed or divided: a thousand on each of 256 brokers. A broker may register any number. */
export const MAX_ROUTE_QUEUES = 262_144;

/** Where a topic's queues are. */
export interface TopicRouteData {
  readonly queueDatas: readonly QueueData[];
  readonly brokerDatas: readonly BrokerData[];
  /** 'brokerA:8;brokerB:8' for a topic with a fixed order of queues */
  readonly orderTopicConf?: string;
}

export const Permission = { INHERIT: 1, WRITE: 2, READ: 4, PRIORITY: 8 } as const;

export const MASTER_ID = 0;

/** @param standard whether map keys are quoted; peers before 4.9.4 expect bare numbers */
export function encodeRouteData(route: TopicRouteData, standard: boolean): Buffer {
  return encodeJson({
    brokerDatas: route.brokerDatas.map((broker) => brokerJson(broker, standard)),
    filterServerTable: {},
    orderTopicConf: route.orderTopicConf,
    queueDatas: route.queueDatas,
  });
}

function brokerJson(broker: BrokerData, standard: boolean): object {
  const { brokerAddrs, brokerName, cluster, enableActingMaster = false } = broker;
  return {
    brokerAddrs: standard ? Object.fromEntries(brokerAddrs) : brokerAddrs,
    brokerName,
    cluster,
    enableActingMaster,
  };
}

/** @throws DecodeError */
export function decodeRouteData(body: Buffer): TopicRouteData {
  const json = parseJsonObject(body, 'a topic route');
  const orderTopicConf = stringIn(json, 'orderTopicConf');
  return {
    queueDatas: objectsIn(json, 'queueDatas').map((queue) => ({
      brokerName: stringIn(queue, 'brokerName'),
      readQueueNums: numberIn(queue, 'readQueueNums'),
      writeQueueNums: numberIn(queue, 'writeQueueNums'),
      perm: numberIn(queue, 'perm'),
      topicSysFlag: numberIn(queue, 'topicSysFlag'),
    })),
    brokerDatas: objectsIn(json, 'brokerDatas').map(decodeBroker),
    ...(orderTopicConf && { orderTopicConf }),
  };
}

function decodeBroker(json: Record<string, unknown>): BrokerData {
  return {
    cluster: stringIn(json, 'cluster'),
    brokerName: stringIn(json, 'brokerName'),
    brokerAddrs: new Map(entriesOf(json['brokerAddrs']).map(([id, address]) => [Number(id), String(address)])),
    ...(json['enableActingMaster'] === true && { enableActingMaster: true }),
  };
}

/** The brokers of one name, as they ask for themselves (BrokerMemberGroup). */
export function encodeMemberGroup(cluster: string, brokerName: string, brokerAddrs: Map<number, string>): Buffer {
  return encodeJson({ brokerMemberGroup: { brokerAddrs, brokerName, cluster } });
}

/** The brokers that a name server knows. */
export interface ClusterInfo {
  /** By broker name. */
  readonly brokerAddrTable: Map<string, BrokerData>;
  /** Broker names by cluster. */
  readonly clusterAddrTable: Map<string, string[]>;
}

/** Keys are bare numbers in all versions: Apache writes and reads it so. */
export function encodeClusterInfo(info: ClusterInfo): Buffer {
  return encodeJson({
    brokerAddrTable: new Map([...info.brokerAddrTable].map(([name, broker]) => [name, brokerJson(broker, false)])),
    clusterAddrTable: info.clusterAddrTable,
  });
}

/** @throws DecodeError */
export function decodeClusterInfo(body: Buffer): ClusterInfo {
  const json = parseJsonObject(body, 'a cluster info');
  const brokers = Object.entries(objectOf(json['brokerAddrTable']));
  const clusters = Object.entries(objectOf(json['clusterAddrTable']));
  return {
    brokerAddrTable: new Map(brokers.map(([name, broker]) => [name, decodeBroker(objectOf(broker))])),
    clusterAddrTable: new Map(
      clusters.map(([name, members]) => [name, Array.isArray(members) ? members.map(String) : []]),
    ),
  };
}
