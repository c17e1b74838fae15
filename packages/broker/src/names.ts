// Owns what a topic and a group may be called, and which names belong to the system. A name becomes a folder of the
// store, so nothing outside this alphabet ever gets past here.

const NAME = /^[%|a-zA-Z0-9_-]+$/;

/** Longest topic name, characters. Retry and dead-letter topics carry their prefix on top. */
export const TOPIC_MAX_LENGTH = 127;
/** Longest group name, characters. */
export const GROUP_MAX_LENGTH = 120;
/** Longest stored topic name, characters: `%RETRY%` and a group of 120. */
export const RETRY_TOPIC_MAX_LENGTH = 255;

export const RETRY_PREFIX = '%RETRY%';
export const DLQ_PREFIX = '%DLQ%';

export const AUTO_CREATE_TOPIC_KEY = 'TBW102';
export const SCHEDULE_TOPIC = 'SCHEDULE_TOPIC_XXXX';
export const HALF_TOPIC = 'RMQ_SYS_TRANS_HALF_TOPIC';
export const OP_HALF_TOPIC = 'RMQ_SYS_TRANS_OP_HALF_TOPIC';
export const TRANS_CHECK_MAX_TIME_TOPIC = 'TRANS_CHECK_MAX_TIME_TOPIC';
export const TRANSACTION_GROUP = 'CID_RMQ_SYS_TRANS';

const SYSTEM_PREFIX = 'rmq_sys_';

const NOT_ALLOWED_TO_SEND: ReadonlySet<string> = new Set([
  SCHEDULE_TOPIC,
  HALF_TOPIC,
  OP_HALF_TOPIC,
  TRANS_CHECK_MAX_TIME_TOPIC,
  'SELF_TEST_TOPIC',
  'OFFSET_MOVED_EVENT',
  'RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC',
  'RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC',
]);

const SYSTEM_TOPICS: ReadonlySet<string> = new Set([
  ...NOT_ALLOWED_TO_SEND,
  AUTO_CREATE_TOPIC_KEY,
  'BenchmarkTest',
  'RMQ_SYS_TRACE_TOPIC',
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

export const retryTopic = (group: string): string => RETRY_PREFIX + group;
export const dlqTopic = (group: string): string => DLQ_PREFIX + group;
export const isRetryTopic = (topic: string): boolean => topic.startsWith(RETRY_PREFIX);

/** What is wrong with a topic's name, or undefined when nothing is. */
export function topicNameFault(topic: string): string | undefined {
  if (topic === '') return 'The specified topic is blank.';
  if (!NAME.test(topic)) return 'The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$';
  const longest = isRetryTopic(topic) || topic.startsWith(DLQ_PREFIX) ? RETRY_TOPIC_MAX_LENGTH : TOPIC_MAX_LENGTH;
  if (topic.length > longest) return `The specified topic is longer than topic max length ${longest}.`;
  return undefined;
}

/** Whether a group may be made under this name. */
export function isGroupName(group: string): boolean {
  return group.length <= GROUP_MAX_LENGTH && NAME.test(group);
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
