// Checks when a message is to be delivered.
import {
  DEFAULT_MESSAGE_DELAY_LEVEL,
  InvalidOptionError,
  milliseconds,
  parseDelayLevels,
} from '@nest-rocketmq/remoting/internal';
import type { Duration } from '@nest-rocketmq/remoting/internal';
import { checkInteger } from '../option-checks.js';

export { milliseconds };
export type { Duration };

/** When a message is delivered. Default: at once. At most one of the three. */
export interface DelayOptions {
  /**
   * How much later it is delivered: ms, or a length such as '1500ms', '90m' or '36h'. 0: at once; a part of a millisecond
   * counts as a whole one. Brokers before 5.0 know only the lengths of their levels.
   */
  delay?: Duration;
  /** The time at which it is delivered. A time that has passed: at once. */
  deliverAt?: Date;
  /** The delay as a level. In Apache's default table 1 is 1s and 18 is 2h. */
  delayLevel?: number;
}

export const DELAY_OPTIONS = ['delay', 'deliverAt', 'delayLevel'] as const satisfies readonly (keyof DelayOptions)[];

/** The checked delay, as the client takes it. */
export interface CheckedDelay {
  /** ms */
  readonly delay?: number;
  readonly deliverAt?: Date;
  readonly delayLevel?: number;
}

/**
 * @param highestLevel of the cluster's table
 * @throws InvalidOptionError
 */
export function checkDelay(options: DelayOptions, highestLevel: number): CheckedDelay {
  const [first, second] = DELAY_OPTIONS.filter((option) => options[option] !== undefined);
  if (first !== undefined && second !== undefined) {
    throw new InvalidOptionError(second, options[second], `${first} or ${second}, not both`);
  }
  const { delay, deliverAt, delayLevel } = options;
  if (delay !== undefined) return { delay: lengthOf(delay) };
  if (deliverAt !== undefined) return { deliverAt: timeOf(deliverAt) };
  return delayLevel === undefined ? {} : { delayLevel: checkInteger('delayLevel', delayLevel, 1, highestLevel) };
}

/** @param given which may be no duration @throws InvalidOptionError */
export function lengthOf(given: unknown, option = 'delay'): number {
  const length = milliseconds(given);
  if (length !== undefined) return length;
  throw new InvalidOptionError(option, given, `milliseconds from 0 on, or a length such as '1500ms', '90m' or '36h'`);
}

function timeOf(given: unknown): Date {
  if (given instanceof Date && !Number.isNaN(given.getTime())) return given;
  throw new InvalidOptionError('deliverAt', given, 'a valid Date');
}

const TABLE = `lengths such as '${DEFAULT_MESSAGE_DELAY_LEVEL}'`;

/**
 * The highest level of a table of delay levels; the lowest is 1.
 * @param table the cluster's `messageDelayLevel`: delays in rising order, separated by spaces. Default: Apache's 18
 * @param option what to call the table in the error. Default 'messageDelayLevel'
 * @throws InvalidOptionError when it is no such table
 */
export function highestLevelOf(table: unknown = DEFAULT_MESSAGE_DELAY_LEVEL, option = 'messageDelayLevel'): number {
  const lengths = typeof table === 'string' ? parseDelayLevels(table) : [];
  if (lengths.length > 0 && lengths.every((length) => length > 0)) return lengths.length;
  throw new InvalidOptionError(option, table, TABLE);
}
