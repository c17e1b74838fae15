// Answers heartbeats, and requests for the members of a group.
import {
  RequestRefusedError,
  ResponseCode,
  decodeHeartbeat,
  decodeSubscription,
  encodeConsumerList,
  objectOf,
  parseJsonObject,
  printable,
  retryTopic,
} from '@nest-rocketmq/remoting/internal';
import type {
  Answer,
  Clock,
  ConsumerData,
  Handlers,
  HeartbeatData,
  IncomingRequest,
  Requests,
  SubscriptionData,
} from '@nest-rocketmq/remoting/internal';
import type { ClientInfo, Clients } from './clients.js';
import type { Groups } from '../metadata/groups.js';
import { filterFault, requireAtMost, requireShort } from '../config/limits.js';
import type { SubscriptionFilters } from '../filter/subscription-filters.js';
import type { Topics } from '../metadata/topics.js';

export interface ClientDeps {
  clients: Clients;
  groups: Groups;
  topics: Topics;
  filters: SubscriptionFilters;
  clock: Clock;
  config: ClientLimits;
}

interface ClientLimits {
  maxGroupsPerClient: number;
  maxSubscriptionsPerGroup: number;
  maxFilterLength: number;
}

type Heartbeat = IncomingRequest<typeof Requests.HEART_BEAT>;

export function clientHandlers(
  deps: ClientDeps,
): Pick<Handlers<'broker'>, 'HEART_BEAT' | 'UNREGISTER_CLIENT' | 'CHECK_CLIENT_CONFIG' | 'GET_CONSUMER_LIST_BY_GROUP'> {
  const { clients, filters } = deps;
  return {
    HEART_BEAT: (request) => heartbeat(deps, request),
    UNREGISTER_CLIENT: ({ header, connection }) => {
      if (header.producerGroup) clients.unregisterProducer(header.producerGroup, connection);
      if (header.consumerGroup) clients.unregisterConsumer(header.consumerGroup, connection);
      return {};
    },
    CHECK_CLIENT_CONFIG: ({ body }) => {
      const wanted = objectOf(parseJsonObject(body, 'a client check')['subscriptionData']);
      const { subString, expressionType } = decodeSubscription(wanted);
      filters.ofExpression(subString, expressionType);
      return {};
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
  const data = decodeHeartbeat(body);
  refuseExcess(deps.config, data);
  const { clientID, producerGroups, consumers, withoutSub } = data;
  const lastHeartbeat = deps.clock.monotonic();
  const lastUpdateTimestamp = deps.clock.now();
  const client: ClientInfo = { clientId: clientID, language, version, connection, lastHeartbeat, lastUpdateTimestamp };
  const refusals: RequestRefusedError[] = [];
  let changed = false;
  for (const group of producerGroups) unlessRefused(refusals, () => deps.clients.registerProducer(group, client));
  for (const consumer of consumers) {
    unlessRefused(refusals, () => (changed = registerConsumer(deps, consumer, client, withoutSub) || changed));
  }
  if (refusals.length > 0) throw refusals[0];
  // Heartbeats of version 2 leave subscriptions out most of the time: clients are told to send version 1.
  return { extFields: { IS_SUPPORT_HEART_BEAT_V2: 'false', IS_SUB_CHANGE: String(changed) } };
}

/** A group beyond a limit must not keep the other groups of its client out. */
function unlessRefused(refusals: RequestRefusedError[], register: () => unknown): void {
  try {
    register();
  } catch (error) {
    if (!(error instanceof RequestRefusedError)) throw error;
    refusals.push(error);
  }
}

/** Refuses the whole heartbeat where it exceeds what any client needs. @throws RequestRefusedError */
function refuseExcess(limits: ClientLimits, { clientID, producerGroups, consumers }: HeartbeatData): void {
  const { maxGroupsPerClient, maxSubscriptionsPerGroup, maxFilterLength } = limits;
  requireShort(clientID, 'the client id');
  const groups = producerGroups.length + consumers.length;
  requireAtMost(groups, maxGroupsPerClient, 'maxGroupsPerClient', 'groups of one client');
  for (const group of producerGroups) requireShort(group, 'the producer group');
  for (const { subscriptionDataSet } of consumers) {
    const { length } = subscriptionDataSet;
    requireAtMost(length, maxSubscriptionsPerGroup, 'maxSubscriptionsPerGroup', 'subscriptions of one group');
    for (const subscription of subscriptionDataSet) refuseSubscription(subscription, maxFilterLength);
  }
}

function refuseSubscription({ topic, subString, tagsSet, codeSet }: SubscriptionData, maxFilterLength: number): void {
  requireShort(topic, 'the topic of a subscription');
  const fault = filterFault(subString, maxFilterLength);
  if (fault !== undefined) throw new RequestRefusedError(ResponseCode.SUBSCRIPTION_PARSE_FAILED, fault);
  // Each tag has a character and a separator in the expression.
  const tags = Math.max(tagsSet.length, codeSet.length);
  requireAtMost(2 * tags, maxFilterLength, 'maxFilterLength', 'tags of a subscription');
  for (const tag of tagsSet) requireAtMost(tag.length, maxFilterLength, 'maxFilterLength', 'characters of a tag');
}

function registerConsumer(
  { groups, topics, clients }: ClientDeps,
  consumer: ConsumerData,
  client: ClientInfo,
  withoutSub: boolean,
): boolean {
  const group = groups.findOrCreate(consumer.groupName);
  if (!group) return false;
  // Nobody retries while broadcasting, but mqadmin and the dashboard look for a group's broker by the route of this topic.
  if (group.retryQueueNums > 0) topics.create(retryTopic(group.groupName), group.retryQueueNums);
  const whole = withoutSub ? withKnownSubscriptions(clients, consumer) : consumer;
  return clients.registerConsumer(whole, client, withoutSub);
}

function withKnownSubscriptions(clients: Clients, consumer: ConsumerData): ConsumerData {
  const known = clients.consumers(consumer.groupName)?.subscriptions.values() ?? [];
  return { ...consumer, subscriptionDataSet: [...known] };
}
