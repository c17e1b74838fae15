// Says whether the interop tests that mostly wait run too: controls on Apache's broker, and further ways to move a store.

/** Set by INTEROP_LONG=1. Without it a run stays well below its time limit. */
export const isLong = process.env['INTEROP_LONG'] === '1';

/** All of them in a long run, else those that are not marked. */
export const inTime = <T>(all: readonly T[], isOnlyLong: (one: T) => boolean): T[] =>
  all.filter((one) => isLong || !isOnlyLong(one));
