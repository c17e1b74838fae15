// Defines the errors of consumers that pull.
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import { MQClientError } from '../../client-error.js';
import { describe } from '../../errors.js';
import { queueKey } from '../process-queue/process-queue.js';

/** A consumer either subscribes to topics or is assigned queues by hand. */
export class SubscriptionConflictError extends MQClientError<'SUBSCRIPTION_CONFLICT'> {
  constructor(
    readonly group: string,
    readonly mode: 'subscribe' | 'assign',
  ) {
    super(
      'SUBSCRIPTION_CONFLICT',
      `consumer ${group} has called ${mode}: subscribe and assign exclude each other. Make a second consumer, of another ` +
        'group, for the other one.',
    );
  }
}

/** The queue is not this consumer's: it was never assigned to it, or has gone to another member of the group. */
export class QueueNotAssignedError extends MQClientError<'QUEUE_NOT_ASSIGNED'> {
  constructor(
    readonly group: string,
    readonly queue: MessageQueue,
  ) {
    super(
      'QUEUE_NOT_ASSIGNED',
      `queue ${queueKey(queue)} is not assigned to consumer ${group} (now). Choose one of assignment(); in a group that ` +
        'subscribes, wait until the queues are divided: onAssignmentChanged tells.',
    );
  }
}

/** The broker does not have this offset (any more). */
export class SeekOutOfRangeError extends MQClientError<'SEEK_OUT_OF_RANGE'> {
  constructor(
    readonly queue: MessageQueue,
    readonly offset: number,
    readonly minOffset: number,
    readonly maxOffset: number,
  ) {
    super(
      'SEEK_OUT_OF_RANGE',
      `offset ${offset} of queue ${queueKey(queue)} is out of its range, ${minOffset} to ${maxOffset}. Use seekToBegin or ` +
        'seekToEnd for its ends.',
    );
  }
}

/** Two calls want messages of one consumer at the same time: the progress of one would commit the messages of the other. */
export class PollInProgressError extends MQClientError<'POLL_IN_PROGRESS'> {
  constructor(readonly group: string) {
    super(
      'POLL_IN_PROGRESS',
      `consumer ${group} is polled or iterated already. Await the poll, or end the loop, before another one; to work on ` +
        'several messages at a time, poll more of them at once.',
    );
  }
}

/** Offsets could not be stored. What was consumed since they were stored last comes again after a restart. */
export class CommitFailedError extends MQClientError<'COMMIT_FAILED'> {
  constructor(
    readonly group: string,
    readonly queues: readonly MessageQueue[],
    readonly causes: readonly unknown[],
  ) {
    super(
      'COMMIT_FAILED',
      `the offsets of group ${group} for ${queues.map(queueKey).join(', ')} could not be stored: ` +
        `${[...new Set(causes.map(describe))].join('; ')} Commit again, or leave it to the next automatic commit.`,
      { cause: causes[0] },
    );
  }
}
