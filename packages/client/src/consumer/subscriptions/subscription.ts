// Builds a subscription as brokers are told of it, and checks tags exactly, which they leave to the consumer.
import { InvalidOptionError, javaHashCode } from '@nest-rocketmq/remoting/internal';
import type { SubscriptionData } from '@nest-rocketmq/remoting/internal';
import { oneOf } from '../../config/options.js';
import type { Subscription } from '../options/consumer-options.js';

const ALL = '*';

/**
 * @param subVersion ms since the epoch: brokers keep the newest subscription of a group
 * @throws InvalidOptionError
 */
export function subscriptionData(subscription: Subscription, subVersion: number): SubscriptionData {
  const { topic, expression } = subscription;
  const expressionType = oneOf('expressionType', subscription.expressionType, 'TAG', ['TAG', 'SQL92']);
  if (expression !== undefined && typeof expression !== 'string') {
    throw new InvalidOptionError('expression', expression, 'a string');
  }
  const subString = expression?.trim() || ALL;
  const tagsSet = expressionType === 'TAG' && subString !== ALL ? tagsOf(subString) : [];
  const codeSet = [...new Set(tagsSet.map(javaHashCode))];
  return { topic, subString, tagsSet, codeSet, subVersion, expressionType, classFilterMode: false };
}

/** Brokers compare only hashes of tags, so messages of another tag with the same hash arrive too. */
export function accepts(subscription: SubscriptionData, tag: string | undefined): boolean {
  return subscription.tagsSet.length === 0 || (tag !== undefined && subscription.tagsSet.includes(tag));
}

/** 'TagA || TagB' */
function tagsOf(expression: string): string[] {
  const tags = expression
    .split('||')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  if (tags.length === 0) {
    throw new InvalidOptionError('expression', expression, "'*', or tags as 'TagA || TagB'");
  }
  return [...new Set(tags)];
}
