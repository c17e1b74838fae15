// Parses the command line of bench/backlog.
import { parseArgs } from 'node:util';
import { type Contest, contestOf, contestOptions, positiveInteger } from '../options.js';

export interface BacklogOptions extends Contest {
  /** Messages in the backlog. */
  messages: number;
  /** Body, bytes. */
  size: number;
  /** How often a producer's latency is measured without readers and with. */
  rounds: number;
  /** Sends in each p99. */
  probes: number;
  /** Length of the tail's measurement, s: once without a reader and once with. */
  tailSeconds: number;
}

export function parseOptions(args: readonly string[]): BacklogOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...contestOptions(1),
      messages: { type: 'string', default: '1000000' },
      size: { type: 'string', default: '128' },
      rounds: { type: 'string', default: '5' },
      probes: { type: 'string', default: '4000' },
      'tail-seconds': { type: 'string', default: '10' },
    },
  });
  const number = (name: 'messages' | 'size' | 'rounds' | 'probes' | 'tail-seconds'): number =>
    positiveInteger(name, values[name]);
  return {
    ...contestOf(values),
    messages: number('messages'),
    size: number('size'),
    rounds: number('rounds'),
    probes: number('probes'),
    tailSeconds: number('tail-seconds'),
  };
}
