// Answers requests of orderly consumers to lock and unlock queues.
import { decodeLockBatch, encodeLockOk } from '@nest-rocketmq/remoting/internal';
import type { Handlers, LockBatchBody, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { Groups } from '../metadata/groups.js';
import { requireAtMost, requireShort } from '../config/limits.js';
import type { QueueLocks } from './queue-locks.js';
import type { Topics } from '../metadata/topics.js';

export interface LockDeps {
  locks: QueueLocks;
  topics: Topics;
  groups: Groups;
  config: { maxLockQueues: number };
}

export function lockHandlers(deps: LockDeps): Pick<Handlers<'broker'>, 'LOCK_BATCH_MQ' | 'UNLOCK_BATCH_MQ'> {
  const { locks, topics, groups } = deps;
  const read = (body: Buffer): LockBatchBody => {
    const batch = decodeLockBatch(body);
    requireShort(batch.clientId, 'the client id');
    requireAtMost(batch.mqSet.length, deps.config.maxLockQueues, 'maxLockQueues', 'queues to lock');
    return batch;
  };
  const exists = ({ topic, queueId }: MessageQueue): boolean =>
    queueId >= 0 && queueId < (topics.get(topic)?.readQueueNums ?? 0);
  return {
    LOCK_BATCH_MQ: ({ body }) => {
      const { consumerGroup, clientId, mqSet } = read(body);
      // Queues that do not exist are not locked: locks for them would only cost memory.
      const known = groups.findOrCreate(consumerGroup) ? mqSet.filter(exists) : [];
      return { body: encodeLockOk(locks.lock(consumerGroup, clientId, known)) };
    },
    UNLOCK_BATCH_MQ: ({ body }) => {
      const { consumerGroup, clientId, mqSet } = read(body);
      locks.unlock(consumerGroup, clientId, mqSet);
      return {};
    },
  };
}
