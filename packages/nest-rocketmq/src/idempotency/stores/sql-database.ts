// Runs statements on whatever database library it is given, by its structure.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';

/** Which SQL a database speaks. */
export type SqlDialect = 'postgres' | 'mysql' | 'sqlite';

export const SQL_DIALECTS: readonly SqlDialect[] = ['postgres', 'mysql', 'sqlite'];

/**
 * What can run SQL: a Pool or Client of `pg`, a PGlite, a pool or connection of `mysql2/promise`, a database of
 * `better-sqlite3` or `node:sqlite`, a transaction of one of them, or an object whose `query` returns the rows.
 */
export type SqlQueryable =
  | { query(sql: string, parameters?: unknown[]): Promise<unknown> }
  | { prepare(sql: string): SqliteStatement };

/** A prepared statement of `better-sqlite3` or `node:sqlite`. */
export interface SqliteStatement {
  all(...parameters: never[]): unknown[];
  run(...parameters: never[]): unknown;
  /** Whether it returns rows. Only better-sqlite3 has it, and refuses `all` for one that does not. */
  readonly reader?: boolean;
}

/** What a statement did. */
export interface SqlResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Rows inserted, updated or deleted, where the library says so; MySQL counts an updated one of an insert as two. */
  readonly affected: number | undefined;
}

/** @returns the dialect that the library is for. One that only has `query` is taken for PostgreSQL's */
export function dialectOf(database: unknown): SqlDialect {
  if (has(database, 'prepare') && !has(database, 'query')) return 'sqlite';
  return has(database, 'execute') ? 'mysql' : 'postgres';
}

/** @throws InvalidOptionError */
export function checkQueryable(option: string, given: unknown): SqlQueryable {
  if (has(given, 'query') || has(given, 'prepare')) return given as SqlQueryable;
  throw new InvalidOptionError(option, given, 'a database with query(sql, parameters) or prepare(sql)');
}

/** @param sql with ? for each parameter */
export async function runSql(
  database: SqlQueryable,
  dialect: SqlDialect,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<SqlResult> {
  if (!('query' in database)) {
    const statement = database.prepare(sql);
    if (statement.reader !== false)
      return { rows: rowsIn(statement.all(...(parameters as never[]))), affected: undefined };
    statement.run(...(parameters as never[]));
    return { rows: [], affected: undefined };
  }
  return resultIn(await database.query(dialect === 'postgres' ? numbered(sql) : sql, [...parameters]));
}

/** PostgreSQL's parameters have numbers. None of our statements has a question mark in a string. */
function numbered(sql: string): string {
  let number = 0;
  return sql.replaceAll('?', () => `$${++number}`);
}

/**
 * Reads a library's answer: the rows; an object with `rows` (pg, PGlite); [rows or a header, fields] (mysql2); a header
 * (TypeORM on MySQL); [rows, count] (TypeORM on PostgreSQL, for what changes rows).
 */
function resultIn(answer: unknown): SqlResult {
  if (!Array.isArray(answer)) {
    const { rows, affectedRows, rowCount } = (answer ?? {}) as Record<string, unknown>;
    return { rows: rowsIn(rows), affected: numberIn(affectedRows ?? rowCount) };
  }
  const [first, second] = answer as unknown[];
  const isPair = answer.length === 2 && (Array.isArray(first) || has(first, 'affectedRows'));
  if (!isPair) return { rows: rowsIn(answer), affected: undefined };
  return Array.isArray(first) ? { rows: rowsIn(first), affected: numberIn(second) } : resultIn(first);
}

function rowsIn(rows: unknown): SqlResult['rows'] {
  return Array.isArray(rows) ? (rows as SqlResult['rows']) : [];
}

function numberIn(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function has(value: unknown, property: string): boolean {
  return typeof value === 'object' && value !== null && property in value;
}
