// Turns a pattern of Nest's microservices into the topic and tag that stand for it.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { parseDestination } from '../message/destination.js';
import type { DestinationObject } from '../message/destination.js';

/** What topics may not have, in the words of a pattern that is an object. */
const NOT_IN_A_TOPIC = /[^\w%|-]+/g;

/**
 * 'order:created' and { topic: 'order', tag: 'created' } name a topic and a tag. Topics have no dots and slashes, which
 * patterns often have: they become underscores, so 'order.sum' is the topic order_sum. Any other object is named by its words:
 * { cmd: 'sum' } is the topic cmd_sum.
 * @param route the pattern as Nest's own text of it
 * @throws InvalidOptionError for what makes no topic
 */
export function destinationOf(pattern: unknown, route: string): DestinationObject {
  if (typeof pattern === 'string') return named(pattern);
  if (isDestination(pattern)) return parseDestination(pattern);
  if (typeof pattern === 'object' && pattern !== null) {
    return parseDestination({ topic: route.replaceAll(NOT_IN_A_TOPIC, '_').replaceAll(/^_+|_+$/g, '') });
  }
  if (typeof pattern === 'number') return parseDestination({ topic: route });
  throw new InvalidOptionError('pattern', pattern, `'topic', 'topic:tag', { topic, tag } or an object such as { cmd }`);
}

/** Names a destination: 'order:created'. */
export function nameOf({ topic, tag }: DestinationObject): string {
  return tag === undefined ? topic : `${topic}:${tag}`;
}

function named(pattern: string): DestinationObject {
  const [topic = '', ...tag] = pattern.split(':');
  return parseDestination([topic.replaceAll(/[./]/g, '_'), ...tag].join(':'));
}

function isDestination(pattern: unknown): pattern is DestinationObject {
  if (typeof pattern !== 'object' || pattern === null || !('topic' in pattern)) return false;
  return Object.keys(pattern).every((key) => key === 'topic' || key === 'tag');
}
