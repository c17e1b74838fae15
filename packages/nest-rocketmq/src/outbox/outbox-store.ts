// Reads and writes the rows of the outbox.
import type { Clock } from '@nest-rocketmq/remoting/internal';
import { OutboxTableMissingError } from '../errors.js';
import { asShape } from './adapters/adapter.js';
import type { SqlRow } from './adapters/adapter.js';
import type { Connected } from './adapters/find-adapter.js';
import { FAILED, PENDING } from './dialects/outbox-dialect.js';
import type { Claim, ClaimedWindow, NewRow, OutboxDialect, Settlement, Statement } from './dialects/outbox-dialect.js';
import { behindTopic, fromSql } from './outbox-row.js';
import type { ClaimedRow } from './outbox-row.js';

const LONGEST_ERROR = 2_000;
/** How deep libraries wrap the driver's error. */
const MOST_CAUSES = 5;

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
  readonly #dialect: OutboxDialect;
  readonly #clock: Pick<Clock, 'now'>;
  /** Behind which lane the next claim looks. So each lane has its turn, however many rows another one has. */
  #cursor = '';

  /** @param table of `dialect`, for errors */
  constructor(database: Connected, dialect: OutboxDialect, table: string, clock: Pick<Clock, 'now'>) {
    this.#database = database;
    this.#table = table;
    this.#dialect = dialect;
    this.#clock = clock;
  }

  async createTable(): Promise<void> {
    for (const sql of this.#dialect.createTable) await this.#database.query(sql);
  }

  /** @throws OutboxTableMissingError; the database's error when it cannot be asked */
  async probe(): Promise<void> {
    await this.#run(this.#dialect.probe());
  }

  async insert(transaction: Connected, row: NewRow): Promise<void> {
    await this.#run(this.#dialect.insert(row), transaction);
  }

  /** Of each lane in its order, and only what nobody else holds. @returns none only if no lane has any */
  async claim(claim: Claim): Promise<ClaimedRow[]> {
    let isLastPass = this.#cursor === '';
    for (;;) {
      const window = await this.#dialect.claim((statement) => this.#run(statement), claim, this.#cursor);
      this.#cursor = nextAfter(window, claim);
      if (window.rows.length > 0) return window.rows.map(fromSql);
      if (this.#cursor !== '') continue;
      if (isLastPass) return [];
      isLastPass = true;
    }
  }

  async markSent(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#run(this.#dialect.markSent(ids, this.#clock.now()));
  }

  /** Gives rows back, or sets them aside. */
  async release(relay: string, rows: readonly Unsent[]): Promise<void> {
    const settlements = new Map<string, Settlement & { ids: string[] }>();
    for (const { row, setAside, counts, error } of rows) {
      const same = {
        relay,
        status: setAside ? FAILED : PENDING,
        attempts: counts ? 1 : 0,
        error: error === undefined ? null : textOf(error),
        endedAt: setAside ? this.#clock.now() : null,
      } as const;
      const key = JSON.stringify(same);
      const known = settlements.get(key);
      if (known) known.ids.push(row.id);
      else settlements.set(key, { ...same, ids: [row.id] });
    }
    for (const settlement of settlements.values()) await this.#run(this.#dialect.settle(settlement));
  }

  /** @param before ms since the epoch @returns how many were deleted, at most `limit` */
  purge(before: number, limit: number): Promise<number> {
    return this.#dialect.purge((statement) => this.#run(statement), before, limit);
  }

  async status(): Promise<OutboxStatus> {
    const [row] = await this.#run(this.#dialect.status());
    const oldest = row?.['oldest'];
    const isNone = oldest === null || oldest === undefined;
    return {
      pending: Number(row?.['pending'] ?? 0),
      failed: Number(row?.['failed'] ?? 0),
      oldestAge: isNone ? 0 : Math.max(0, Math.round(this.#clock.now() - Number(oldest))),
    };
  }

  async failed(limit: number): Promise<FailedMessage[]> {
    const rows = await this.#run(this.#dialect.failed(limit));
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
    if (ids.length === 0) return 0;
    return this.#dialect.retry((statement) => this.#run(statement), ids);
  }

  async #run({ sql, parameters }: Statement, on = this.#database): Promise<readonly SqlRow[]> {
    try {
      return await on.query(sql, parameters);
    } catch (cause) {
      if (!this.#isTableMissing(cause)) throw cause;
      throw new OutboxTableMissingError(this.#table, { cause });
    }
  }

  /** Drizzle, Prisma and TypeORM wrap the driver's error, each in its own way. */
  #isTableMissing(error: unknown): boolean {
    let each = asShape(error);
    for (let depth = 0; each && depth < MOST_CAUSES; depth++) {
      const meta = asShape(each['meta']);
      if (this.#dialect.isTableMissing(each) || (meta && this.#dialect.isTableMissing(meta))) return true;
      each = asShape(each['cause'] ?? each['driverError']);
    }
    return false;
  }
}

/** @returns '' from the beginning */
function nextAfter({ last }: ClaimedWindow, { pausedTopics }: Claim): string {
  if (!last) return '';
  return pausedTopics.includes(last.topic) ? behindTopic(last.topic) : last.lane;
}

/** PostgreSQL stores no U+0000. */
function textOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.replaceAll('\0', '').slice(0, LONGEST_ERROR);
}
