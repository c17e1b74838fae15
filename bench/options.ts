// Parses the options that the benchmarks' command lines share.
import { type ServerName, serverName } from './servers.js';

/** Two servers that are measured in turn: A, B, A, B, … */
export interface Contest {
  a: ServerName;
  b: ServerName;
  pairs: number;
}

/** Rows for parseArgs. */
export const contestOptions = (pairs: number) =>
  ({
    a: { type: 'string', default: 'apache' },
    b: { type: 'string', default: 'ours' },
    pairs: { type: 'string', default: String(pairs) },
  }) as const;

export function contestOf(values: { a: string; b: string; pairs: string }): Contest {
  return { a: serverName(values.a), b: serverName(values.b), pairs: positiveInteger('pairs', values.pairs) };
}

/** Rows for parseArgs of the benchmarks that keep their servers running. */
export const warmOptions = {
  'no-limit': { type: 'boolean', default: false },
  'warm-up': { type: 'string', default: '30' },
} as const;

export interface WarmContest extends Contest {
  /** A, B and the limit, unless that was not wanted. */
  servers: readonly ServerName[];
  /** Load before anything is measured, s. */
  warmUp: number;
}

type WarmValues = Parameters<typeof contestOf>[0] & { 'no-limit': boolean; 'warm-up': string };

export function warmContestOf(values: WarmValues): WarmContest {
  const contest = contestOf(values);
  const limit: ServerName[] = values['no-limit'] ? [] : ['limit'];
  return {
    ...contest,
    servers: [contest.a, contest.b, ...limit],
    warmUp: positiveInteger('warm-up', values['warm-up']),
  };
}

export function positiveInteger(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} ${text}: it must be an integer of at least 1`);
  return value;
}
