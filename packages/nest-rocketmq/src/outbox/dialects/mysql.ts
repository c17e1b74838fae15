// Writes the SQL of the outbox for MySQL 8 and MariaDB 10.6, or later.
import { PENDING } from './outbox-dialect.js';
import type { OutboxDialect } from './outbox-dialect.js';
import { plainDialect } from './plain-sql.js';

const NO_SUCH_TABLE = 1146;
const DEADLOCK = 1213;
/** Compared byte by byte, and not without regard to case as MySQL compares texts. */
const NAME = (length: number): string => `varchar(${length}) CHARACTER SET ascii COLLATE ascii_bin`;
const TEXT = 'CHARACTER SET utf8mb4';

/** @param table checked */
export function mysqlDialect(table: string): OutboxDialect {
  return plainDialect(table, {
    createTable: createTable(table),
    // In UTC: a local time comes twice each autumn.
    now: "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)",
    toBody: (expression) => `FROM_BASE64(${expression})`,
    body: 'TO_BASE64(body)',
    bodySize: 'OCTET_LENGTH(body)',
    asText: (expression) => `CAST(${expression} AS char)`,
    orderOfLocks: ' ORDER BY id',
    isTableMissing: (error) => error['errno'] === NO_SUCH_TABLE || error['code'] === 'ER_NO_SUCH_TABLE',
    isBusy: (error) => error['errno'] === DEADLOCK || error['code'] === 'ER_LOCK_DEADLOCK',
  });
}

function createTable(table: string): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS ${table} (
  seq bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id ${NAME(64)} NOT NULL,
  status ${NAME(8)} NOT NULL DEFAULT '${PENDING}',
  topic varchar(255) ${TEXT} NOT NULL,
  lane ${NAME(400)} NOT NULL,
  sharding_key text ${TEXT},
  message longtext ${TEXT} NOT NULL,
  body longblob NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  error text ${TEXT},
  created_at bigint NOT NULL,
  ended_at bigint,
  claimed_by ${NAME(64)},
  claimed_until bigint,
  UNIQUE KEY ids (id),
  KEY pending (status, lane, seq),
  KEY ended (status, ended_at)
) ENGINE = InnoDB`,
  ];
}
