// Owns what a topic and a group may be called, and the names that RocketMQ keeps for topics of its own. Leaves to client
// and broker what each says of a name that will not do, and to the broker which of its own topics it makes.

const NAME = /^[%|a-zA-Z0-9_-]+$/;

/** Longest topic name, characters. Retry and dead-letter topics carry their prefix on top. */
export const TOPIC_MAX_LENGTH = 127;
/** Longest group name, characters. */
export const GROUP_MAX_LENGTH = 120;

const RETRY_GROUP_TOPIC_PREFIX = '%RETRY%';
const DLQ_GROUP_TOPIC_PREFIX = '%DLQ%';

/** The topic by whose rule brokers make others. */
export const AUTO_CREATE_TOPIC_KEY = 'TBW102';
/** Delayed messages until they are due; a queue is a delay level. */
export const SCHEDULE_TOPIC = 'SCHEDULE_TOPIC_XXXX';
/** Messages with a time of their own until they are due. */
export const TIMER_TOPIC = 'rmq_sys_wheel_timer';
/** Transactional messages until they are committed. */
export const HALF_TOPIC = 'RMQ_SYS_TRANS_HALF_TOPIC';
/** Which halves are settled. */
export const OP_HALF_TOPIC = 'RMQ_SYS_TRANS_OP_HALF_TOPIC';
/** Halves that were checked back too often. */
export const TRANS_CHECK_MAX_TIME_TOPIC = 'TRANS_CHECK_MAX_TIME_TOPIC';
export const SELF_TEST_TOPIC = 'SELF_TEST_TOPIC';
export const OFFSET_MOVED_EVENT = 'OFFSET_MOVED_EVENT';

/** Topics that only brokers write: clients do not send to them, and brokers refuse it. */
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
/** Where the group's messages end that failed too often. */
export const dlqTopic = (group: string): string => DLQ_GROUP_TOPIC_PREFIX + group;

export const isRetryTopic = (topic: string): boolean => topic.startsWith(RETRY_GROUP_TOPIC_PREFIX);
export const isDLQTopic = (topic: string): boolean => topic.startsWith(DLQ_GROUP_TOPIC_PREFIX);

/** The group whose failures go to this retry topic. */
export const groupOfRetryTopic = (topic: string): string => topic.slice(RETRY_GROUP_TOPIC_PREFIX.length);
