// Tells which topics and groups are the broker's own, and what is wrong with a name. A topic's name becomes a folder of
// the store, so every name is checked here.
import {
  AUTO_CREATE_TOPIC_KEY,
  GROUP_MAX_LENGTH,
  NOT_ALLOWED_SEND_TOPICS,
  TIMER_TOPIC,
  TOPIC_MAX_LENGTH,
  isDLQTopic,
  isPopRetryTopicV2,
  isRetryTopic,
  isTopicOrGroupIllegal,
} from '@nest-rocketmq/remoting/internal';

/** Longest stored topic name, characters: `%RETRY%`, a group of 120, and in a pop retry topic the topic of 127. */
const RETRY_TOPIC_MAX_LENGTH = 255;

export const BENCHMARK_TOPIC = 'BenchmarkTest';
export const TRACE_TOPIC = 'RMQ_SYS_TRACE_TOPIC';
export const TRANSACTION_GROUP = 'CID_RMQ_SYS_TRANS';

const SYSTEM_PREFIX = 'rmq_sys_';

const NOT_ALLOWED_TO_SEND: ReadonlySet<string> = new Set([
  ...NOT_ALLOWED_SEND_TOPICS,
  // Apache's broker takes a message for it, and then stumbles over it for ever if it has no time.
  TIMER_TOPIC,
  'RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC',
  'RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC',
]);

const SYSTEM_TOPICS: ReadonlySet<string> = new Set([
  ...NOT_ALLOWED_TO_SEND,
  AUTO_CREATE_TOPIC_KEY,
  BENCHMARK_TOPIC,
  TRACE_TOPIC,
  'CHECKPOINT_TOPIC',
]);

/** The groups that Apache's broker has from its first start. */
export const SYSTEM_GROUPS: readonly string[] = [
  'TOOLS_CONSUMER',
  'FILTERSRV_CONSUMER',
  'SELF_TEST_C_GROUP',
  'CID_ONS-HTTP-PROXY',
  'CID_ONSAPI_PULL',
  'CID_ONSAPI_PERMISSION',
  'CID_ONSAPI_OWNER',
  TRANSACTION_GROUP,
];

/** What is wrong with a topic's name, or undefined when nothing is. */
export function topicNameFault(topic: string): string | undefined {
  if (topic === '') return 'The specified topic is blank.';
  // Apache's brokers put a plus sign into the name of a pop retry topic of the second version.
  const plain = isPopRetryTopicV2(topic) ? topic.replace('+', '_') : topic;
  if (isTopicOrGroupIllegal(plain)) {
    return 'The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$';
  }
  const longest = isRetryTopic(topic) || isDLQTopic(topic) ? RETRY_TOPIC_MAX_LENGTH : TOPIC_MAX_LENGTH;
  if (topic.length > longest) return `The specified topic is longer than topic max length ${longest}.`;
  return undefined;
}

/** Whether a group may be made under this name. */
export function isGroupName(group: string): boolean {
  return group.length <= GROUP_MAX_LENGTH && !isTopicOrGroupIllegal(group);
}

/** System topics cannot be changed or deleted. */
export function isSystemTopic(topic: string): boolean {
  return SYSTEM_TOPICS.has(topic) || topic.startsWith(SYSTEM_PREFIX);
}

/** Topics that only the broker itself writes. */
export function isNotAllowedToSend(topic: string): boolean {
  return NOT_ALLOWED_TO_SEND.has(topic);
}

export function isSystemGroup(group: string): boolean {
  return SYSTEM_GROUPS.includes(group);
}
