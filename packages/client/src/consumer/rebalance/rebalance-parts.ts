// Defines what a rebalance works with.
import type { MessageQueue, AllocateMessageQueueStrategy } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import type { MessageModel } from '../options/consumer-options.js';
import type { OffsetStore } from '../offsets/offset-store.js';
import type { ProcessQueue } from '../process-queue/process-queue.js';
import type { QueueLocks } from './queue-locks.js';

export interface RebalanceParts {
  context: ClientContext;
  group: string;
  messageModel: MessageModel;
  strategy: AllocateMessageQueueStrategy;
  /** All topics subscribed to now, the retry topic among them. */
  topics: () => readonly string[];
  offsets: OffsetStore;
  startOffset: (queue: MessageQueue) => Promise<number>;
  /** A broker at this address has told who the members of the group are. Never rejects. */
  membersSeen: (address: string, clientIds: readonly string[]) => Promise<void>;
  /** The queue is ours: pull it from this offset on. */
  begin: (queue: ProcessQueue, offset: number) => void;
  /** Queues of the topic have come or gone: told what all and ours are. It may throw. */
  divided?: (topic: string, all: readonly MessageQueue[], mine: readonly MessageQueue[]) => void;
  /** Whether a queue that another member may have had is begun only when that one has had time to store its offset. */
  takesOver?: boolean;
  /** Where order is kept: a queue is begun only when it is locked, and unlocked when it is given up. */
  locks?: QueueLocks;
}

/** A topic's queues as they are divided now. */
export interface Division {
  readonly all: readonly MessageQueue[];
  readonly mine: readonly MessageQueue[];
  /** Whether others of the group may have had what comes to us. */
  readonly shared?: boolean;
}
