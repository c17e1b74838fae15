// Owns the answers to orderly consumers that lock and unlock queues. Leaves the locks to queue-locks.ts.
import { decodeLockBatch, encodeLockOk } from '@nest-rocketmq/remoting';
import type { Handlers } from '@nest-rocketmq/remoting';
import type { QueueLocks } from '../queue-locks.js';

export function lockHandlers(locks: QueueLocks): Pick<Handlers<'broker'>, 'LOCK_BATCH_MQ' | 'UNLOCK_BATCH_MQ'> {
  return {
    LOCK_BATCH_MQ: ({ body }) => {
      const { consumerGroup, clientId, mqSet } = decodeLockBatch(body);
      return { body: encodeLockOk(locks.lock(consumerGroup, clientId, mqSet)) };
    },
    UNLOCK_BATCH_MQ: ({ body }) => {
      const { consumerGroup, clientId, mqSet } = decodeLockBatch(body);
      locks.unlock(consumerGroup, clientId, mqSet);
      return {};
    },
  };
}
