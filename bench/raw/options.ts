// Parses the command line of bench/raw.
import { parseArgs } from 'node:util';
import type { SerializeType } from '@nest-rocketmq/remoting/internal';
import { contestOptions, positiveInteger, type WarmContest, warmContestOf, warmOptions } from '../options.js';

export interface RawOptions extends WarmContest {
  /** Requests under way; each is measured by itself. */
  depths: number[];
  /** Measured, after half as long of warm-up. */
  seconds: number;
  /** Body, bytes. */
  size: number;
  serializeType: SerializeType;
  /** Both brokers answer after fdatasync. */
  syncFlush: boolean;
}

export function parseOptions(args: readonly string[]): RawOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...contestOptions(3),
      ...warmOptions,
      depths: { type: 'string', default: '64,512' },
      seconds: { type: 'string', default: '10' },
      size: { type: 'string', default: '128' },
      json: { type: 'boolean', default: false },
      sync: { type: 'boolean', default: false },
    },
  });
  return {
    ...warmContestOf(values),
    depths: values.depths.split(',').map((depth) => positiveInteger('depths', depth)),
    seconds: positiveInteger('seconds', values.seconds),
    size: positiveInteger('size', values.size),
    serializeType: values.json ? 'json' : 'binary',
    syncFlush: values.sync,
  };
}
