// Owns the command line of bench/send.
import { parseArgs } from 'node:util';
import { type ServerName, serverName } from '../servers.js';

export interface BenchOptions {
  /** The two that are measured in turn. */
  a: ServerName;
  b: ServerName;
  pairs: number;
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

function positiveInteger(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} ${text}: it must be an integer of at least 1`);
  return value;
}

export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      a: { type: 'string', default: 'apache' },
      b: { type: 'string', default: 'ours' },
      pairs: { type: 'string', default: '5' },
      interval: { type: 'string', default: '10000' },
      intervals: { type: 'string', default: '3' },
      threads: { type: 'string', default: '64' },
      size: { type: 'string', default: '128' },
      sync: { type: 'boolean', default: false },
    },
  });
  const number = (name: 'pairs' | 'interval' | 'intervals' | 'threads' | 'size'): number =>
    positiveInteger(name, values[name]);
  return {
    a: serverName(values.a),
    b: serverName(values.b),
    pairs: number('pairs'),
    interval: number('interval'),
    intervals: number('intervals'),
    threads: number('threads'),
    size: number('size'),
    syncFlush: values.sync,
  };
}
