// Writes the SQL of the outbox for its table in PostgreSQL, 12 or later. Every parameter is text, which all drivers take.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';

/** The table's name unless the option `table` says otherwise. */
export const DEFAULT_TABLE = 'rocketmq_outbox';
const TABLE_NAME = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/i;
/** PostgreSQL cuts names at 63 bytes; those of the indexes are longer than the table's. */
const LONGEST_NAME = 40;

export const PENDING = 'PENDING';
export const SENT = 'SENT';
export const FAILED = 'FAILED';

/** Checked, since a name cannot be a parameter of a statement. @throws InvalidOptionError */
export function checkTable(table: unknown = DEFAULT_TABLE): string {
  const name = typeof table === 'string' && TABLE_NAME.test(table) ? table.split('.').at(-1)! : '';
  if (name !== '' && name.length <= LONGEST_NAME) return table as string;
  const allowed = `a name of at most ${LONGEST_NAME} characters, such as ${DEFAULT_TABLE} or shop.outbox`;
  throw new InvalidOptionError('table', table, allowed);
}

/** The statements that create table and indexes, one by one: not every driver takes several at once. */
export function createTableStatements(table: string): string[] {
  const name = table.split('.').at(-1)!;
  return [
    `CREATE TABLE IF NOT EXISTS ${table} (
  id text PRIMARY KEY,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  status text NOT NULL DEFAULT '${PENDING}',
  topic text NOT NULL,
  sharding_key text,
  message text NOT NULL,
  body bytea NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  error text,
  created_at timestamptz NOT NULL,
  ended_at timestamptz,
  claimed_by text,
  claimed_until timestamptz
)`,
    `CREATE INDEX IF NOT EXISTS ${name}_pending ON ${table} (seq) WHERE status = '${PENDING}'`,
    `CREATE INDEX IF NOT EXISTS ${name}_keys ON ${table} (topic, sharding_key, seq) ` +
      `WHERE status = '${PENDING}' AND sharding_key IS NOT NULL`,
    `CREATE INDEX IF NOT EXISTS ${name}_ended ON ${table} (ended_at) WHERE status = '${SENT}'`,
  ];
}

const AS_TIME = (parameter: string): string => `to_timestamp(${parameter}::text::double precision / 1000)`;
const AS_LIST = (parameter: string): string => `(SELECT jsonb_array_elements_text(${parameter}::text::jsonb))`;
const FREE = (row: string): string => `(${row}.claimed_until IS NULL OR ${row}.claimed_until < now())`;
/** What is paused together: the rows of a sharding key, or one row. A topic has no colon, and an id neither. */
const LANE = (row: string): string =>
  `(CASE WHEN ${row}.sharding_key IS NULL THEN ${row}.id ELSE ${row}.topic || ':' || ${row}.sharding_key END)`;

export interface Statements {
  readonly insert: string;
  readonly claim: string;
  readonly sent: string;
  readonly settle: string;
  readonly purge: string;
  readonly status: string;
  readonly failed: string;
  readonly retry: string;
  readonly probe: string;
}

export function statementsFor(table: string): Statements {
  return {
    insert:
      `INSERT INTO ${table} (id, topic, sharding_key, message, body, created_at) ` +
      `VALUES ($1::text, $2::text, $3::text, $4::text, decode($5::text, 'base64'), ${AS_TIME('$6')})`,
    claim: claimOf(table),
    // Whoever sent it: it is sent.
    sent:
      `UPDATE ${table} SET status = '${SENT}', ended_at = ${AS_TIME('$2')}, error = NULL, claimed_by = NULL, ` +
      `claimed_until = NULL WHERE status <> '${SENT}' AND id IN ${AS_LIST('$1')}`,
    settle:
      `UPDATE ${table} t SET status = r.status, attempts = t.attempts + r.attempts, error = coalesce(r.error, t.error), ` +
      `ended_at = CASE WHEN r.status = '${FAILED}' THEN ${AS_TIME('$3')} END, claimed_by = NULL, claimed_until = NULL ` +
      `FROM jsonb_to_recordset($1::text::jsonb) AS r(id text, status text, attempts integer, error text) ` +
      `WHERE t.id = r.id AND t.status = '${PENDING}' AND t.claimed_by = $2::text`,
    purge:
      `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE status = '${SENT}' AND ` +
      `ended_at <= ${AS_TIME('$1')} ORDER BY ended_at LIMIT $2::text::integer FOR UPDATE SKIP LOCKED) RETURNING id`,
    status:
      `SELECT count(*) FILTER (WHERE status = '${PENDING}')::text AS pending, ` +
      `count(*) FILTER (WHERE status = '${FAILED}')::text AS failed, ` +
      `(extract(epoch FROM min(created_at) FILTER (WHERE status = '${PENDING}')) * 1000)::text AS oldest ` +
      `FROM ${table} WHERE status IN ('${PENDING}', '${FAILED}')`,
    failed:
      `SELECT id, topic, sharding_key, attempts::text AS attempts, error, ` +
      `(extract(epoch FROM created_at) * 1000)::text AS created FROM ${table} WHERE status = '${FAILED}' ` +
      'ORDER BY seq LIMIT $1::text::integer',
    retry:
      `UPDATE ${table} SET status = '${PENDING}', attempts = 0, ended_at = NULL ` +
      `WHERE status = '${FAILED}' AND id IN ${AS_LIST('$1')} RETURNING id`,
    probe: `SELECT id FROM ${table} LIMIT 0`,
  };
}

