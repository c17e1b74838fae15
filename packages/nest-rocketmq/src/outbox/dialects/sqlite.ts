// Writes the SQL of the outbox for SQLite 3.35 or later.
import { FAILED, PENDING, SENT } from './outbox-dialect.js';
import type { OutboxDialect } from './outbox-dialect.js';
import { plainDialect } from './plain-sql.js';
import { bareName } from './table-name.js';

/** @param table checked */
export function sqliteDialect(table: string): OutboxDialect {
  return plainDialect(table, {
    createTable: createTable(table),
    now: "CAST((julianday('now') - 2440587.5) * 86400000 AS integer)",
    // A body stays base64: SQLite has no function for it, and drivers take bytes each in another form.
    toBody: (expression) => expression,
    body: 'body',
    bodySize: '(length(body) * 3 / 4)',
    asText: (expression) => `CAST(${expression} AS text)`,
    // One writes at a time.
    orderOfLocks: '',
    isTableMissing: (error) => String(error['message']).startsWith('no such table'),
    isBusy: (error) => String(error['message']).startsWith('database is locked'),
  });
}

function createTable(table: string): string[] {
  const name = bareName(table);
  // The schema belongs to the index here, and not to its table.
  const schema = table === name ? '' : table.slice(0, -name.length);
  const index = (purpose: string, columns: string, status: string): string =>
    `CREATE INDEX IF NOT EXISTS ${schema}${name}_${purpose} ON ${name} (${columns}) WHERE status = '${status}'`;
  return [
    `CREATE TABLE IF NOT EXISTS ${table} (
  seq integer PRIMARY KEY AUTOINCREMENT,
  id text NOT NULL UNIQUE,
  status text NOT NULL DEFAULT '${PENDING}',
  topic text NOT NULL,
  lane text NOT NULL,
  sharding_key text,
  message text NOT NULL,
  body text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  error text,
  created_at integer NOT NULL,
  ended_at integer,
  claimed_by text,
  claimed_until integer
)`,
    index('pending', 'lane, seq', PENDING),
    index('ended', 'ended_at', SENT),
    index('failed', 'seq', FAILED),
  ];
}
