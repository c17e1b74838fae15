// Writes the SQL of the outbox for PostgreSQL, 12 or later.
import type { SqlRow } from '../adapters/adapter.js';
import { FAILED, PENDING, SENT } from './outbox-dialect.js';
import type { ClaimedWindow, OutboxDialect } from './outbox-dialect.js';
import { claimOf } from './postgres-claim.js';
import { bareName } from './table-name.js';

/** PostgreSQL's code for a table that is not there. */
const UNDEFINED_TABLE = '42P01';

const AS_TIME = (parameter: string): string => `to_timestamp(${parameter}::text::double precision / 1000)`;
const AS_MS = (time: string): string => `(extract(epoch FROM ${time}) * 1000)::text`;
/** An array, and not a query: rows are looked up by their ids then, whatever PostgreSQL knows of the table. */
const IN_LIST = (parameter: string): string =>
  `= ANY(ARRAY(SELECT jsonb_array_elements_text(${parameter}::text::jsonb)))`;

/** @param table checked */
export function postgresDialect(table: string): OutboxDialect {
  const sent =
    `UPDATE ${table} SET status = '${SENT}', ended_at = ${AS_TIME('$2')}, error = NULL, claimed_by = NULL, ` +
    `claimed_until = NULL WHERE status <> '${SENT}' AND id ${IN_LIST('$1')}`;
  return {
    createTable: createTable(table),
    insert: ({ id, topic, lane, shardingKey, message, body, createdAt }) => ({
      sql:
        `INSERT INTO ${table} (id, topic, lane, sharding_key, message, body, created_at) VALUES ` +
        `($1::text, $2::text, $3::text, $4::text, $5::text, decode($6::text, 'base64'), ${AS_TIME('$7')})`,
      parameters: [id, topic, lane, shardingKey, message, body, String(createdAt)],
    }),
    async claim(run, { relay, claimTimeout, batchSize, batchBytes, pausedTopics, pausedLanes }, after) {
      const paused = [pausedTopics, pausedLanes].map((list) => JSON.stringify(list));
      const parameters = [relay, String(claimTimeout), String(batchBytes), ...paused, after];
      return windowIn(await run({ sql: claimOf(table, batchSize), parameters }), batchSize);
    },
    markSent: (ids, at) => ({ sql: sent, parameters: [JSON.stringify(ids), String(at)] }),
    settle: ({ ids, relay, status, attempts, error, endedAt }) => ({
      sql:
        `UPDATE ${table} SET status = $3::text, attempts = attempts + $4::text::integer, error = coalesce($5::text, error), ` +
        `ended_at = ${AS_TIME('$6')}, claimed_by = NULL, claimed_until = NULL ` +
        `WHERE id ${IN_LIST('$1')} AND claimed_by = $2::text AND status || '' = '${PENDING}'`,
      parameters: [
        JSON.stringify(ids),
        relay,
        status,
        String(attempts),
        error,
        endedAt === null ? null : String(endedAt),
      ],
    }),
    ...upkeepOf(table),
    probe: () => ({ sql: `SELECT id, lane FROM ${table} LIMIT 0`, parameters: [] }),
    isTableMissing: (error) => error['code'] === UNDEFINED_TABLE || error['originalCode'] === UNDEFINED_TABLE,
  };
}

/** What is not done for each message. */
function upkeepOf(table: string): Pick<OutboxDialect, 'purge' | 'status' | 'failed' | 'retry'> {
  return {
    purge: async (run, before, limit) => {
      const sql =
        `DELETE FROM ${table} WHERE id = ANY(ARRAY(SELECT id FROM ${table} WHERE status = '${SENT}' AND ` +
        `ended_at <= ${AS_TIME('$1')} ORDER BY ended_at LIMIT $2::text::integer FOR UPDATE SKIP LOCKED)) RETURNING id`;
      return (await run({ sql, parameters: [String(before), String(limit)] })).length;
    },
    status: () => ({
      sql:
        `SELECT count(*) FILTER (WHERE status = '${PENDING}')::text AS pending, ` +
        `count(*) FILTER (WHERE status = '${FAILED}')::text AS failed, ` +
        `${AS_MS(`min(created_at) FILTER (WHERE status = '${PENDING}')`)} AS oldest ` +
        `FROM ${table} WHERE status IN ('${PENDING}', '${FAILED}')`,
      parameters: [],
    }),
    failed: (limit) => ({
      sql:
        `SELECT id, topic, sharding_key, attempts::text AS attempts, error, ${AS_MS('created_at')} AS created ` +
        `FROM ${table} WHERE status = '${FAILED}' ORDER BY seq LIMIT $1::text::integer`,
      parameters: [String(limit)],
    }),
    retry: async (run, ids) => {
      const sql =
        `UPDATE ${table} SET status = '${PENDING}', attempts = 0, ended_at = NULL ` +
        `WHERE status = '${FAILED}' AND id ${IN_LIST('$1')} RETURNING id`;
      return (await run({ sql, parameters: [JSON.stringify(ids)] })).length;
    },
  };
}

function createTable(table: string): string[] {
  const name = bareName(table);
  return [
    `CREATE TABLE IF NOT EXISTS ${table} (
  id text PRIMARY KEY,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  status text NOT NULL DEFAULT '${PENDING}',
  topic text NOT NULL,
  lane text COLLATE "C" NOT NULL,
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
    // The claim reads it in its order. There is no other index of pending rows that PostgreSQL could take for a better one.
    `CREATE INDEX IF NOT EXISTS ${name}_pending ON ${table} (lane, seq) WHERE status = '${PENDING}'`,
    `CREATE INDEX IF NOT EXISTS ${name}_ended ON ${table} (ended_at) WHERE status = '${SENT}'`,
    `CREATE INDEX IF NOT EXISTS ${name}_failed ON ${table} (seq) WHERE status = '${FAILED}'`,
  ];
}

/** Each row has the numbers of the window; without claimed ones there is one row with these alone. */
function windowIn(rows: readonly SqlRow[], batchSize: number): ClaimedWindow {
  const [first] = rows;
  const claimed = rows.filter((row) => row['id'] !== null);
  if (!first) return { rows: claimed, last: undefined };
  const lastTaken = claimed.at(-1);
  // Where the bytes were enough before the rows were, what follows has not been looked at.
  const last =
    first['is_cut'] === 'true' && lastTaken
      ? { lane: lastTaken['lane'], topic: lastTaken['topic'] }
      : Number(first['seen']) === batchSize && { lane: first['last_lane'], topic: first['last_topic'] };
  return { rows: claimed, last: last ? { lane: String(last.lane), topic: String(last.topic) } : undefined };
}