/**
 * Claims rows: $1 for whom, $2 for how many ms, $3 at most so many, $4 until so many bytes of bodies are reached, $5 paused
 * topics, $6 paused lanes. Of each sharding key it takes the oldest row, which nobody else may hold, and then those behind it.
 * It looks rows up by their id alone: PostgreSQL may not know yet how many are pending, and would scan them all.
 * For the same reason `seq + 0` keeps it from the index by seq where only one key is wanted.
 * A row that was committed late may be older than one that another relay holds; `after` tells the caller what precedes.
 */
function claimOf(table: string): string {
  const columns = 'id, topic, sharding_key, message, body, attempts';
  return `WITH heads AS MATERIALIZED (
  SELECT o.id, o.seq, o.topic, o.sharding_key FROM ${table} o
  WHERE o.status = '${PENDING}' AND ${FREE('o')} AND o.topic NOT IN ${AS_LIST('$5')} AND ${LANE('o')} NOT IN ${AS_LIST('$6')}
    AND (o.sharding_key IS NULL OR NOT EXISTS (
      SELECT FROM ${table} e WHERE e.status = '${PENDING}' AND e.sharding_key IS NOT NULL
        AND e.topic = o.topic AND e.sharding_key = o.sharding_key AND e.seq + 0 < o.seq))
  ORDER BY o.seq LIMIT $3::text::integer FOR UPDATE OF o SKIP LOCKED
), lanes AS (
  SELECT id, seq, NULL::bigint AS after FROM heads
  UNION ALL
  SELECT f.id, f.seq, f.after FROM heads h CROSS JOIN LATERAL (
    SELECT n.id, n.seq, lag(n.seq, 1, h.seq) OVER (ORDER BY n.seq) AS after FROM ${table} n
    WHERE n.status = '${PENDING}' AND n.sharding_key IS NOT NULL
      AND n.topic = h.topic AND n.sharding_key = h.sharding_key AND n.seq + 0 > h.seq
    ORDER BY n.seq LIMIT $3::text::integer) f
  WHERE h.sharding_key IS NOT NULL
), bounded AS (
  SELECT id, seq, after FROM lanes ORDER BY seq LIMIT $3::text::integer
), sized AS (
  SELECT b.id, b.after, sum(octet_length(t.body)) OVER (ORDER BY b.seq) - octet_length(t.body) AS before
  FROM bounded b JOIN ${table} t ON t.id = b.id
), claimed AS (
  UPDATE ${table} t SET claimed_by = $1::text, claimed_until = now() + $2::text::double precision * interval '1 millisecond'
  WHERE t.id = ANY(ARRAY(SELECT s.id FROM sized s WHERE s.before < $4::text::bigint)) AND t.status = '${PENDING}' AND ${FREE('t')}
  RETURNING t.seq, ${columns.replaceAll(/(\w+)/g, 't.$1')}
)
SELECT c.seq::text AS seq, s.after::text AS after, c.id, c.topic, c.sharding_key, c.message,
  encode(c.body, 'base64') AS body, c.attempts::text AS attempts FROM claimed c JOIN sized s ON s.id = c.id ORDER BY c.seq`;
}
