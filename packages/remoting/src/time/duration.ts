// Parses durations as users write them: 1500, '10s', '30m'.
import { DELAY_UNITS } from './delay-levels.js';

/** A length of time: milliseconds, or a number with a unit: `'500ms'`, `'10s'`, `'30m'`, `'2h'`, `'1d'`. */
export type Duration = number | string;

const UNITS: Readonly<Record<string, number>> = { ms: 1, ...DELAY_UNITS };

/** Milliseconds of `duration`, or undefined when it is none. */
export function milliseconds(duration: unknown): number | undefined {
  if (typeof duration === 'number') return Number.isFinite(duration) && duration >= 0 ? duration : undefined;
  const match = typeof duration === 'string' ? /^(\d+)\s*(ms|s|m|h|d)$/.exec(duration.trim()) : null;
  return match ? Number(match[1]) * UNITS[match[2]!]! : undefined;
}
