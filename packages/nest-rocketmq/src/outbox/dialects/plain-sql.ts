// Writes the statements of the outbox that MySQL and SQLite share: without RETURNING, and with times in ms since the epoch.
import { asShape } from '../adapters/adapter.js';
import type { SqlParameter, SqlRow } from '../adapters/adapter.js';
import { claimInSteps } from './claim-in-steps.js';
import type { ClaimSteps } from './claim-in-steps.js';
import { FAILED, PENDING, SENT } from './outbox-dialect.js';
import type { OutboxDialect, Statement } from './outbox-dialect.js';

/** What the two write differently. */
export interface PlainSql {
  readonly createTable: readonly string[];
  /** ms since the epoch, by the database's clock. */
  readonly now: string;
  /** @param expression base64 */
  toBody(expression: string): string;
  /** base64 of the column `body` */
  readonly body: string;
  /** Its bytes, or about as many. */
  readonly bodySize: string;
  /** @param expression a number @returns it as a text */
  asText(expression: string): string;
  /** Ends an UPDATE of several rows: MySQL locks them in the order of their ids then, so that two relays do not wait for each other. */
  readonly orderOfLocks: string;
  isTableMissing: OutboxDialect['isTableMissing'];
  /** Whether an error of the driver says that somebody else writes. */
  isBusy: OutboxDialect['isTableMissing'];
}

/** Parameters of a statement, in the order in which it has them. */
class Parameters {
  readonly values: SqlParameter[] = [];

  add(value: SqlParameter): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  addAll(values: readonly SqlParameter[]): string {
    return values.map((value) => this.add(value)).join(', ');
  }
}

function write(sql: (parameters: Parameters) => string): Statement {
  const parameters = new Parameters();
  return { sql: sql(parameters), parameters: parameters.values };
}

/** A number goes into the text: as a parameter it would be a text, which LIMIT and sums do not take everywhere. */
const number = (value: number): string => String(Math.floor(value));

/** @param table checked */
export function plainDialect(table: string, sql: PlainSql): OutboxDialect {
  const steps = stepsFor(table, sql);
  return {
    createTable: sql.createTable,
    isTableMissing: sql.isTableMissing,
    claim: (run, claim, after) => claimInSteps(steps, run, claim, after),
    insert: ({ id, topic, lane, shardingKey, message, body, createdAt }) =>
      write((parameters) => {
        const texts = parameters.addAll([id, topic, lane, shardingKey, message]);
        const values = `${texts}, ${sql.toBody(parameters.add(body))}, ${number(createdAt)}`;
        return `INSERT INTO ${table} (id, topic, lane, sharding_key, message, body, created_at) VALUES (${values})`;
      }),
    markSent: (ids, at) =>
      write(
        (parameters) =>
          `UPDATE ${table} SET status = '${SENT}', ended_at = ${number(at)}, error = NULL, claimed_by = NULL, ` +
          `claimed_until = NULL WHERE id IN (${parameters.addAll(ids)}) AND status <> '${SENT}'${sql.orderOfLocks}`,
      ),
    settle: ({ ids, relay, status, attempts, error, endedAt }) =>
      write(
        (parameters) =>
          `UPDATE ${table} SET status = '${status}', attempts = attempts + ${number(attempts)}, ` +
          `error = coalesce(${parameters.add(error)}, error), ended_at = ${endedAt === null ? 'NULL' : number(endedAt)}, ` +
          `claimed_by = NULL, claimed_until = NULL WHERE id IN (${parameters.addAll(ids)}) AND status = '${PENDING}' ` +
          `AND claimed_by = ${parameters.add(relay)}${sql.orderOfLocks}`,
      ),
    purge: async (run, before, limit) => {
      const old = `SELECT id FROM ${table} WHERE status = '${SENT}' AND ended_at <= ${number(before)}`;
      const ids = idsOf(await run({ sql: `${old} ORDER BY ended_at LIMIT ${number(limit)}`, parameters: [] }));
      if (ids.length > 0) {
        await run(write((p) => `DELETE FROM ${table} WHERE id IN (${p.addAll(ids)}) AND status = '${SENT}'`));
      }
      return ids.length;
    },
    status: () => ({
      sql:
        `SELECT ${sql.asText('count(*)')} AS pending, ${sql.asText('min(created_at)')} AS oldest, ` +
        `(SELECT ${sql.asText('count(*)')} FROM ${table} WHERE status = '${FAILED}') AS failed ` +
        `FROM ${table} WHERE status = '${PENDING}'`,
      parameters: [],
    }),
    failed: (limit) => ({
      sql:
        `SELECT id, topic, sharding_key, ${sql.asText('attempts')} AS attempts, error, ${sql.asText('created_at')} AS created ` +
        `FROM ${table} WHERE status = '${FAILED}' ORDER BY seq LIMIT ${number(limit)}`,
      parameters: [],
    }),
    retry: async (run, ids) => {
      const where = (p: Parameters): string => `WHERE id IN (${p.addAll(ids)}) AND status = '${FAILED}'`;
      const found = await run(write((p) => `SELECT id FROM ${table} ${where(p)}`));
      const pending = `status = '${PENDING}', attempts = 0, ended_at = NULL`;
      if (found.length > 0) await run(write((p) => `UPDATE ${table} SET ${pending} ${where(p)}${sql.orderOfLocks}`));
      return found.length;
    },
    probe: () => ({ sql: `SELECT id, lane FROM ${table} LIMIT 0`, parameters: [] }),
  };
}

function stepsFor(table: string, sql: PlainSql): ClaimSteps {
  const free = `(claimed_until IS NULL OR claimed_until < ${sql.now})`;
  return {
    // Drizzle wraps the driver's error.
    isBusy: (error) => [asShape(error), asShape(asShape(error)?.['cause'])].some((each) => each && sql.isBusy(each)),
    look: (after, limit) =>
      write(
        (parameters) =>
          `SELECT id, lane, topic, ${sql.asText(sql.bodySize)} AS size, CASE WHEN ${free} THEN '1' ELSE '0' END AS is_free ` +
          `FROM ${table} WHERE status = '${PENDING}' AND lane > ${parameters.add(after)} ORDER BY lane, seq LIMIT ${number(limit)}`,
      ),
    take: (ids, relay, claimTimeout) =>
      write(
        (parameters) =>
          `UPDATE ${table} SET claimed_by = ${parameters.add(relay)}, claimed_until = ${sql.now} + ${number(claimTimeout)} ` +
          `WHERE id IN (${parameters.addAll(ids)}) AND status = '${PENDING}' AND ${free}${sql.orderOfLocks}`,
      ),
    read: (ids, relay) =>
      write(
        (parameters) =>
          `SELECT id, topic, lane, sharding_key, message, ${sql.body} AS body, ${sql.asText('attempts')} AS attempts ` +
          `FROM ${table} WHERE id IN (${parameters.addAll(ids)}) AND status = '${PENDING}' AND claimed_by = ${parameters.add(relay)} ` +
          `ORDER BY lane, seq`,
      ),
    giveBack: (ids, relay) =>
      write(
        (parameters) =>
          `UPDATE ${table} SET claimed_by = NULL, claimed_until = NULL WHERE id IN (${parameters.addAll(ids)}) ` +
          `AND status = '${PENDING}' AND claimed_by = ${parameters.add(relay)}${sql.orderOfLocks}`,
      ),
  };
}

function idsOf(rows: readonly SqlRow[]): string[] {
  return rows.map((row) => String(row['id']));
}
