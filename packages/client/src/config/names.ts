// Refuses topic and group names that RocketMQ does not take.
import {
  GROUP_MAX_LENGTH,
  NOT_ALLOWED_SEND_TOPICS,
  TOPIC_MAX_LENGTH,
  isTopicOrGroupIllegal,
} from '@nest-rocketmq/remoting/internal';
import { InvalidNameError } from '../errors.js';

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
  if (name.length > longest) throw new InvalidNameError(kind, name, `is longer than ${longest} characters; shorten it`);
  if (isTopicOrGroupIllegal(name))
    throw new InvalidNameError(kind, name, 'has other characters than letters, digits, %, |, _ and -; use these only');
}
