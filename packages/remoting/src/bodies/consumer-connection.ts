// Decodes a broker's list of a consumer group's members (ConsumerConnection).
import { parseJsonObject } from '../json/json.js';
import { decodeSubscription } from './heartbeat-data.js';
import type { SubscriptionData } from './heartbeat-data.js';
import { isObject, objectOf, objectsIn, stringIn } from './read.js';

/** The subscriptions are those of the group's last heartbeat, whichever member sent it. */
export interface ConsumerConnection {
  readonly clientIds: readonly string[];
  readonly consumeType: string;
  readonly messageModel: string;
  readonly subscriptions: readonly SubscriptionData[];
}

/** @throws DecodeError */
export function decodeConsumerConnection(body: Buffer): ConsumerConnection {
  const json = parseJsonObject(body, 'a consumer connection');
  return {
    clientIds: objectsIn(json, 'connectionSet').map((connection) => stringIn(connection, 'clientId')),
    consumeType: stringIn(json, 'consumeType'),
    messageModel: stringIn(json, 'messageModel'),
    subscriptions: Object.values(objectOf(json['subscriptionTable'])).filter(isObject).map(decodeSubscription),
  };
}
