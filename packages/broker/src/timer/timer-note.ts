// Says how far messages with a time of their own were delivered, as it is saved with the delay levels' offsets.
import { objectOf } from '@nest-rocketmq/remoting/internal';
import { wholeNumber } from '../metadata/config-entries.js';

export interface TimerNote {
  /** When the last message that was delivered was due, ms since the epoch; -1: none was. */
  due: number;
  /** Where its record is in the log. */
  position: number;
  /** No message that waits is before this position of the log. */
  first: number;
  /** What timercheck says; undefined without. Where it says something else, Apache's broker has had the store since. */
  check: string | undefined;
}

/** Undefined where none was saved. */
export function readTimerNote(saved: unknown): TimerNote | undefined {
  const { due, position, first, check } = objectOf(saved);
  const numbers = [due, position].map((given) => (given === -1 ? -1 : wholeNumber(given)));
  const [lastDue, lastPosition] = numbers;
  const from = wholeNumber(first);
  if (lastDue === undefined || lastPosition === undefined || from === undefined) return undefined;
  return { due: lastDue, position: lastPosition, first: from, check: typeof check === 'string' ? check : undefined };
}
