// Finds the statements of the outbox for a database and a table.
import type { SqlDialect } from '../../idempotency/stores/sql-database.js';
import type { OutboxDialect } from './outbox-dialect.js';
import { mysqlDialect } from './mysql.js';
import { postgresDialect } from './postgres.js';
import { sqliteDialect } from './sqlite.js';

const DIALECTS: Readonly<Record<SqlDialect, (table: string) => OutboxDialect>> = {
  postgres: postgresDialect,
  mysql: mysqlDialect,
  sqlite: sqliteDialect,
};

/** @param table checked */
export function dialectFor(dialect: SqlDialect, table: string): OutboxDialect {
  return DIALECTS[dialect](table);
}
