// Owns the answers that make, change, show and delete groups, and that show who is connected under them.
import {
  ResponseCode,
  decodeSubscriptionGroupConfig,
  encodeJson,
  parseJsonObject,
  printable,
  subscriptionJson,
} from '@nest-rocketmq/remoting';
import type { Answer, Handlers } from '@nest-rocketmq/remoting';
import type { ClientInfo, Clients } from '../clients.js';
import type { Groups } from '../groups.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import { isGroupName } from '../names.js';
import type { ConsumerOffsets } from '../offsets.js';

export interface GroupAdminDeps {
  groups: Groups;
  clients: Clients;
  offsets: ConsumerOffsets;
  stats: BrokerStats;
}

type Names =
  | 'UPDATE_AND_CREATE_SUBSCRIPTIONGROUP'
  | 'GET_ALL_SUBSCRIPTIONGROUP_CONFIG'
  | 'GET_SUBSCRIPTIONGROUP_CONFIG'
  | 'DELETE_SUBSCRIPTIONGROUP'
  | 'GET_CONSUMER_CONNECTION_LIST'
  | 'GET_PRODUCER_CONNECTION_LIST'
  | 'GET_ALL_PRODUCER_INFO'
  | 'QUERY_TOPICS_BY_CONSUMER'
  | 'QUERY_SUBSCRIPTION_BY_CONSUMER';

export function groupAdminHandlers(deps: GroupAdminDeps): Pick<Handlers<'broker'>, Names> {
  return { ...settingsHandlers(deps), ...onlineHandlers(deps) };
}

type SettingsNames =
  | 'UPDATE_AND_CREATE_SUBSCRIPTIONGROUP'
  | 'GET_ALL_SUBSCRIPTIONGROUP_CONFIG'
  | 'GET_SUBSCRIPTIONGROUP_CONFIG'
  | 'DELETE_SUBSCRIPTIONGROUP';

function settingsHandlers({ groups, offsets, stats }: GroupAdminDeps): Pick<Handlers<'broker'>, SettingsNames> {
  return {
    UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: async ({ body }) => {
      const config = decodeSubscriptionGroupConfig(parseJsonObject(body, 'a subscription group'));
      if (!isGroupName(config.groupName)) {
        return {
          code: ResponseCode.INVALID_PARAMETER,
          remark: `the group name ${printable(config.groupName)} is illegal`,
        };
      }
      groups.put(config);
      await groups.unsaved(config.groupName);
      return {};
    },
    GET_ALL_SUBSCRIPTIONGROUP_CONFIG: () => ({
      header: { totalGroupNum: groups.all().length },
      body: encodeJson(groups.json),
    }),
    GET_SUBSCRIPTIONGROUP_CONFIG: ({ header }) => {
      const config = groups.findOrCreate(header.group);
      if (config) return { body: encodeJson(config) };
      return {
        code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
        remark: `No group in this broker. group: ${printable(header.group)}`,
      };
    },
    DELETE_SUBSCRIPTIONGROUP: async ({ header }) => {
      groups.delete(header.groupName);
      if (header.cleanOffset) offsets.deleteGroup(header.groupName);
      else offsets.forgetPulls(header.groupName);
      stats.deleteGroup(header.groupName);
      await groups.unsaved(header.groupName);
      return {};
    },
  };
}

function onlineHandlers({ clients, offsets }: GroupAdminDeps): Pick<Handlers<'broker'>, Exclude<Names, SettingsNames>> {
  return {
    GET_CONSUMER_CONNECTION_LIST: ({ header }) => consumers(clients, header.consumerGroup),
    GET_PRODUCER_CONNECTION_LIST: ({ header: { producerGroup } }) => {
      const producers = clients.producers(producerGroup);
      if (producers.length > 0) return { body: encodeJson({ connectionSet: producers.map(connectionJson) }) };
      return { code: ResponseCode.SYSTEM_ERROR, remark: `the producer group[${printable(producerGroup)}] not exist` };
    },
    GET_ALL_PRODUCER_INFO: () => {
      const data = clients
        .producerGroups()
        .map((group) => [group, clients.producers(group).map(producerJson)] as const);
      return { body: encodeJson({ data: new Map(data) }) };
    },
    QUERY_TOPICS_BY_CONSUMER: ({ header }) => ({ body: encodeJson({ topicList: offsets.topicsOf(header.group) }) }),
    QUERY_SUBSCRIPTION_BY_CONSUMER: ({ header: { group, topic } }) => {
      const data = clients.consumers(group)?.subscriptions.get(topic ?? '');
      return { body: encodeJson({ group, topic, ...(data && { subscriptionData: subscriptionJson(data) }) }) };
    },
  };
}

function consumers(clients: Clients, name: string): Answer {
  const group = clients.consumers(name);
  if (!group)
    return { code: ResponseCode.CONSUMER_NOT_ONLINE, remark: `the consumer group[${printable(name)}] not online` };
  const { consumeFromWhere, consumeType, messageModel, subscriptions } = group;
  const body = encodeJson({
    connectionSet: [...group.clients.values()].map(connectionJson),
    consumeFromWhere,
    consumeType,
    messageModel,
    subscriptionTable: new Map([...subscriptions].map(([topic, data]) => [topic, subscriptionJson(data)])),
  });
  return { body };
}

function connectionJson({ connection, clientId, language, version }: ClientInfo): object {
  return { clientAddr: connection.remoteAddress, clientId, language, version };
}

function producerJson({ connection, clientId, language, version, lastUpdateTimestamp }: ClientInfo): object {
  return { clientId, remoteIP: connection.remoteAddress, language, version, lastUpdateTimestamp };
}
