// Checks how failed messages are tried again.
import { Outcome } from '@nest-rocketmq/client';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { Duration } from '../message/delay.js';
import { checkInteger, checkKeys } from '../option-checks.js';

/** How long until a failed message is delivered again: ms, such as '30s', or a level of the cluster's delay table. */
export type RetryDelay = Duration | { level: number };

/** The class of an error that no further try would help. */
export type ErrorClass = abstract new (...args: never) => unknown;

/** What happens to a message whose listener fails. */
export interface RetryOptions {
  /**
   * How often it is delivered again before it goes to the dead letters, %DLQ%group. The same as the option of this name
   * outside of `retry`; shared by the listeners of a group.
   */
  maxReconsumeTimes?: number;
  /**
   * How long until it is delivered again, or a function of the number of the failed delivery (1 is the first) and the error.
   * Brokers before 5.0 have only levels, and take the nearest one. ORDERLY and KEY_ORDERED wait in its place; levels have no
   * meaning there. Default: Apache's 10s, 30s, 1m … 2h; in order, `suspendCurrentQueueTimeMillis`.
   */
  backoff?: RetryDelay | ((attempt: number, error: unknown) => RetryDelay);
  /** Errors of these classes send it to the dead letters at once, with the error as the reason. Default: none. */
  notRetryable?: readonly ErrorClass[];
  /**
   * What becomes of a message that cannot be read or does not fit its schema, or whose payload a pipe refuses with status 400
   * or 422, as ValidationPipe does. Default: to the dead letters at once, with the reason.
   */
  onInvalid?: Outcome;
  /** How often it is tried again at once in this process, before it counts as failed. From 0 to 100, default 0. */
  inPlace?: number;
}

/** The checked options, except `maxReconsumeTimes`, which is the consumer's. */
export type CheckedRetry = Omit<RetryOptions, 'maxReconsumeTimes'>;

const OPTIONS = [
  'maxReconsumeTimes',
  'backoff',
  'notRetryable',
  'onInvalid',
  'inPlace',
] as const satisfies (keyof RetryOptions)[];
const MOST_IN_PLACE = 100;
const HIGHEST_APACHE_LEVEL = 18;

/** @throws InvalidOptionError */
export function checkRetry(given: unknown): CheckedRetry {
  checkKeys('retry', given as object, OPTIONS);
  const { backoff, notRetryable, onInvalid, inPlace } = given as RetryOptions;
  return {
    ...(backoff !== undefined && { backoff: checkBackoff(backoff) }),
    ...(notRetryable !== undefined && { notRetryable: checkClasses(notRetryable) }),
    ...(onInvalid !== undefined && { onInvalid: checkOutcome(onInvalid) }),
    ...(inPlace !== undefined && { inPlace: checkInteger('retry.inPlace', inPlace, 0, MOST_IN_PLACE) }),
  };
}

/** @throws InvalidOptionError for a delay that no message can have */
export function retryAfter(delay: RetryDelay): Outcome {
  if (typeof delay === 'number' && Number.isInteger(delay) && delay > 0 && delay <= HIGHEST_APACHE_LEVEL) {
    const allowed = `a number is ms here, and this could be a level: write { level: ${delay} } or '${delay}ms'`;
    throw new InvalidOptionError('retry.backoff', delay, allowed);
  }
  try {
    return Outcome.retryLater(delay);
  } catch (cause) {
    throw new InvalidOptionError('retry.backoff', delay, `ms, a length such as '30s', or { level: 3 }`, undefined, {
      cause,
    });
  }
}

function checkBackoff(given: NonNullable<RetryOptions['backoff']>): NonNullable<RetryOptions['backoff']> {
  if (typeof given !== 'function') retryAfter(given);
  return given;
}

function checkOutcome(given: unknown): Outcome {
  if (Outcome.is(given)) return given;
  throw new InvalidOptionError(
    'retry.onInvalid',
    given,
    "an Outcome, such as Outcome.retryLater('10m') or Outcome.ack",
  );
}

function checkClasses(given: unknown): readonly ErrorClass[] {
  if (Array.isArray(given) && given.every((each) => typeof each === 'function' && each.prototype !== undefined)) {
    return given as ErrorClass[];
  }
  throw new InvalidOptionError('retry.notRetryable', given, 'a list of classes, such as [InvalidOrderError]');
}
