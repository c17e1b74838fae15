// Owns the rules for the names of topics and groups.
import { InvalidNameError } from './errors.js';

const NAME = /^[%|a-zA-Z0-9_-]+$/;
const TOPIC_MAX_LENGTH = 127;
const GROUP_MAX_LENGTH = 120;

export const RETRY_GROUP_TOPIC_PREFIX = '%RETRY%';
export const DLQ_GROUP_TOPIC_PREFIX = '%DLQ%';

export function retryTopicOf(group: string): string {
  return RETRY_GROUP_TOPIC_PREFIX + group;
}

/** Topics that brokers keep for themselves; they refuse sends to them. */
const NOT_ALLOWED_SEND_TOPICS = new Set([
  'SCHEDULE_TOPIC_XXXX',
  'RMQ_SYS_TRANS_HALF_TOPIC',
  'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  'TRANS_CHECK_MAX_TIME_TOPIC',
  'SELF_TEST_TOPIC',
  'OFFSET_MOVED_EVENT',
]);

/** @throws InvalidNameError */
export function checkTopic(topic: unknown): asserts topic is string {
  checkName('topic', topic, TOPIC_MAX_LENGTH);
}

/** @throws InvalidNameError also for the brokers' own topics */
export function checkSendTopic(topic: unknown): asserts topic is string {
  checkTopic(topic);
  if (NOT_ALLOWED_SEND_TOPICS.has(topic)) {
    throw new InvalidNameError('topic', topic, 'is kept by brokers for themselves; send to another one');
  }
}

/**
 * @param refused the name that Apache keeps as a placeholder for "not set"
 * @throws InvalidNameError
 */
export function checkGroup(group: unknown, refused?: string): asserts group is string {
  checkName('group', group, GROUP_MAX_LENGTH);
  if (group === refused) throw new InvalidNameError('group', group, 'is a placeholder of RocketMQ; choose your own');
}

function checkName(kind: 'topic' | 'group', name: unknown, longest: number): void {
  if (typeof name !== 'string' || name.trim() === '') {
    throw new InvalidNameError(kind, name, 'is empty; give one');
  }
  if (name.length > longest) throw new InvalidNameError(kind, name, `is longer than ${longest} characters`);
  if (!NAME.test(name))
    throw new InvalidNameError(kind, name, 'has other characters than letters, digits, %, |, _ and -');
}
