// Formats subscriptions for logs: the same text for the same subscriptions, so that they can be compared by it.
import { isRetryTopic } from '../names/topic-names.js';
import type { SubscriptionData } from './heartbeat-data.js';

/**
 * 'orders *, stock a || b': in the order of the topics, tags in the order of the alphabet, without versions, and without
 * retry topics, which follow from the group.
 */
export function subscriptionsText(subscriptions: Iterable<SubscriptionData>): string {
  const topics = [...subscriptions].filter(({ topic }) => !isRetryTopic(topic)).map(subscriptionText);
  return topics.toSorted().join(', ') || 'nothing';
}

/** The subscriptions that must be the same for all members of a group: without versions and the group's retry topic. */
export function memberSubscriptionsText(
  subscriptions: Iterable<SubscriptionData>,
  { messageModel, consumeType }: { messageModel: string; consumeType: string },
): string {
  return `${subscriptionsText(subscriptions)} (${messageModel}, ${consumeType})`;
}

function subscriptionText({ topic, subString, tagsSet, expressionType }: SubscriptionData): string {
  if (expressionType !== 'TAG' && expressionType !== '') return `${topic} by ${expressionType} ${subString}`;
  return `${topic} ${tagsSet.length > 0 ? tagsSet.toSorted().join(' || ') : subString}`;
}
