// Writes the statements of the SQL store in each dialect. Times are ms since the epoch by the database's clock.
import type { SqlDialect } from './sql-database.js';

/** Statements with ? for their parameters, which are in the order that each one's comment gives. */
export interface SqlStatements {
  readonly createTable: readonly string[];
  /** scope, key, owner, whether it is done (0 or 1), length in ms. Writes only what is absent or expired. */
  readonly insert: string;
  /** scope, key */
  readonly select: string;
  /** length in ms, scope, key, owner */
  readonly extend: string;
  /** length in ms, result, scope, key, owner */
  readonly complete: string;
  /** scope, key, owner */
  readonly release: string;
  /** scope, key */
  readonly forget: string;
  /** limit */
  readonly purge: string;
}

/** ms since the epoch, of this statement and not of the transaction's begin. In UTC: a local time comes twice each autumn. */
const NOW: Readonly<Record<SqlDialect, string>> = {
  postgres: '(extract(epoch FROM clock_timestamp()) * 1000)::bigint',
  mysql: "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)",
  sqlite: "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
};

/** MySQL compares text without regard to case and trailing spaces, and only bytes exactly. */
const TYPES: Readonly<Record<SqlDialect, { name: string; text: string }>> = {
  postgres: { name: 'text', text: 'text' },
  mysql: { name: 'varbinary(255)', text: 'mediumtext CHARACTER SET utf8mb4' },
  sqlite: { name: 'text', text: 'text' },
};

/** @param table its name, checked @param time a fixed time in place of the database's: ms */
export function statementsFor(dialect: SqlDialect, table: string, time?: number): SqlStatements {
  const now = time === undefined ? NOW[dialect] : String(Math.floor(time));
  const key = 'scope = ? AND message_key = ?';
  const mine = `${key} AND owner = ?`;
  const returning = dialect === 'mysql' ? '' : ' RETURNING owner';
  return {
    createTable: createTable(dialect, table),
    insert: insert(dialect, table, now) + returning,
    select: `SELECT owner, done, expires_at - ${now} AS remaining, result FROM ${table} WHERE ${key}`,
    extend: `UPDATE ${table} SET expires_at = ${now} + ${length(dialect)} WHERE ${mine} AND done = 0${returning}`,
    complete: `UPDATE ${table} SET done = 1, expires_at = ${now} + ${length(dialect)}, result = ? WHERE ${mine}${returning}`,
    release: `DELETE FROM ${table} WHERE ${mine} AND done = 0${returning}`,
    forget: `DELETE FROM ${table} WHERE ${key}${returning}`,
    purge: purge(dialect, table, now) + returning,
  };
}

function createTable(dialect: SqlDialect, table: string): string[] {
  const { name, text } = TYPES[dialect];
  const columns =
    `scope ${name} NOT NULL, message_key ${name} NOT NULL, owner varchar(64) NOT NULL, done smallint NOT NULL, ` +
    `expires_at bigint NOT NULL, result ${text}, PRIMARY KEY (scope, message_key)`;
  if (dialect === 'mysql') return [`CREATE TABLE IF NOT EXISTS ${table} (${columns}, KEY expires_at (expires_at))`];
  const [bare, schema] = table.split('.').toReversed();
  // SQLite wants the schema before the index, PostgreSQL before the table.
  const index =
    dialect === 'sqlite' && schema ? `${schema}.${bare}_expires_at ON ${bare}` : `${bare}_expires_at ON ${table}`;
  return [`CREATE TABLE IF NOT EXISTS ${table} (${columns})`, `CREATE INDEX IF NOT EXISTS ${index} (expires_at)`];
}

function insert(dialect: SqlDialect, table: string, now: string): string {
  const values =
    `INSERT INTO ${table} (scope, message_key, owner, done, expires_at, result) ` +
    `VALUES (?, ?, ?, ?, ${now} + ${length(dialect)}, NULL) `;
  if (dialect !== 'mysql') {
    return (
      `${values}ON CONFLICT (scope, message_key) DO UPDATE SET owner = excluded.owner, done = excluded.done, ` +
      `expires_at = excluded.expires_at, result = NULL WHERE ${table}.expires_at <= ${now}`
    );
  }
  // MySQL assigns from left to right: the time that the others look at comes last.
  const taken = (column: string): string => `${column} = IF(expires_at <= ${now}, VALUES(${column}), ${column})`;
  return `${values}ON DUPLICATE KEY UPDATE ${['owner', 'done', 'result', 'expires_at'].map(taken).join(', ')}`;
}

function purge(dialect: SqlDialect, table: string, now: string): string {
  if (dialect === 'mysql') return `DELETE FROM ${table} WHERE expires_at <= ${now} LIMIT ?`;
  const expired = `SELECT scope, message_key FROM ${table} WHERE expires_at <= ${now} LIMIT ?`;
  return `DELETE FROM ${table} WHERE (scope, message_key) IN (${expired})`;
}

/** PostgreSQL cannot tell the type of a parameter in a sum. */
function length(dialect: SqlDialect): string {
  return dialect === 'postgres' ? 'CAST(? AS bigint)' : '?';
}
