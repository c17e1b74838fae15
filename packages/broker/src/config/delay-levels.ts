// Reads the broker's table of delay levels.
import { InvalidOptionError, parseDelayLevels } from '@nest-rocketmq/remoting/internal';
import { checkText } from './option-checks.js';

/** More levels than this have no queue: a queue's number is a level minus one. */
const MOST_LEVELS = 128;

/** The levels' delays in ms, level 1 first. @throws InvalidOptionError */
export function delaysOf(messageDelayLevel: string): number[] {
  const delays = parseDelayLevels(messageDelayLevel);
  if (delays.length > MOST_LEVELS || delays.some(Number.isNaN)) {
    const allowed = `up to ${MOST_LEVELS} lengths such as "1s 5s 10m 2h 1d"`;
    throw new InvalidOptionError('messageDelayLevel', messageDelayLevel, allowed);
  }
  return delays;
}

/** A table of levels, as it was given. @throws InvalidOptionError */
export function checkDelayLevels(option: string, given: unknown): string {
  const table = checkText(option, given);
  delaysOf(table);
  return table;
}
