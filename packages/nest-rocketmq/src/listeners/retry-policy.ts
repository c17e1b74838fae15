// Decides what becomes of a message whose listener has failed.
import { Outcome } from '@nest-rocketmq/client';
import { Logger } from '@nestjs/common';
import { MessageDecodeError, MessageValidationError } from '../errors.js';
import { MessageInProgressError } from '../idempotency-errors.js';
import type { CheckedRetry } from '../options/retry-options.js';
import { retryAfter } from '../options/retry-options.js';
import { reasonOf } from '../pipeline/failure-reason.js';

export class RetryPolicy {
  readonly #logger = new Logger('RocketMQ');
  readonly #retry: CheckedRetry;

  constructor(retry: CheckedRetry = {}) {
    this.#retry = retry;
  }

  /** Further tries in this process. */
  get inPlace(): number {
    return this.#retry.inPlace ?? 0;
  }

  /** Whether a further try in this process could help. Not at once where another delivery is at work on the message. */
  isRetryable(error: unknown): boolean {
    return !Outcome.is(error) && !this.#isHopeless(error) && !(error instanceof MessageInProgressError);
  }

  /**
   * @param error what the listener threw or said, which may be an Outcome
   * @param attempt the delivery that failed; the first is 1
   */
  outcomeOf(error: unknown, attempt: number): Outcome {
    if (Outcome.is(error)) return error;
    if (isInvalid(error) && this.#retry.onInvalid) return this.#retry.onInvalid;
    if (this.#isHopeless(error)) return Outcome.toDeadLetter(reasonOf(error, false));
    const { backoff } = this.#retry;
    if (backoff === undefined) return Outcome.retry;
    if (typeof backoff !== 'function') return retryAfter(backoff);
    try {
      return retryAfter(backoff(attempt, error));
    } catch (failure) {
      this.#logger.error(`retry.backoff failed, and the usual pause is used instead: ${reasonOf(failure, true)}`);
      return Outcome.retry;
    }
  }

  #isHopeless(error: unknown): boolean {
    if (isInvalid(error)) return true;
    return this.#retry.notRetryable?.some((type) => error instanceof type) ?? false;
  }
}

/** A body that cannot be decoded now, or is not what the listener takes, stays so. */
function isInvalid(error: unknown): boolean {
  return error instanceof MessageDecodeError || error instanceof MessageValidationError;
}
