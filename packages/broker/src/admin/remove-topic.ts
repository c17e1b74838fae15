// Removes a topic, and finds the pop retry topics that go with a topic or a group.
import { groupOfRetryTopic, popRetryTopic } from '@nest-rocketmq/remoting/internal';
import type { Groups } from '../metadata/groups.js';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import type { Topics } from '../metadata/topics.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import type { MessageStore } from '../store/store.js';

export interface RemoveTopicDeps {
  topics: Topics;
  groups: Groups;
  offsets: ConsumerOffsets;
  store: MessageStore;
  stats: BrokerStats;
}

/** Resolves when it is gone for good. */
export async function removeTopic({ topics, offsets, store, stats }: RemoveTopicDeps, topic: string): Promise<void> {
  topics.delete(topic);
  offsets.deleteTopic(topic);
  stats.deleteTopic(topic);
  await Promise.all([topics.whenSaved(topic), store.deleteTopic(topic)]);
}

/** Those that there are, in both versions of the name. One that looks like the retry topic of another group is left. */
export function popRetryTopicsOf({ topics, groups }: RemoveTopicDeps, topic: string, group: string): string[] {
  const names = [false, true].map((v2) => popRetryTopic(topic, group, v2));
  return names.filter((name) => topics.get(name) && !groups.get(groupOfRetryTopic(name)));
}
