// Answers requests that remove at once what the broker would remove in its time: old messages, and what is left of them.
import type { Handlers } from '@nest-rocketmq/remoting/internal';
import { isSystemTopic } from '../metadata/names.js';
import type { MessageStore } from '../store/store.js';
import type { Topics } from '../metadata/topics.js';

export interface CleaningDeps {
  store: MessageStore;
  topics: Topics;
}

type Names = 'CLEAN_EXPIRED_CONSUMEQUEUE' | 'CLEAN_UNUSED_TOPIC' | 'DELETE_EXPIRED_COMMITLOG';

export function cleaningHandlers({ store, topics }: CleaningDeps): Pick<Handlers<'broker'>, Names> {
  return {
    DELETE_EXPIRED_COMMITLOG: async () => {
      await store.retention.deleteExpired();
      return {};
    },
    CLEAN_EXPIRED_CONSUMEQUEUE: async () => {
      await store.retention.cleanQueues();
      return {};
    },
    CLEAN_UNUSED_TOPIC: async () => {
      const stored = new Set([...store.queues()].map(({ topic }) => topic));
      const used = (topic: string): boolean =>
        topics.get(topic) !== undefined || isSystemTopic(topic) || topics.systemTopicNames.includes(topic);
      for (const topic of stored) if (!used(topic)) await store.deleteTopic(topic);
      return {};
    },
  };
}
