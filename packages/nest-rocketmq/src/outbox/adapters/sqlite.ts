// Runs SQL on a database of better-sqlite3 or node:sqlite.
import { hasMethod } from './adapter.js';
import type { Adapter, SqlRow } from './adapter.js';

/** A database of `better-sqlite3` or `node:sqlite`. */
export interface SqliteShape {
  prepare(sql: string): SqliteStatement;
}

interface SqliteStatement {
  all(...parameters: never[]): unknown[];
  run(...parameters: never[]): unknown;
  /** Whether it returns rows. Only better-sqlite3 has it, and refuses `all` for one that does not. */
  readonly reader?: boolean;
}

export const sqliteAdapter: Adapter = {
  library: 'better-sqlite3 or node:sqlite',
  matches: (given) => hasMethod(given, 'prepare') && !hasMethod(given, 'query'),
  dialectOf: () => 'sqlite',
  async query(given, sql, parameters) {
    const statement = (given as unknown as SqliteShape).prepare(sql);
    if (statement.reader !== false) return statement.all(...(parameters as never[])) as SqlRow[];
    statement.run(...(parameters as never[]));
    return [];
  },
  // Its connection is the transaction: better-sqlite3 and node:sqlite (24) each have a name for that.
  isTransaction: (given) => {
    const open = given['inTransaction'] ?? given['isTransaction'];
    return typeof open === 'boolean' ? open : undefined;
  },
  connectionOf: (given) => given,
  onCommit: () => false,
};
