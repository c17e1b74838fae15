// Says what a consumer group of the app consumes, and how far it is.
import type { MessageModel, QueueOffset } from '@nest-rocketmq/client';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import type { ListenerContainer } from './listener-container.js';
import type { ListenerGroup } from './listener-groups.js';

/** A consumer group of the app. */
export interface SubscribedGroup {
  readonly group: string;
  readonly topics: readonly string[];
  readonly messageModel: MessageModel;
  /** How far this process has consumed its queues of them. */
  readonly offsets: readonly QueueOffset[];
}

/** @param containers those that run */
export function subscribedGroup(
  { group, subscriptions, shared }: ListenerGroup,
  containers: readonly ListenerContainer[],
  { consumer }: ResolvedOptions,
): SubscribedGroup {
  return {
    group,
    topics: subscriptions.map(({ topic }) => topic),
    messageModel: shared.messageModel ?? consumer.messageModel ?? 'CLUSTERING',
    offsets: containers.find(({ name }) => name === group)?.offsets ?? [],
  };
}
