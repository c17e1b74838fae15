// Answers requests that create, change, show and delete consumer groups, and that show who is connected to them.
import {
  ResponseCode,
  decodeSubscriptionGroupConfig,
  encodeJson,
  objectOf,
  objectsIn,
  parseJsonObject,
  printable,
  subscriptionGroupConfig,
  subscriptionJson,
} from '@nest-rocketmq/remoting/internal';
import type { Answer, Handlers, JsonObject, SubscriptionGroupConfig } from '@nest-rocketmq/remoting/internal';
import { GROUP_ATTRIBUTES, InvalidAttributeError, changeAttributes } from '../metadata/attributes.js';
import type { ClientInfo, Clients } from '../clients/clients.js';
import { popRetryTopicsOf, removeTopic } from './remove-topic.js';
import type { RemoveTopicDeps } from './remove-topic.js';
import { requireShort } from '../config/limits.js';
import type { Groups } from '../metadata/groups.js';
import { isGroupName, isSystemGroup } from '../metadata/names.js';

export interface GroupAdminDeps extends RemoveTopicDeps {
  clients: Clients;
}

type Names =
  | 'UPDATE_AND_CREATE_SUBSCRIPTIONGROUP'
  | 'UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST'
  | 'UPDATE_AND_GET_GROUP_FORBIDDEN'
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
  | 'UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST'
  | 'UPDATE_AND_GET_GROUP_FORBIDDEN'
  | 'GET_ALL_SUBSCRIPTIONGROUP_CONFIG'
  | 'GET_SUBSCRIPTIONGROUP_CONFIG'
  | 'DELETE_SUBSCRIPTIONGROUP';

function settingsHandlers(deps: GroupAdminDeps): Pick<Handlers<'broker'>, SettingsNames> {
  const { groups, offsets, stats } = deps;
  return {
    UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: ({ body }) => update(groups, [parseJsonObject(body, 'a subscription group')]),
    UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST: ({ body }) =>
      update(groups, objectsIn(parseJsonObject(body, 'a list of groups'), 'groupConfigList')),
    UPDATE_AND_GET_GROUP_FORBIDDEN: async ({ header: { group, topic, readable } }) => {
      if (readable !== undefined) {
        requireShort(group, 'the group');
        requireShort(topic, 'the topic');
        groups.forbidReading(group, topic, !readable);
        await groups.whenSaved(group);
      }
      return { remark: '', body: encodeJson({ group, topic, readable: !groups.isReadingForbidden(group, topic) }) };
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
      if (isSystemGroup(header.groupName)) {
        const remark = `The group[${header.groupName}] is conflict with system group.`;
        return { code: ResponseCode.INVALID_PARAMETER, remark };
      }
      const known = header.cleanOffset ? offsets.topicsOf(header.groupName) : [];
      const retries = known.flatMap((topic) => popRetryTopicsOf(deps, topic, header.groupName));
      groups.delete(header.groupName);
      if (header.cleanOffset) offsets.deleteGroup(header.groupName);
      else offsets.forgetPulls(header.groupName);
      stats.deleteGroup(header.groupName);
      await Promise.all([groups.whenSaved(header.groupName), ...retries.map((name) => removeTopic(deps, name))]);
      return {};
    },
  };
}

/** All of them, or none. */
async function update(groups: Groups, wanted: readonly JsonObject[]): Promise<Answer> {
  const configs: SubscriptionGroupConfig[] = [];
  for (const json of wanted) {
    const fault = wrongField(json);
    if (fault !== undefined) return { code: ResponseCode.SYSTEM_ERROR, remark: fault };
    const config = decodeSubscriptionGroupConfig(json);
    const illegal = isGroupName(config.groupName)
      ? groups.faultOf(config)
      : `the group name ${printable(config.groupName)} is illegal`;
    if (illegal !== undefined) return { code: ResponseCode.INVALID_PARAMETER, remark: illegal };
    try {
      configs.push(withAttributes(config, groups.get(config.groupName)));
    } catch (error) {
      if (!(error instanceof InvalidAttributeError)) throw error;
      return { code: ResponseCode.SYSTEM_ERROR, remark: printable(error.message) };
    }
  }
  groups.putAll(configs);
  for (const { groupName } of configs) await groups.whenSaved(groupName);
  return {};
}

/** Names a setting of the wrong type: the default must not replace it silently. */
function wrongField(json: JsonObject): string | undefined {
  for (const [name, usual] of Object.entries(subscriptionGroupConfig(''))) {
    const given = json[name];
    if (given === undefined || given === null) continue;
    const text = typeof given === 'string' ? given : JSON.stringify(given);
    if (typeof usual === 'boolean' && !/^(true|false)$/.test(text))
      return `${name}: ${printable(text)} was given, allowed are true and false`;
    if (typeof usual === 'number' && !/^-?\d+$/.test(text))
      return `${name}: ${printable(text)} was given, allowed is a whole number`;
  }
  const attributes = Object.entries(objectOf(json['attributes']));
  const wrong = attributes.find(([, value]) => typeof value !== 'string');
  return wrong && `attributes: the value of ${printable(wrong[0])} must be a string`;
}

/** The settings with the group's attributes after the given changes. @throws InvalidAttributeError */
function withAttributes(
  given: SubscriptionGroupConfig,
  known: SubscriptionGroupConfig | undefined,
): SubscriptionGroupConfig {
  const changes = new Map(Object.entries(given.attributes));
  return { ...given, attributes: changeAttributes(GROUP_ATTRIBUTES, known?.attributes, changes) };
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
