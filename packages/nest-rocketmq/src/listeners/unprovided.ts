// Warns of decorated classes that no module provides.
import type { Logger } from '@nestjs/common';
import { takeUnprovided } from '../decorators/unserved-listeners.js';

/** @param classes of all providers and controllers of the app */
export function warnOfUnprovided(classes: Set<object>, logger: Pick<Logger, 'warn'>): void {
  const names = takeUnprovided(classes);
  if (names.length === 0) return;
  logger.warn(
    `nobody will call the listeners of ${names.join(', ')}: no module of this app has the class among its providers ` +
      `or controllers. Add it to one. If a request-scoped or transient factory makes it, the class must be its token.`,
  );
}
