// Chooses the cases of tests that have very many: `npm test` walks through some of them, and `npm run test:crash` has all.

/** Set by CRASH_LONG=1, as `npm run test:crash` does. */
export const isLong = process.env['CRASH_LONG'] === '1';

/**
 * All of them in a long run, else one of `groups` parts of them. The parts together have each case once, so that tests that
 * run the same cases `groups` times, each with another part, still have each of them.
 */
export const partOf = <T>(cases: readonly T[], part: number, groups: number): T[] =>
  cases.filter((_, index) => isLong || index % groups === part);
