// Owns which delay level of the cluster's table a length of time is.
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

export class DelayLevels {
  readonly #names: readonly string[];
  readonly #lengths: readonly number[];

  /** @param table the cluster's `messageDelayLevel`, in Apache's form: lengths in rising order, separated by spaces */
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
   * @param option what to call the value in the error
   * @throws InvalidOptionError when no level is that long; it names the two nearest
   */
  levelOf(delay: Duration, option = 'delay'): number {
    const length = milliseconds(delay);
    if (length === undefined)
      throw new InvalidOptionError(option, delay, `milliseconds, or a length such as '10s' or '30m'`);
    const index = this.#lengths.indexOf(length);
    if (index >= 0) return index + 1;
    const [below, above] = this.#nearest(length);
    throw new InvalidOptionError(
      option,
      delay,
      `the length of one of the broker's delay levels; the two nearest are ${below} and ${above} (all: ${this.#names.join(' ')})`,
    );
  }

  /** The level below and the level above `length`; past an end, the two levels at that end. */
  #nearest(length: number): [string, string] {
    const next = this.#lengths.findIndex((candidate) => candidate > length);
    const above = Math.max(next < 0 ? this.#lengths.length - 1 : next, Math.min(1, this.#lengths.length - 1));
    return [this.#names[Math.max(0, above - 1)], this.#names[above]];
  }
}
