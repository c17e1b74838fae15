// Owns the answers to heartbeats and to questions about a group's members. Leaves who is connected to clients.ts.
import {
  ResponseCode,
  decodeHeartbeat,
  decodeSubscription,
  encodeConsumerList,
  objectOf,
  parseJsonObject,
  printable,
  retryTopic,
} from '@nest-rocketmq/remoting';
import type { Answer, Clock, ConsumerData, Handlers, IncomingRequest, Requests } from '@nest-rocketmq/remoting';
import type { ClientInfo, Clients } from '../clients.js';
import type { Groups } from '../groups.js';
import { isTagType } from '../tag-filter.js';
import type { Topics } from '../topics.js';

export interface ClientDeps {
  clients: Clients;
  groups: Groups;
  topics: Topics;
  clock: Clock;
}

type Heartbeat = IncomingRequest<typeof Requests.HEART_BEAT>;

export function clientHandlers(
  deps: ClientDeps,
): Pick<Handlers<'broker'>, 'HEART_BEAT' | 'UNREGISTER_CLIENT' | 'CHECK_CLIENT_CONFIG' | 'GET_CONSUMER_LIST_BY_GROUP'> {
  const { clients } = deps;
  return {
    HEART_BEAT: (request) => heartbeat(deps, request),
    UNREGISTER_CLIENT: ({ header, connection }) => {
      if (header.producerGroup) clients.unregisterProducer(header.producerGroup, connection);
      if (header.consumerGroup) clients.unregisterConsumer(header.consumerGroup, connection);
      return {};
    },
    CHECK_CLIENT_CONFIG: ({ body }) => {
      const wanted = objectOf(parseJsonObject(body, 'a client check')['subscriptionData']);
      if (isTagType(decodeSubscription(wanted).expressionType)) return {};
      const remark = 'The broker does not support consumer to filter message by SQL92';
      return { code: ResponseCode.SYSTEM_ERROR, remark };
    },
    GET_CONSUMER_LIST_BY_GROUP: ({ header }) => {
      const group = clients.consumers(header.consumerGroup);
      const ids = new Set([...(group?.clients.values() ?? [])].map((client) => client.clientId));
      if (ids.size > 0) return { body: encodeConsumerList([...ids]) };
      return {
        code: ResponseCode.SYSTEM_ERROR,
        remark: `no consumer for this group, ${printable(header.consumerGroup)}`,
      };
    },
  };
}

function heartbeat(deps: ClientDeps, { body, connection, language, version }: Heartbeat): Answer {
  const { clientID, producerGroups, consumers, withoutSub } = decodeHeartbeat(body);
  const lastHeartbeat = deps.clock.monotonic();
  const lastUpdateTimestamp = deps.clock.now();
  const client: ClientInfo = { clientId: clientID, language, version, connection, lastHeartbeat, lastUpdateTimestamp };
  for (const group of producerGroups) deps.clients.registerProducer(group, client);
  let changed = false;
  for (const consumer of consumers) {
    if (registerConsumer(deps, consumer, client, withoutSub)) changed = true;
  }
  // Version 2 leaves subscriptions out of most heartbeats; version 1 is what is asked for here.
  return { extFields: { IS_SUPPORT_HEART_BEAT_V2: 'false', IS_SUB_CHANGE: String(changed) } };
}

function registerConsumer(
  { groups, topics, clients }: ClientDeps,
  consumer: ConsumerData,
  client: ClientInfo,
  withoutSub: boolean,
): boolean {
  const group = groups.findOrCreate(consumer.groupName);
  if (!group) return false;
  if (consumer.messageModel !== 'BROADCASTING' && group.retryQueueNums > 0) {
    topics.create(retryTopic(group.groupName), group.retryQueueNums);
  }
  const whole = withoutSub ? withKnownSubscriptions(clients, consumer) : consumer;
  return clients.registerConsumer(whole, client, withoutSub);
}

function withKnownSubscriptions(clients: Clients, consumer: ConsumerData): ConsumerData {
  const known = clients.consumers(consumer.groupName)?.subscriptions.values() ?? [];
  return { ...consumer, subscriptionDataSet: [...known] };
}
