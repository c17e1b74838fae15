// Reads and writes the rows of the outbox.
import type { Clock } from '@nest-rocketmq/remoting/internal';
import { OutboxTableMissingError } from '../errors.js';
import { asShape } from './adapters/adapter.js';
import type { SqlParameter, SqlRow } from './adapters/adapter.js';
import type { Connected } from './adapters/find-adapter.js';
import { fromSql, splitAtGaps } from './outbox-row.js';
import type { ClaimedRow } from './outbox-row.js';
import { FAILED, PENDING, createTableStatements, statementsFor } from './outbox-statements.js';
import type { Statements } from './outbox-statements.js';

/** PostgreSQL's code for a table that is not there. */
const UNDEFINED_TABLE = '42P01';
const LONGEST_ERROR = 2_000;
/** How deep libraries wrap the driver's error. */
const MOST_CAUSES = 5;

/** Which rows a relay claims, and for how long. */
export interface Claim {
  readonly relay: string;
  /** ms */
  readonly claimTimeout: number;
  readonly batchSize: number;
  /** Of the bodies; one message may be larger. */
  readonly batchBytes: number;
  readonly pausedTopics: readonly string[];
  readonly pausedLanes: readonly string[];
}

/** What becomes of a row that was not sent. */
export interface Unsent {
  readonly row: ClaimedRow;
  /** Whether it is set aside, or tried again. */
  readonly setAside: boolean;
  /** Whether the attempt counts. */
  readonly counts: boolean;
  /** undefined: it was not tried. */
  readonly error: unknown;
}

/** How many messages wait, and how long. */
export interface OutboxStatus {
  /** Committed and not sent yet. */
  readonly pending: number;
  /** Set aside with an error: see `RocketMQOutbox.failed`. */
  readonly failed: number;
  /** How long the oldest pending message waits, ms; 0 if none does. */
  readonly oldestAge: number;
}

/** A message that was set aside because it cannot be sent. */
export interface FailedMessage {
  /** Its UNIQ_KEY. */
  readonly id: string;
  readonly topic: string;
  readonly shardingKey: string | undefined;
  /** How often sending it was tried. */
  readonly attempts: number;
  /** What the last attempt failed with. */
  readonly error: string;
  readonly createdAt: Date;
}

export class OutboxStore {
  readonly #database: Connected;
  readonly #table: string;
  readonly #sql: Statements;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(database: Connected, table: string, clock: Pick<Clock, 'now'>) {
    this.#database = database;
    this.#table = table;
    this.#sql = statementsFor(table);
    this.#clock = clock;
  }

  async createTable(): Promise<void> {
    for (const statement of createTableStatements(this.#table)) await this.#database.query(statement);
  }

  /** @throws OutboxTableMissingError; the database's error when it cannot be asked */
  async probe(): Promise<void> {
    await this.#query(this.#sql.probe);
  }

  async insert(transaction: Connected, parameters: SqlParameter[]): Promise<void> {
    await this.#query(this.#sql.insert, parameters, transaction);
  }

  /** In the order in which they were written; of each sharding key only what nobody else holds. */
  async claim(claim: Claim): Promise<ClaimedRow[]> {
    const { relay, claimTimeout, batchSize, batchBytes, pausedTopics, pausedLanes } = claim;
    const numbers = [claimTimeout, batchSize, batchBytes].map(String);
    const paused = [pausedTopics, pausedLanes].map((list) => JSON.stringify(list));
    const rows = await this.#query(this.#sql.claim, [relay, ...numbers, ...paused]);
    const { held, others } = splitAtGaps(rows.map(fromSql));
    if (others.length > 0) {
      await this.release(
        relay,
        others.map((row) => ({ row, setAside: false, counts: false, error: undefined })),
      );
    }
    return held;
  }

  async markSent(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#query(this.#sql.sent, [JSON.stringify(ids), String(this.#clock.now())]);
  }

  /** Gives rows back, or sets them aside. */
  async release(relay: string, rows: readonly Unsent[]): Promise<void> {
    if (rows.length === 0) return;
    const list = rows.map(({ row, setAside, counts, error }) => ({
      id: row.id,
      status: setAside ? FAILED : PENDING,
      attempts: counts ? 1 : 0,
      error: error === undefined ? null : textOf(error),
    }));
    await this.#query(this.#sql.settle, [JSON.stringify(list), relay, String(this.#clock.now())]);
  }

  /** @param before ms since the epoch @returns how many were deleted, at most `limit` */
  async purge(before: number, limit: number): Promise<number> {
    return (await this.#query(this.#sql.purge, [String(before), String(limit)])).length;
  }

  async status(): Promise<OutboxStatus> {
    const [row] = await this.#query(this.#sql.status);
    const oldest = row?.['oldest'];
    const isNone = oldest === null || oldest === undefined;
    return {
      pending: Number(row?.['pending'] ?? 0),
      failed: Number(row?.['failed'] ?? 0),
      oldestAge: isNone ? 0 : Math.max(0, Math.round(this.#clock.now() - Number(oldest))),
    };
  }

  async failed(limit: number): Promise<FailedMessage[]> {
    const rows = await this.#query(this.#sql.failed, [String(limit)]);
    return rows.map((row) => ({
      id: String(row['id']),
      topic: String(row['topic']),
      shardingKey: (row['sharding_key'] as string | null) ?? undefined,
      attempts: Number(row['attempts']),
      error: String(row['error']),
      createdAt: new Date(Number(row['created'])),
    }));
  }

  /** @returns how many there were */
  async retry(ids: readonly string[]): Promise<number> {
    return (await this.#query(this.#sql.retry, [JSON.stringify(ids)])).length;
  }

  async #query(sql: string, parameters: SqlParameter[] = [], on = this.#database): Promise<readonly SqlRow[]> {
    try {
      return await on.query(sql, parameters);
    } catch (cause) {
      if (!isTableMissing(cause)) throw cause;
      throw new OutboxTableMissingError(this.#table, { cause });
    }
  }
}

/** Drizzle, Prisma and TypeORM wrap the driver's error, each in its own way. */
function isTableMissing(error: unknown): boolean {
  let each = asShape(error);
  for (let depth = 0; each && depth < MOST_CAUSES; depth++) {
    if (each['code'] === UNDEFINED_TABLE || asShape(each['meta'])?.['code'] === UNDEFINED_TABLE) return true;
    if (each['originalCode'] === UNDEFINED_TABLE) return true;
    each = asShape(each['cause'] ?? each['driverError']);
  }
  return false;
}

/** PostgreSQL stores no U+0000. */
function textOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.replaceAll('\0', '').slice(0, LONGEST_ERROR);
}
