// Parses a destination: 'topic', 'topic:tag' or an object.
import {
  GROUP_MAX_LENGTH,
  InvalidOptionError,
  TOPIC_MAX_LENGTH,
  isTopicOrGroupIllegal,
} from '@nest-rocketmq/remoting/internal';
import { checkKeys } from '../option-checks.js';

/** Where a message goes, as an object. */
export interface DestinationObject {
  topic: string;
  /** One tag, by which listeners can filter. */
  tag?: string;
}

/** Where a message goes: 'topic', 'topic:tag' (split at the first colon, as rocketmq-spring does), or an object. */
export type Destination = string | DestinationObject;

const NAME_RULE = 'letters, digits, _, -, % and |';

export function parseDestination(destination: Destination): DestinationObject {
  if (typeof destination === 'string') {
    const colon = destination.indexOf(':');
    if (colon < 0) return { topic: checkTopic('destination', destination) };
    const tag = checkTag('destination', destination.slice(colon + 1), destination);
    return { topic: checkTopic('destination', destination.slice(0, colon)), tag };
  }
  if (typeof destination !== 'object' || destination === null) {
    throw new InvalidOptionError('destination', destination, `'topic', 'topic:tag' or { topic, tag }`);
  }
  checkKeys('destination', destination, ['topic', 'tag']);
  const topic = checkTopic('destination.topic', destination.topic);
  if (destination.tag === undefined) return { topic };
  return { topic, tag: checkTag('destination.tag', destination.tag, destination.tag) };
}

export function checkTopic(option: string, topic: unknown): string {
  if (typeof topic === 'string' && topic.length <= TOPIC_MAX_LENGTH && !isTopicOrGroupIllegal(topic)) return topic;
  throw new InvalidOptionError(option, topic, `a topic of 1 to ${TOPIC_MAX_LENGTH} characters: ${NAME_RULE}`);
}

export function checkGroup(option: string, group: unknown): string {
  if (typeof group === 'string' && group.length <= GROUP_MAX_LENGTH && !isTopicOrGroupIllegal(group)) return group;
  throw new InvalidOptionError(option, group, `a group of 1 to ${GROUP_MAX_LENGTH} characters: ${NAME_RULE}`);
}

/** Checks the one tag of a message. A consumer's expression splits at `||` and drops spaces, so a tag has neither. */
export function checkTag(option: string, tag: unknown, given: unknown = tag): string {
  if (typeof tag === 'string' && tag.length > 0 && tag.trim() === tag && !tag.includes('|') && tag !== '*') return tag;
  throw new InvalidOptionError(option, given, `one non-empty tag without '|' and without spaces around it`);
}
