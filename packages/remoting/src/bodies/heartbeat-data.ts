// Encodes and decodes a heartbeat: the groups of a client, and what its consumers subscribe to.
import { encodeJson, parseJsonObject } from '../json/json.js';
import type { JsonObject } from '../json/json.js';
import { arrayIn, booleanIn, numberIn, objectsIn, stringIn, stringsIn } from './read.js';

export interface SubscriptionData {
  readonly topic: string;
  /** the expression: '*', 'a || b', or SQL92 */
  readonly subString: string;
  readonly tagsSet: readonly string[];
  /** Java hash codes of tagsSet */
  readonly codeSet: readonly number[];
  /** grows with each change; ms since the epoch */
  readonly subVersion: number;
  readonly expressionType: string;
  readonly classFilterMode?: boolean;
}

export type ConsumeType = 'CONSUME_ACTIVELY' | 'CONSUME_PASSIVELY' | 'CONSUME_POP';
export type MessageModel = 'CLUSTERING' | 'BROADCASTING';
export type ConsumeFromWhere = 'CONSUME_FROM_LAST_OFFSET' | 'CONSUME_FROM_FIRST_OFFSET' | 'CONSUME_FROM_TIMESTAMP';

export interface ConsumerData {
  readonly groupName: string;
  readonly consumeType: string;
  readonly messageModel: string;
  readonly consumeFromWhere: string;
  readonly subscriptionDataSet: readonly SubscriptionData[];
  readonly unitMode: boolean;
}

export interface HeartbeatData {
  readonly clientID: string;
  readonly producerGroups: readonly string[];
  readonly consumers: readonly ConsumerData[];
  /** other than 0 in heartbeats of version 2 */
  readonly heartbeatFingerprint: number;
  /** version 2: the subscriptions are those of the last full heartbeat */
  readonly withoutSub: boolean;
}

export function encodeHeartbeat(data: HeartbeatData): Buffer {
  return encodeJson({
    clientID: data.clientID,
    consumerDataSet: data.consumers.map((consumer) => ({
      ...consumer,
      subscriptionDataSet: consumer.subscriptionDataSet.map(subscriptionJson),
    })),
    heartbeatFingerprint: data.heartbeatFingerprint,
    producerDataSet: data.producerGroups.map((groupName) => ({ groupName })),
    withoutSub: data.withoutSub,
  });
}

export function subscriptionJson(subscription: SubscriptionData): object {
  return { classFilterMode: false, ...subscription };
}

export function decodeSubscription(json: JsonObject): SubscriptionData {
  return {
    topic: stringIn(json, 'topic'),
    subString: stringIn(json, 'subString', '*'),
    tagsSet: stringsIn(json, 'tagsSet'),
    codeSet: arrayIn(json, 'codeSet').map(Number).filter(Number.isInteger),
    subVersion: numberIn(json, 'subVersion'),
    expressionType: stringIn(json, 'expressionType', 'TAG'),
    classFilterMode: booleanIn(json, 'classFilterMode'),
  };
}

/** @throws DecodeError */
export function decodeHeartbeat(body: Buffer): HeartbeatData {
  const json = parseJsonObject(body, 'a heartbeat');
  return {
    clientID: stringIn(json, 'clientID'),
    producerGroups: objectsIn(json, 'producerDataSet').map((producer) => stringIn(producer, 'groupName')),
    consumers: objectsIn(json, 'consumerDataSet').map((consumer) => ({
      groupName: stringIn(consumer, 'groupName'),
      consumeType: stringIn(consumer, 'consumeType', 'CONSUME_PASSIVELY'),
      messageModel: stringIn(consumer, 'messageModel', 'CLUSTERING'),
      consumeFromWhere: stringIn(consumer, 'consumeFromWhere', 'CONSUME_FROM_LAST_OFFSET'),
      subscriptionDataSet: objectsIn(consumer, 'subscriptionDataSet').map(decodeSubscription),
      unitMode: booleanIn(consumer, 'unitMode'),
    })),
    heartbeatFingerprint: numberIn(json, 'heartbeatFingerprint'),
    withoutSub: booleanIn(json, 'withoutSub'),
  };
}
