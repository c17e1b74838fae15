// Parses the command line of bench/nest.
import { parseArgs } from 'node:util';
import { positiveInteger } from '../options.js';
import { contestants, type ContestantName } from './contestants.js';

export interface NestBenchOptions {
  /** Measured in turn: A, B, C, A, B, C, … B is set against all others. */
  names: readonly ContestantName[];
  pairs: number;
  /** s */
  warmUp: number;
  /** s */
  seconds: number;
  /** JSON, bytes. */
  size: number;
  underWay: number;
  /** In the backlog of those that consume. */
  messages: number;
  /** A folder with node_modules in which peers are installed. */
  peers: string;
}

const DEFAULT_NAMES = 'bullmq,nest-disk,golevelup,nest-memory';

export function parseOptions(args: readonly string[]): NestBenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      of: { type: 'string', default: DEFAULT_NAMES },
      pairs: { type: 'string', default: '3' },
      'warm-up': { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      size: { type: 'string', default: '256' },
      'under-way': { type: 'string', default: '64' },
      messages: { type: 'string', default: '400000' },
      peers: { type: 'string', default: '' },
    },
  });
  const names = values.of.split(',').map((name) => {
    if (name in contestants) return name as ContestantName;
    throw new Error(`--of ${name}: allowed are ${Object.keys(contestants).join(', ')}`);
  });
  return {
    names,
    pairs: positiveInteger('pairs', values.pairs),
    warmUp: positiveInteger('warm-up', values['warm-up']),
    seconds: positiveInteger('seconds', values.seconds),
    size: positiveInteger('size', values.size),
    underWay: positiveInteger('under-way', values['under-way']),
    messages: positiveInteger('messages', values.messages),
    peers: values.peers,
  };
}
