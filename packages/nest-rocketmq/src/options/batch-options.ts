// Checks how many messages a batch listener is given.
import type { Duration } from '../message/delay.js';
import { checkDuration, checkInteger, checkKeys } from '../option-checks.js';

/** How many messages a listener is given at a time. */
export interface ListenerBatchOptions {
  /** Most messages of a call, 1 to 1024. All are of one queue. */
  size: number;
  /** How long a message may wait for others: ms up to 60000, or a length such as '200ms'. Default 0: not at all. */
  wait?: Duration;
}

/** The checked options, with the time in ms. */
export interface CheckedBatch {
  readonly size: number;
  readonly wait: number;
}

const OPTIONS = ['size', 'wait'] as const satisfies (keyof ListenerBatchOptions)[];
const MOST_MESSAGES = 1_024;
const LONGEST_WAIT_MS = 60_000;

/** @throws InvalidOptionError */
export function checkBatch(given: unknown): CheckedBatch {
  checkKeys('batch', given as object, OPTIONS);
  const { size, wait = 0 } = given as ListenerBatchOptions;
  return {
    size: checkInteger('batch.size', size, 1, MOST_MESSAGES),
    wait: checkDuration('batch.wait', wait, 0, LONGEST_WAIT_MS),
  };
}
