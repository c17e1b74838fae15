// Encodes and decodes the configuration of topics and subscription groups, in bodies and in config/*.json.
import { encodeJson, parseJsonObject } from '../json/json.js';
import type { JsonObject } from '../json/json.js';
import { booleanIn, numberIn, objectOf, stringIn } from './read.js';

export interface DataVersion {
  readonly stateVersion: number;
  /** ms since the epoch */
  readonly timestamp: number;
  readonly counter: number;
}

export interface TopicConfig {
  readonly topicName: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  /** bits of Permission */
  readonly perm: number;
  readonly topicFilterType: string;
  readonly topicSysFlag: number;
  readonly order: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface SubscriptionGroupConfig {
  readonly groupName: string;
  readonly consumeEnable: boolean;
  readonly consumeFromMinEnable: boolean;
  readonly consumeBroadcastEnable: boolean;
  readonly consumeMessageOrderly: boolean;
  readonly retryQueueNums: number;
  readonly retryMaxTimes: number;
  readonly brokerId: number;
  readonly whichBrokerWhenConsumeSlowly: number;
  readonly notifyConsumerIdsChangedEnable: boolean;
  readonly groupSysFlag: number;
  readonly consumeTimeoutMinute: number;
  readonly attributes: Readonly<Record<string, string>>;
}

export function decodeDataVersion(value: unknown): DataVersion {
  const json = objectOf(value);
  return {
    stateVersion: numberIn(json, 'stateVersion'),
    timestamp: numberIn(json, 'timestamp'),
    counter: isAtomic(json['counter']) ? numberIn(objectOf(json['counter']), 'value') : numberIn(json, 'counter'),
  };
}

const isAtomic = (value: unknown): boolean => typeof value === 'object' && value !== null;

export function topicConfig(topicName: string, some: Partial<TopicConfig> = {}): TopicConfig {
  return {
    topicName,
    readQueueNums: 16,
    writeQueueNums: 16,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
    ...some,
  };
}

export function decodeTopicConfig(json: JsonObject): TopicConfig {
  const plain = topicConfig(stringIn(json, 'topicName'));
  return {
    topicName: plain.topicName,
    readQueueNums: numberIn(json, 'readQueueNums', plain.readQueueNums),
    writeQueueNums: numberIn(json, 'writeQueueNums', plain.writeQueueNums),
    perm: numberIn(json, 'perm', plain.perm),
    topicFilterType: stringIn(json, 'topicFilterType', plain.topicFilterType),
    topicSysFlag: numberIn(json, 'topicSysFlag'),
    order: booleanIn(json, 'order'),
    attributes: textsOf(json['attributes']),
  };
}

/** Apache's defaults for a group that is not configured. */
export function subscriptionGroupConfig(
  groupName: string,
  some: Partial<SubscriptionGroupConfig> = {},
): SubscriptionGroupConfig {
  return {
    groupName,
    consumeEnable: true,
    consumeFromMinEnable: true,
    consumeBroadcastEnable: true,
    consumeMessageOrderly: false,
    retryQueueNums: 1,
    retryMaxTimes: 16,
    brokerId: 0,
    whichBrokerWhenConsumeSlowly: 1,
    notifyConsumerIdsChangedEnable: true,
    groupSysFlag: 0,
    consumeTimeoutMinute: 15,
    attributes: {},
    ...some,
  };
}

export function decodeSubscriptionGroupConfig(json: JsonObject): SubscriptionGroupConfig {
  const plain = subscriptionGroupConfig(stringIn(json, 'groupName'));
  return {
    groupName: plain.groupName,
    consumeEnable: booleanIn(json, 'consumeEnable', plain.consumeEnable),
    consumeFromMinEnable: booleanIn(json, 'consumeFromMinEnable', plain.consumeFromMinEnable),
    consumeBroadcastEnable: booleanIn(json, 'consumeBroadcastEnable', plain.consumeBroadcastEnable),
    consumeMessageOrderly: booleanIn(json, 'consumeMessageOrderly'),
    retryQueueNums: numberIn(json, 'retryQueueNums', plain.retryQueueNums),
    retryMaxTimes: numberIn(json, 'retryMaxTimes', plain.retryMaxTimes),
    brokerId: numberIn(json, 'brokerId'),
    whichBrokerWhenConsumeSlowly: numberIn(json, 'whichBrokerWhenConsumeSlowly', plain.whichBrokerWhenConsumeSlowly),
    notifyConsumerIdsChangedEnable: booleanIn(json, 'notifyConsumerIdsChangedEnable', true),
    groupSysFlag: numberIn(json, 'groupSysFlag'),
    consumeTimeoutMinute: numberIn(json, 'consumeTimeoutMinute', plain.consumeTimeoutMinute),
    attributes: textsOf(json['attributes']),
  };
}

function textsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(objectOf(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** What a broker registers at a name server. */
export interface TopicTable {
  readonly dataVersion: DataVersion;
  readonly topicConfigTable: Map<string, TopicConfig>;
}

/** Body of GET_ALL_TOPIC_CONFIG, and the part of REGISTER_BROKER's body that lists a broker's topics. */
export function topicTableJson(table: TopicTable): object {
  return {
    dataVersion: table.dataVersion,
    mappingDataVersion: { counter: 0, stateVersion: 0, timestamp: 0 },
    topicConfigTable: table.topicConfigTable,
    topicQueueMappingDetailMap: {},
    topicQueueMappingInfoMap: {},
  };
}

export function decodeTopicTable(value: unknown): TopicTable {
  const json = objectOf(value);
  const topics = Object.entries(objectOf(json['topicConfigTable']));
  return {
    dataVersion: decodeDataVersion(json['dataVersion']),
    topicConfigTable: new Map(
      topics.map(([name, topic]) => [name, decodeTopicConfig({ topicName: name, ...objectOf(topic) })]),
    ),
  };
}

export function encodeRegisterBroker(table: TopicTable): Buffer {
  return encodeJson({ filterServerList: [], topicConfigSerializeWrapper: topicTableJson(table) });
}

/** @throws DecodeError */
export function decodeRegisterBroker(body: Buffer): TopicTable {
  return decodeTopicTable(parseJsonObject(body, "a broker's registration")['topicConfigSerializeWrapper']);
}
