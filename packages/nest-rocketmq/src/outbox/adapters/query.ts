// Runs SQL on whatever has `query(sql, parameters)`: `pg`, PGlite, `mysql2/promise`, and an app's own wrapper of a driver.
import { hasMethod, rowsOf } from './adapter.js';
import type { Adapter, Shape } from './adapter.js';

/**
 * A Client, PoolClient or Pool of `pg`, a PGlite or its transaction, a connection or pool of `mysql2/promise`, or an object of your
 * own.
 */
export interface QueryShape {
  /** @param sql with parameters $1, $2, …, or ? on MySQL @returns the rows, an object with `rows`, or [rows, columns] */
  query(sql: string, parameters?: (string | null)[]): PromiseLike<unknown>;
}

export const queryAdapter: Adapter = {
  library: 'pg, PGlite or mysql2',
  matches: (given) => hasMethod(given, 'query'),
  async query(given, sql, parameters) {
    return rowsOf(await (given as unknown as QueryShape).query(sql, [...parameters]));
  },
  // Of these, mysql2 alone has `execute`.
  dialectOf: (given) => (hasMethod(given, 'execute') ? 'mysql' : undefined),
  isTransaction: (given) => (isPGlite(given) || isPool(given) ? false : undefined),
  // Neither driver tells: see `RocketMQOutbox.wake`.
  onCommit: () => false,
};

/** Its transactions have no `transaction` of their own. */
function isPGlite(given: Shape): boolean {
  return hasMethod(given, 'transaction') && hasMethod(given, 'execProtocol');
}

function isPool(given: Shape): boolean {
  return (hasMethod(given, 'connect') && typeof given['totalCount'] === 'number') || hasMethod(given, 'getConnection');
}
