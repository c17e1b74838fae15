// Checks how long sending an answer may take.
import { checkDuration } from '../option-checks.js';

/** rocketmq-spring's default of `replyTimeout`. */
export const DEFAULT_REPLY_TIMEOUT_MS = 3_000;
const LONGEST_REPLY_TIMEOUT_MS = 3_600_000;

/** @returns ms @throws InvalidOptionError */
export function checkReplyTimeout(given: unknown): number {
  return checkDuration('replyTimeout', given, 1, LONGEST_REPLY_TIMEOUT_MS);
}
