// Defines what the outbox asks of a database library, and the shapes by which it knows their objects.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { SqlDialect } from '../../idempotency/stores/sql-database.js';

/** A parameter of a statement of the outbox: text only, since every driver passes text on unchanged. */
export type SqlParameter = string | null;

/** A row as a driver gives it, by the names of its columns. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** Runs SQL for the objects of one database library. It knows them by their shape and imports nothing of the library. */
export interface Adapter {
  /** For errors. */
  readonly library: string;
  /** Whether the object is one of this library's. */
  matches(given: Shape): boolean;
  /** Which SQL the object's database speaks; undefined where it does not tell. @throws InvalidOptionError for any other */
  dialectOf?(given: Shape): SqlDialect | undefined;
  /** Whether the library counts question marks itself, and knows no $1. */
  readonly takesQuestionMarks?: boolean;
  /** @param sql with $1, $2, …, or with question marks where the dialect or the library has these */
  query(given: Shape, sql: string, parameters: readonly SqlParameter[]): Promise<readonly SqlRow[]>;
  /** Whether the object is an open transaction; undefined where its shape does not tell. */
  isTransaction(given: Shape): boolean | undefined;
  /** What a transaction of SQLite has in common with its database, if the library has but one connection. */
  connectionOf?(given: Shape): unknown;
  /**
   * Calls back once the transaction is committed, and never if it is rolled back.
   * @returns false where the library does not tell
   */
  onCommit(given: Shape, committed: () => void): boolean;
}

/** An object of unknown shape. */
export type Shape = Readonly<Record<PropertyKey, unknown>>;

/** Functions have shapes, too: that of Knex is one. */
export function asShape(given: unknown): Shape | undefined {
  const isObject = (typeof given === 'object' && given !== null) || typeof given === 'function';
  return isObject ? (given as Shape) : undefined;
}

export function hasMethod(given: Shape | undefined, name: string): boolean {
  return typeof given?.[name] === 'function';
}

/**
 * Rows are the result itself, or its `rows`. TypeORM puts those of an UPDATE or DELETE into a pair with their number, mysql2 and
 * what stands on it into a pair with their columns.
 */
export function rowsOf(result: unknown): readonly SqlRow[] {
  const list: unknown = Array.isArray(result) ? result : asShape(result)?.['rows'];
  if (!Array.isArray(list)) return [];
  const [first, second] = list as unknown[];
  return (
    list.length === 2 && Array.isArray(first) && (typeof second === 'number' || Array.isArray(second)) ? first : list
  ) as SqlRow[];
}

export interface Positional {
  readonly sql: string;
  readonly bindings: SqlParameter[];
}

/** Turns $1, $2, … into question marks, for libraries that count them. */
export function withQuestionMarks(sql: string, parameters: readonly SqlParameter[]): Positional {
  const bindings: SqlParameter[] = [];
  const text = sql.replaceAll(/\$(\d+)/g, (_, number: string) => {
    bindings.push(parameters[Number(number) - 1] ?? null);
    return '?';
  });
  return { sql: text, bindings };
}

/** What libraries call the databases that speak one of our dialects. */
const DIALECTS: Readonly<Record<string, SqlDialect>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  pg: 'postgres',
  cockroachdb: 'postgres',
  'aurora-postgres': 'postgres',
  mysql: 'mysql',
  mysql2: 'mysql',
  mariadb: 'mysql',
  'aurora-mysql': 'mysql',
  sqlite: 'sqlite',
  sqlite3: 'sqlite',
  'better-sqlite3': 'sqlite',
  bettersqlite: 'sqlite',
  libsql: 'sqlite',
};

/** @param name as the library has it; anything but a text: it does not tell @throws InvalidOptionError */
export function dialectNamed(name: unknown): SqlDialect | undefined {
  if (typeof name !== 'string') return undefined;
  const found = Object.hasOwn(DIALECTS, name) ? DIALECTS[name] : undefined;
  if (found) return found;
  throw new InvalidOptionError('database', name, 'a database of PostgreSQL, MySQL, MariaDB or SQLite');
}
