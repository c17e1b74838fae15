// Parses the command line of bench/topics.
import { parseArgs } from 'node:util';
import { type Contest, contestOf, contestOptions, positiveInteger } from '../options.js';

export interface TopicsOptions extends Contest {
  topics: number;
  /** Of each topic. */
  queues: number;
  /** Messages that wait for a level which outlasts the benchmark. */
  delayed: number;
  /** That level, from 1. */
  level: number;
  /** Messages with a time of their own that wait. */
  timers: number;
  /** How long these wait, s: it outlasts the benchmark. */
  timerDelay: number;
  /** Messages of short levels, and as many with short times of their own, whose delivery is timed. */
  timed: number;
  /** How long these are sent for, s. */
  timedSeconds: number;
}

export function parseOptions(args: readonly string[]): TopicsOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...contestOptions(1),
      topics: { type: 'string', default: '10000' },
      queues: { type: 'string', default: '4' },
      delayed: { type: 'string', default: '1000000' },
      level: { type: 'string', default: '18' },
      timers: { type: 'string', default: '1000000' },
      'timer-delay': { type: 'string', default: '7200' },
      timed: { type: 'string', default: '20000' },
      'timed-seconds': { type: 'string', default: '20' },
    },
  });
  const number = (name: Exclude<keyof typeof values, 'a' | 'b' | 'pairs'>): number =>
    positiveInteger(name, values[name]);
  return {
    ...contestOf(values),
    topics: number('topics'),
    queues: number('queues'),
    delayed: number('delayed'),
    level: number('level'),
    timers: number('timers'),
    timerDelay: number('timer-delay'),
    timed: number('timed'),
    timedSeconds: number('timed-seconds'),
  };
}
