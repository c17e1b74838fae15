// Checks the names of topics and groups, and names RocketMQ's own topics.

const NAME = /^[%|a-zA-Z0-9_-]+$/;

/** Longest topic name, characters. Retry and dead-letter topics carry their prefix on top. */
export const TOPIC_MAX_LENGTH = 127;
/** Longest group name, characters. */
export const GROUP_MAX_LENGTH = 120;

const RETRY_GROUP_TOPIC_PREFIX = '%RETRY%';
const DLQ_GROUP_TOPIC_PREFIX = '%DLQ%';

/** The topic whose settings brokers use for topics that they create. */
export const AUTO_CREATE_TOPIC_KEY = 'TBW102';
/** Keeps delayed messages until they are due; each queue is a delay level. */
export const SCHEDULE_TOPIC = 'SCHEDULE_TOPIC_XXXX';
/** Keeps messages that have a delivery time of their own until they are due. */
export const TIMER_TOPIC = 'rmq_sys_wheel_timer';
/** Keeps transactional messages until they are committed. */
export const HALF_TOPIC = 'RMQ_SYS_TRANS_HALF_TOPIC';
/** Records which half messages are committed or rolled back. */
export const OP_HALF_TOPIC = 'RMQ_SYS_TRANS_OP_HALF_TOPIC';
/** Keeps half messages that were checked too often. */
export const TRANS_CHECK_MAX_TIME_TOPIC = 'TRANS_CHECK_MAX_TIME_TOPIC';
export const SELF_TEST_TOPIC = 'SELF_TEST_TOPIC';
export const OFFSET_MOVED_EVENT = 'OFFSET_MOVED_EVENT';

/** Topics that only brokers write to: clients do not send to them, and brokers refuse such sends. */
export const NOT_ALLOWED_SEND_TOPICS: ReadonlySet<string> = new Set([
  SCHEDULE_TOPIC,
  HALF_TOPIC,
  OP_HALF_TOPIC,
  TRANS_CHECK_MAX_TIME_TOPIC,
  SELF_TEST_TOPIC,
  OFFSET_MOVED_EVENT,
]);

/** Whether a name is empty, or has other characters than letters, digits, %, |, _ and -. */
export const isTopicOrGroupIllegal = (name: string): boolean => !NAME.test(name);

/** Where the group's failed messages wait to be delivered again. */
export const retryTopic = (group: string): string => RETRY_GROUP_TOPIC_PREFIX + group;
/** Where the group's messages go that failed too often: its dead-letter queue. */
export const dlqTopic = (group: string): string => DLQ_GROUP_TOPIC_PREFIX + group;

/** Separates the group from the topic in the name of a pop retry topic: in Apache's first version, and in its second. */
const POP_RETRY_SEPARATOR_V1 = '_';
const POP_RETRY_SEPARATOR_V2 = '+';

/** Where messages of the topic wait that the group has popped and not acknowledged. @param v2 the second version of the name */
export const popRetryTopic = (topic: string, group: string, v2: boolean): string =>
  RETRY_GROUP_TOPIC_PREFIX + group + (v2 ? POP_RETRY_SEPARATOR_V2 : POP_RETRY_SEPARATOR_V1) + topic;

/** Whether the name has the second version's separator, which no other name may have. */
export const isPopRetryTopicV2 = (topic: string): boolean =>
  isRetryTopic(topic) && topic.includes(POP_RETRY_SEPARATOR_V2);

/** A topic without messages: by its route, brokers of one name that may act for each other learn who is there. */
export const MEMBER_GROUP_TOPIC_PREFIX = 'rmq_sys_SYNC_BROKER_MEMBER_';

/** Where a cluster's brokers record which messages are popped, and which of them are acknowledged. */
export const reviveTopic = (cluster: string): string => `rmq_sys_REVIVE_LOG_${cluster}`;

/** Where a cluster's brokers store the replies to requests. */
export const replyTopic = (cluster: string): string => `${cluster}_REPLY_TOPIC`;

export const isRetryTopic = (topic: string): boolean => topic.startsWith(RETRY_GROUP_TOPIC_PREFIX);
export const isDLQTopic = (topic: string): boolean => topic.startsWith(DLQ_GROUP_TOPIC_PREFIX);

/** The group of a retry topic. */
export const groupOfRetryTopic = (topic: string): string => topic.slice(RETRY_GROUP_TOPIC_PREFIX.length);

/** Between a namespace and the name in it. */
export const NAMESPACE_SEPARATOR = '%';

/** The name of a retry or dead-letter topic's group, and what makes such a topic of one. Others stand for themselves. */
export function namePart(name: string): { bare: string; put: (bare: string) => string } {
  if (isRetryTopic(name)) return { bare: name.slice(retryTopic('').length), put: retryTopic };
  if (isDLQTopic(name)) return { bare: name.slice(dlqTopic('').length), put: dlqTopic };
  return { bare: name, put: (bare) => bare };
}

/** The name of a topic or group as the application knows it: 'order' of 'ns%order'. One that is not in the namespace stays. */
export function withoutNamespace(name: string, namespace: string): string {
  const { bare, put } = namePart(name);
  const prefix = namespace + NAMESPACE_SEPARATOR;
  return bare.startsWith(prefix) ? put(bare.slice(prefix.length)) : name;
}
