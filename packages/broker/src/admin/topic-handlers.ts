// Answers requests that create, change, show and delete topics.
import {
  Permission,
  ResponseCode,
  decodeTopicConfig,
  encodeJson,
  objectsIn,
  parseJsonObject,
  printable,
  topicConfig,
  topicTableJson,
} from '@nest-rocketmq/remoting/internal';
import type { Answer, Handlers, HeaderOf, Requests, TopicConfig } from '@nest-rocketmq/remoting/internal';
import {
  InvalidAttributeError,
  TOPIC_ATTRIBUTES,
  changeAttributes,
  parseAttributeChanges,
} from '../metadata/attributes.js';
import type { Clients } from '../clients/clients.js';
import { integerFault } from '../config/limits.js';
import { isSystemTopic, topicNameFault } from '../metadata/names.js';
import { popRetryTopicsOf, removeTopic } from './remove-topic.js';
import type { RemoveTopicDeps } from './remove-topic.js';
import type { Topics } from '../metadata/topics.js';

/** Single tags or several: it makes no difference to our tag filter. */
const FILTER_TYPES: readonly string[] = ['SINGLE_TAG', 'MULTI_TAG'];
/** The topic belongs to a unit, and has subscribers in one. */
const ALL_SYS_FLAGS = 3;
const ALL_PERMISSIONS = Permission.READ | Permission.WRITE | Permission.INHERIT;

export interface TopicAdminDeps extends RemoveTopicDeps {
  clients: Clients;
  config: { maxTopicQueueNums: number };
}

type Update = typeof Requests.UPDATE_AND_CREATE_TOPIC;

export function topicAdminHandlers(
  deps: TopicAdminDeps,
): Pick<
  Handlers<'broker'>,
  | 'UPDATE_AND_CREATE_TOPIC'
  | 'UPDATE_AND_CREATE_TOPIC_LIST'
  | 'GET_ALL_TOPIC_CONFIG'
  | 'GET_TOPIC_CONFIG'
  | 'DELETE_TOPIC_IN_BROKER'
  | 'QUERY_TOPIC_CONSUME_BY_WHO'
  | 'GET_SYSTEM_TOPIC_LIST_FROM_BROKER'
> {
  const { topics, offsets, clients } = deps;
  return {
    UPDATE_AND_CREATE_TOPIC: ({ header }) => update(deps, [requestOf(header)]),
    UPDATE_AND_CREATE_TOPIC_LIST: ({ body }) => {
      const listed = objectsIn(parseJsonObject(body, 'a list of topics'), 'topicConfigList').map(decodeTopicConfig);
      return update(
        deps,
        listed.map((config) => ({ config, changes: () => new Map(Object.entries(config.attributes)) })),
      );
    },
    GET_ALL_TOPIC_CONFIG: () => {
      const { table } = topics;
      return { header: { totalTopicNum: table.topicConfigTable.size }, body: encodeJson(topicTableJson(table)) };
    },
    GET_TOPIC_CONFIG: ({ header }) => {
      const config = topics.get(header.topic);
      if (config) return { body: encodeJson(config) };
      return {
        code: ResponseCode.TOPIC_NOT_EXIST,
        remark: `No topic in this broker. topic: ${printable(header.topic)}`,
      };
    },
    DELETE_TOPIC_IN_BROKER: ({ header }) => remove(deps, header.topic),
    QUERY_TOPIC_CONSUME_BY_WHO: ({ header: { topic } }) => {
      const groups = new Set([...clients.groupsSubscribedTo(topic), ...offsets.groupsOf(topic)]);
      return { body: encodeJson({ groupList: [...groups] }) };
    },
    GET_SYSTEM_TOPIC_LIST_FROM_BROKER: () => ({ body: encodeJson({ topicList: topics.systemTopicNames }) }),
  };
}

/** A topic as it is wanted. Its attributes stand apart, for these are changes. */
interface TopicRequest {
  config: TopicConfig;
  /** Sign and name to value. @throws InvalidAttributeError */
  changes: () => ReadonlyMap<string, string>;
}

function requestOf(header: HeaderOf<Update>): TopicRequest {
  const { topic, readQueueNums, writeQueueNums, perm, topicFilterType, topicSysFlag = 0, order } = header;
  const config = topicConfig(topic, { readQueueNums, writeQueueNums, perm, topicFilterType, topicSysFlag, order });
  return { config, changes: () => parseAttributeChanges(header.attributes ?? '') };
}

/** All of them, or none. */
async function update(deps: TopicAdminDeps, requests: readonly TopicRequest[]): Promise<Answer<Update>> {
  const { topics } = deps;
  const wanted: TopicConfig[] = [];
  for (const { config, changes: changesOf } of requests) {
    const refusal = refusalOf(deps, config);
    if (refusal) return refusal;
    try {
      const changes = changesOf();
      // In Apache's broker an option, off by default, enables this; its refusal has the same code.
      if (changes.get('+message.type') === 'MIXED') return invalid('MIXED message type is not supported.');
      const known = topics.get(config.topicName)?.attributes;
      wanted.push({ ...config, attributes: changeAttributes(TOPIC_ATTRIBUTES, known, changes) });
    } catch (error) {
      if (error instanceof InvalidAttributeError) return refused(printable(error.message));
      throw error;
    }
  }
  topics.putAll(wanted);
  for (const { topicName } of wanted) await topics.whenSaved(topicName);
  return {};
}

function refusalOf(
  { topics, config: { maxTopicQueueNums: most } }: TopicAdminDeps,
  wanted: TopicConfig,
): Answer | undefined {
  const { topicName, readQueueNums, writeQueueNums, perm, topicFilterType, topicSysFlag } = wanted;
  const fault =
    topicFault(topics, topicName) ??
    integerFault('readQueueNums', readQueueNums, 1, most) ??
    integerFault('writeQueueNums', writeQueueNums, 1, most);
  if (fault !== undefined) return invalid(fault);
  if (perm < 0 || perm > ALL_PERMISSIONS) return invalid(`perm ${perm} is illegal, allowed is 0 to ${ALL_PERMISSIONS}`);
  if (!FILTER_TYPES.includes(topicFilterType)) {
    const given = printable(topicFilterType);
    return refused(`topicFilterType = [${given}] value invalid: allowed are ${FILTER_TYPES.join(', ')}`);
  }
  if (topicSysFlag < 0 || topicSysFlag > ALL_SYS_FLAGS)
    return invalid(`topicSysFlag ${topicSysFlag} is illegal, allowed is 0 to ${ALL_SYS_FLAGS}`);
  return undefined;
}

async function remove(deps: TopicAdminDeps, topic: string): Promise<Answer> {
  const { topics, offsets } = deps;
  const fault = topicFault(topics, topic);
  if (fault !== undefined) return invalid(fault);
  const retries = offsets.groupsOf(topic).flatMap((group) => popRetryTopicsOf(deps, topic, group));
  await Promise.all([topic, ...retries].map((name) => removeTopic(deps, name)));
  return {};
}

function topicFault(topics: Topics, topic: string): string | undefined {
  const ours = isSystemTopic(topic) || topics.systemTopicNames.includes(topic);
  return ours ? `The topic[${printable(topic)}] is conflict with system topic.` : topicNameFault(topic);
}

function invalid(remark: string): Answer {
  return { code: ResponseCode.INVALID_PARAMETER, remark };
}

/** The code with which Apache's broker answers an exception. */
function refused(remark: string): Answer {
  return { code: ResponseCode.SYSTEM_ERROR, remark };
}
