// Restores topics and groups whose configuration is lost, from the store's queues and the committed offsets, and names in
// the log what cannot be restored.
import type { Logger } from '@nest-rocketmq/remoting/internal';
import { listed } from './config-entries.js';
import type { ConfigSource } from './config-file.js';
import type { Groups } from './groups.js';
import { isGroupName, isSystemGroup, topicNameFault } from './names.js';
import type { ConsumerOffsets } from './offsets.js';
import type { MessageStore } from '../store/store.js';
import { MOST_LOADED_QUEUES } from './topics.js';
import type { Topics } from './topics.js';

interface Loaded {
  source: ConfigSource;
}

export interface LostConfigOptions {
  store: MessageStore;
  topics: Topics;
  groups: Groups;
  offsets: ConsumerOffsets;
  topicFile: Loaded;
  groupFile: Loaded;
  offsetFile: Loaded;
  logger: Logger;
}

export function recoverLostConfig(options: LostConfigOptions): void {
  recoverTopics(options);
  recoverGroups(options);
  checkOffsets(options);
}

/** A topic with messages must have an entry: without one, its file has lost it. */
function recoverTopics({ store, topics, topicFile, logger }: LostConfigOptions): void {
  if (topicFile.source === 'file' && topics.leftOut === 0) return;
  const queueCounts = new Map<string, number>();
  for (const { topic, queueId } of store.queues())
    if (!topics.get(topic) && queueId < MOST_LOADED_QUEUES)
      queueCounts.set(topic, Math.max(queueCounts.get(topic) ?? 0, queueId + 1));
  const found: string[] = [];
  for (const [topic, queues] of queueCounts) {
    if (topicNameFault(topic) !== undefined) continue;
    topics.create(topic, queues);
    found.push(`${topic} (${queues})`);
  }
  if (found.length === 0) return;
  logger.warn(
    'topics that were missing in topics.json are created again, with the queues that have messages and permission to ' +
      `read and write: ${listed(found)}`,
  );
}

function recoverGroups({ groups, offsets, groupFile, logger }: LostConfigOptions): void {
  if (groupFile.source === 'file' && groups.leftOut === 0) return;
  const found = new Set<string>();
  for (const { group } of offsets.all()) {
    if (groups.get(group) || isSystemGroup(group) || !isGroupName(group)) continue;
    groups.restore(group);
    found.add(group);
  }
  if (found.size > 0)
    logger.warn(
      `groups that were missing in subscriptionGroup.json have the default settings now: ${listed([...found])}`,
    );
}

function checkOffsets({ store, offsets, offsetFile, logger }: LostConfigOptions): void {
  if (offsetFile.source === 'nothing' || offsetFile.source === 'damaged') {
    // The file exists from now on: where a later start finds none, it was lost.
    offsets.saveSoon();
    if ([...store.queues()].length > 0)
      logger.warn(
        'consumerOffset.json is missing though the store has messages: the offsets of all groups are lost. Each group ' +
          'begins where its consumeFromWhere says; set offsets first if no message may be skipped or consumed twice.',
      );
  }
  const lowered = offsets.lowerTo((topic, queueId) => store.maxOffset(topic, queueId));
  if (lowered.length > 0)
    logger.warn(`offsets beyond the end of their queue are lowered to its end: ${listed(lowered)}`);
}
