// Owns the answers that make, change, show and delete topics. Leaves the topics to topics.ts.
import { Permission, ResponseCode, encodeJson, printable, topicConfig, topicTableJson } from '@nest-rocketmq/remoting';
import type { Answer, Handlers, HeaderOf, Requests, TopicConfig } from '@nest-rocketmq/remoting';
import type { Clients } from '../clients.js';
import { isSystemTopic, topicNameFault } from '../names.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import type { ConsumerOffsets } from '../offsets.js';
import type { MessageStore } from '../store/store.js';
import type { Topics } from '../topics.js';

/** Queues of one topic, at most. */
const MAX_TOPIC_QUEUES = 65_535;
const ALL_PERMISSIONS = Permission.READ | Permission.WRITE | Permission.INHERIT;

export interface TopicAdminDeps {
  topics: Topics;
  offsets: ConsumerOffsets;
  clients: Clients;
  store: MessageStore;
  stats: BrokerStats;
}

type Update = typeof Requests.UPDATE_AND_CREATE_TOPIC;

export function topicAdminHandlers(
  deps: TopicAdminDeps,
): Pick<
  Handlers<'broker'>,
  | 'UPDATE_AND_CREATE_TOPIC'
  | 'GET_ALL_TOPIC_CONFIG'
  | 'GET_TOPIC_CONFIG'
  | 'DELETE_TOPIC_IN_BROKER'
  | 'QUERY_TOPIC_CONSUME_BY_WHO'
  | 'GET_SYSTEM_TOPIC_LIST_FROM_BROKER'
> {
  const { topics, offsets, clients } = deps;
  return {
    UPDATE_AND_CREATE_TOPIC: ({ header }) => update(topics, header),
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

async function update(topics: Topics, header: HeaderOf<Update>): Promise<Answer<Update>> {
  const { topic, readQueueNums, writeQueueNums, perm } = header;
  const fault =
    topicFault(topic) ?? queuesFault('readQueueNums', readQueueNums) ?? queuesFault('writeQueueNums', writeQueueNums);
  if (fault !== undefined) return invalid(fault);
  if (perm < 0 || perm > ALL_PERMISSIONS) return invalid(`perm ${perm} is illegal, allowed is 0 to ${ALL_PERMISSIONS}`);
  const known = topics.get(topic);
  topics.put(
    topicConfig(topic, {
      readQueueNums,
      writeQueueNums,
      perm,
      topicFilterType: header.topicFilterType,
      topicSysFlag: header.topicSysFlag ?? 0,
      order: header.order,
      attributes: changedAttributes(known, header.attributes ?? ''),
    }),
  );
  await topics.unsaved(topic);
  return {};
}

async function remove({ topics, offsets, store, stats }: TopicAdminDeps, topic: string): Promise<Answer> {
  const fault = topicFault(topic);
  if (fault !== undefined) return invalid(fault);
  topics.delete(topic);
  offsets.deleteTopic(topic);
  store.deleteTopic(topic);
  stats.deleteTopic(topic);
  await topics.unsaved(topic);
  return {};
}

function topicFault(topic: string): string | undefined {
  return isSystemTopic(topic) ? `The topic[${printable(topic)}] is conflict with system topic.` : topicNameFault(topic);
}

function queuesFault(name: string, given: number): string | undefined {
  if (given > 0 && given <= MAX_TOPIC_QUEUES) return undefined;
  return `${name} ${given} is illegal, allowed is 1 to ${MAX_TOPIC_QUEUES}`;
}

/** @param changes `+name=value` sets one, `-name` takes one away; commas between them */
function changedAttributes(known: TopicConfig | undefined, changes: string): Record<string, string> {
  const attributes = new Map(Object.entries(known?.attributes ?? {}));
  for (const change of changes.split(',').map((one) => one.trim())) {
    const [name, value] = change.slice(1).split('=', 2);
    if (change.startsWith('-')) attributes.delete(name);
    else if (change.startsWith('+') && value !== undefined) attributes.set(name, value);
  }
  return Object.fromEntries(attributes);
}

function invalid(remark: string): Answer {
  return { code: ResponseCode.INVALID_PARAMETER, remark };
}
