// Provides two small list helpers for the scenarios' expectations.

/** `prefix-0`, `prefix-1`, … */
export const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

export const sorted = <T>(values: readonly T[]): T[] => [...values].sort((a, b) => (a < b ? -1 : 1));
