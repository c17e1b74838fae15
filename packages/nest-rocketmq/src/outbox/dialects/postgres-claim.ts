// Writes the statement by which a relay claims rows on PostgreSQL.
import { PENDING } from './outbox-dialect.js';

const AS_LIST = (parameter: string): string => `(SELECT jsonb_array_elements_text(${parameter}::text::jsonb))`;
const FREE = '(claimed_until IS NULL OR claimed_until < now())';
const LAST_SEQ = '9223372036854775807';
/** Written so that no index of pending rows fits: PostgreSQL may believe that few are pending, and scan it for a few ids. */
const STILL_PENDING = `status || '' = '${PENDING}'`;

/**
 * Parameters: $1 for whom, $2 for how many ms, $3 until so many bytes of bodies are reached, $4 paused topics, $5 paused lanes,
 * $6 the lane behind which it looks.
 * `seen` goes through the index of pending rows in its order, so that it has all rows of a lane from the first on; it leaves a
 * lane or a topic of which it can take no more. It takes one row a step: only for a single row does PostgreSQL read the index in
 * its order whatever the statistics say. If they say that few are pending, it would fetch all, and sort them.
 * All else works on these rows, and finds them in the table by their ids. `wanted` are those of a lane before the first that
 * another relay holds. `locked` are those of them that no other claim takes at this moment. `following` leaves out what stands
 * behind a row that was not locked; `IS TRUE` has PostgreSQL look ids up in a hash table, and not compare each with each.
 */
export function claimOf(table: string, batchSize: number): string {
  const row = `id, seq, lane, topic, octet_length(body) AS size, ${FREE} AS is_free FROM ${table} WHERE status = '${PENDING}'`;
  return `WITH RECURSIVE seen AS (
  (SELECT 1 AS step, ${row} AND lane > $6::text ORDER BY lane, seq LIMIT 1)
  UNION ALL
  SELECT s.step + 1, next.* FROM seen s CROSS JOIN LATERAL (
    SELECT ${row} AND (lane, seq) > (
      CASE WHEN s.topic IN ${AS_LIST('$4')} THEN s.topic || ';' ELSE s.lane END,
      CASE WHEN s.is_free AND s.lane NOT IN ${AS_LIST('$5')} THEN s.seq ELSE ${LAST_SEQ} END)
    ORDER BY lane, seq LIMIT 1) next
  WHERE s.step < ${batchSize}
), wanted AS MATERIALIZED (
  SELECT id, seq, lane, size, place FROM (
    SELECT seen.*, row_number() OVER by_seq AS place, bool_and(is_free) OVER by_seq AS are_free FROM seen
    WINDOW by_seq AS (PARTITION BY lane ORDER BY seq)) s
  WHERE are_free AND topic NOT IN ${AS_LIST('$4')} AND lane NOT IN ${AS_LIST('$5')}
), locked AS MATERIALIZED (
  SELECT id FROM ${table} WHERE id = ANY(ARRAY(SELECT id FROM wanted)) AND ${STILL_PENDING} AND ${FREE}
  FOR UPDATE SKIP LOCKED
), following AS (
  SELECT id, lane, seq, size FROM (
    SELECT wanted.*, row_number() OVER (PARTITION BY lane ORDER BY seq) AS locked_place FROM wanted
    WHERE (id IN (SELECT id FROM locked)) IS TRUE) l
  WHERE locked_place = place
), bounded AS MATERIALIZED (
  SELECT id, sum(size) OVER (ORDER BY lane, seq) - size < $3::text::bigint AS fits FROM following
), claimed AS (
  UPDATE ${table} SET claimed_by = $1::text, claimed_until = now() + $2::text::double precision * interval '1 millisecond'
  WHERE id = ANY(ARRAY(SELECT id FROM bounded WHERE fits)) AND ${STILL_PENDING}
  RETURNING seq, id, topic, lane, sharding_key, message, encode(body, 'base64') AS body, attempts::text AS attempts
), summary AS (
  SELECT (SELECT count(*) FROM seen)::text AS seen, l.lane AS last_lane, l.topic AS last_topic,
    EXISTS (SELECT FROM bounded WHERE NOT fits)::text AS is_cut
  FROM (SELECT lane, topic FROM seen ORDER BY step DESC LIMIT 1) l
)
SELECT summary.*, claimed.id, topic, lane, sharding_key, message, body, attempts
FROM summary LEFT JOIN claimed ON true ORDER BY lane, seq`;
}
