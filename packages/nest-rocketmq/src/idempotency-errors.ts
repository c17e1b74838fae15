// Declares the errors of idempotent consumption.
import { RocketMQError } from '@nest-rocketmq/remoting/internal';

/** Another delivery of the message, or of a duplicate, is being worked on. It is delivered again later, and then looked up. */
export class MessageInProgressError extends RocketMQError<'MESSAGE_IN_PROGRESS'> {
  constructor(
    readonly scope: string,
    readonly key: string,
    /** When the other one's lease ends unless it is extended: ms from now. */
    readonly remaining: number,
  ) {
    super(
      'MESSAGE_IN_PROGRESS',
      `'${key}' of ${scope} is being worked on: that lease runs for another ${Math.ceil(remaining)} ms unless it is ` +
        'extended. Try again later, as a listener does by itself.',
    );
  }
}

/** The work has been done before. Raised in the database transaction that is to do it, so that it is rolled back. */
export class DuplicateMessageError extends RocketMQError<'DUPLICATE_MESSAGE'> {
  constructor(
    readonly scope: string,
    readonly key: string,
  ) {
    super(
      'DUPLICATE_MESSAGE',
      `'${key}' of ${scope} has been done before. Let this error end the database transaction: its message counts as consumed.`,
    );
  }
}

/** The lease ended while the work went on, and another owner may have begun it: what this one did counts as not done. */
export class LeaseLostError extends RocketMQError<'LEASE_LOST'> {
  constructor(
    readonly scope: string,
    readonly key: string,
  ) {
    super(
      'LEASE_LOST',
      `'${key}' of ${scope} was finished after its lease had been lost, or somebody has made the store forget it. It is ` +
        'tried again. If that happens often, the event loop or the store stands still for longer than `lease`: raise it.',
    );
  }
}

/** The store of idempotent consumption failed. Unless `onStoreError` is 'callHandler', the message is delivered again later. */
export class IdempotencyStoreError extends RocketMQError<'IDEMPOTENCY_STORE'> {
  constructor(step: string, options: { cause: unknown }) {
    const { cause } = options;
    super(
      'IDEMPOTENCY_STORE',
      `the idempotency store failed at ${step}: ${cause instanceof Error ? cause.message : String(cause)}. The work was ` +
        `not begun. Check the store's database; with onStoreError: 'callHandler' work goes on without it, perhaps twice.`,
      options,
    );
  }
}

/** A `MemoryIdempotencyStore` has `maxRecords` keys that are being worked on, and drops none of them. */
export class IdempotencyStoreFullError extends RocketMQError<'IDEMPOTENCY_STORE_FULL'> {
  constructor(maxRecords: number) {
    super(
      'IDEMPOTENCY_STORE_FULL',
      `${maxRecords} keys are being worked on, as many as the store may hold. Raise maxRecords of MemoryIdempotencyStore.`,
    );
  }
}

/** The errors of this file. */
export type IdempotencyError =
  | MessageInProgressError
  | DuplicateMessageError
  | LeaseLostError
  | IdempotencyStoreError
  | IdempotencyStoreFullError;
