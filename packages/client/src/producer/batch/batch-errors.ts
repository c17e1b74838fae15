// Defines the errors of batches: what became of each message when some could not be sent.
import { MQClientError } from '../../client-error.js';
import { describe } from '../../errors.js';
import type { OutgoingMessage, SendResult } from '../options/producer-options.js';

/** A message of a batch that was not sent, or of which that is not certain. */
export interface BatchFailure {
  /** Its place in the batch, from 0. */
  readonly index: number;
  /** The message as it was given. */
  readonly message: OutgoingMessage;
  /** As `Producer.send` throws it, or a SendSkippedError. */
  readonly error: unknown;
}

/** Some messages of a batch could not be sent. `cause` is the error of the first of them. */
export class BatchSendFailedError extends MQClientError<'BATCH_SEND_FAILED'> {
  constructor(
    /** One for each message, in their order; undefined for those of `failures`. */
    readonly results: readonly (SendResult | undefined)[],
    /** In the order of the messages. */
    readonly failures: readonly BatchFailure[],
  ) {
    const [first] = failures;
    super(
      'BATCH_SEND_FAILED',
      `${failures.length} of the ${results.length} messages of a batch failed, the others are stored. Message ` +
        `${first?.index ?? -1}: ${describe(first?.error)} Send those of \`failures\` again; \`results\` has the others.`,
      { cause: first?.error },
    );
  }
}

/** A message was not sent because an earlier one of its queue failed, which it would have overtaken. */
export class SendSkippedError extends MQClientError<'SEND_SKIPPED'> {
  constructor(
    readonly topic: string,
    /** Of the queue that was chosen for it. */
    readonly brokerName: string,
    readonly queueId: number,
    options: { cause: unknown },
  ) {
    super(
      'SEND_SKIPPED',
      `a message for queue ${queueId} of topic ${topic} on ${brokerName} was not sent, since an earlier one of the batch ` +
        `failed: ${describe(options.cause)} Send both again, in their order.`,
      options,
    );
  }
}
