// Parses the setting `messageDelayLevel`, and defines its default and its units.

/** Apache's default: level 1 is 1s, level 18 is 2h. */
export const DEFAULT_MESSAGE_DELAY_LEVEL = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';

/** ms */
export const DELAY_UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const LEVEL = /^(\d{1,9})([smhd])$/;

/** The levels as they are written, level 1 first. */
export function delayLevelNames(messageDelayLevel: string): string[] {
  return messageDelayLevel.trim().split(/\s+/);
}

/** The levels' delays in ms, level 1 first; NaN for one that is not a duration. */
export function parseDelayLevels(messageDelayLevel: string): number[] {
  return delayLevelNames(messageDelayLevel).map((name) => {
    const [, count, unit] = LEVEL.exec(name) ?? [];
    return count === undefined ? NaN : Number(count) * DELAY_UNITS[unit!]!;
  });
}
