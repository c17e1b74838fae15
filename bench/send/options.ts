// Parses the command line of bench/send.
import { parseArgs } from 'node:util';
import { contestOptions, positiveInteger, type WarmContest, warmContestOf, warmOptions } from '../options.js';

export interface BenchOptions extends WarmContest {
  /** Length of one interval, ms: the producer reports once in each. */
  interval: number;
  /** Intervals that count, after the first, which is warm-up. */
  intervals: number;
  threads: number;
  /** Body, bytes. */
  size: number;
  /** Both brokers answer after fdatasync. */
  syncFlush: boolean;
}

export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...contestOptions(5),
      ...warmOptions,
      interval: { type: 'string', default: '10000' },
      intervals: { type: 'string', default: '3' },
      threads: { type: 'string', default: '64' },
      size: { type: 'string', default: '128' },
      sync: { type: 'boolean', default: false },
    },
  });
  const number = (name: 'interval' | 'intervals' | 'threads' | 'size'): number => positiveInteger(name, values[name]);
  return {
    ...warmContestOf(values),
    interval: number('interval'),
    intervals: number('intervals'),
    threads: number('threads'),
    size: number('size'),
    syncFlush: values.sync,
  };
}
