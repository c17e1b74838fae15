// Maps a delay to a delay level of the cluster's table.
import {
  DEFAULT_MESSAGE_DELAY_LEVEL,
  InvalidOptionError,
  delayLevelNames,
  milliseconds,
  parseDelayLevels,
} from '@nest-rocketmq/remoting/internal';
import type { Duration } from '@nest-rocketmq/remoting/internal';

export { milliseconds };
export type { Duration };

const TABLE = `lengths such as '${DEFAULT_MESSAGE_DELAY_LEVEL}'`;

/** The delay levels of a cluster: RocketMQ delays messages by a level of a table, not by any length of time. */
export class DelayLevels {
  readonly #names: readonly string[];
  readonly #lengths: readonly number[];

  /**
   * @param table the cluster's `messageDelayLevel`: delays in rising order, separated by spaces. Default: Apache's 18
   * @param option what to call the table in the error. Default 'messageDelayLevel'
   * @throws InvalidOptionError when it is no such table
   */
  constructor(table: string = DEFAULT_MESSAGE_DELAY_LEVEL, option = 'messageDelayLevel') {
    if (typeof table !== 'string') throw new InvalidOptionError(option, table, TABLE);
    this.#names = delayLevelNames(table);
    this.#lengths = parseDelayLevels(table);
    if (!this.#lengths.every((length) => length > 0)) {
      throw new InvalidOptionError(option, table, TABLE);
    }
  }

  /** The highest level; the lowest is 1. */
  get max(): number {
    return this.#names.length;
  }

  /**
   * The level whose delay is exactly `delay`.
   * @param delay ms, or a length such as '10s'
   * @param option what to call the value in the error. Default 'delay'
   * @throws InvalidOptionError when there is no such level; it names the two nearest
   */
  levelOf(delay: Duration, option = 'delay'): number {
    const length = milliseconds(delay);
    if (length === undefined)
      throw new InvalidOptionError(option, delay, `milliseconds, or a length such as '10s' or '30m'`);
    const index = this.#lengths.indexOf(length);
    if (index >= 0) return index + 1;
    throw new InvalidOptionError(
      option,
      delay,
      `the length of one of the broker's delay levels; the two nearest are ${this.#nearest(length).join(' and ')} (all: ${this.#names.join(' ')})`,
    );
  }

  /** The names of the levels below and above `length`; beyond an end, the two levels at that end. */
  #nearest(length: number): string[] {
    const next = this.#lengths.findIndex((candidate) => candidate > length);
    const above = Math.max(next < 0 ? this.#lengths.length - 1 : next, 1);
    return this.#names.slice(above - 1, above + 1);
  }
}
