// Defines what the outbox asks of a database: the statements that each SQL dialect writes in its own way.
import type { SqlParameter, SqlRow } from '../adapters/adapter.js';

export const PENDING = 'PENDING';
export const SENT = 'SENT';
export const FAILED = 'FAILED';

/** A statement with its parameters $1, $2, … All are text, which every driver passes on unchanged. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly SqlParameter[];
}

export type RunStatement = (statement: Statement) => Promise<readonly SqlRow[]>;

/** A row to insert. The message is sent in the order of its lane: that of its sharding key, or one of its own. */
export interface NewRow {
  readonly id: string;
  readonly topic: string;
  readonly lane: string;
  readonly shardingKey: string | null;
  /** JSON */
  readonly message: string;
  /** base64 */
  readonly body: string;
  /** ms since the epoch */
  readonly createdAt: number;
}

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

/** What one look at the table has found. */
export interface ClaimedWindow {
  /** The rows that were claimed, by lane and in the order of each: id, lane, topic, sharding_key, message, body, attempts. */
  readonly rows: readonly SqlRow[];
  /** The last lane that was looked at, and its topic; undefined if there is none behind it. */
  readonly last: { readonly lane: string; readonly topic: string } | undefined;
}

/** What becomes of rows that were not sent, all for the same reason. */
export interface Settlement {
  readonly ids: readonly string[];
  readonly relay: string;
  readonly status: typeof PENDING | typeof FAILED;
  /** 1 if the attempt counts, else 0 */
  readonly attempts: number;
  /** null: the row keeps the one it has. */
  readonly error: string | null;
  /** ms since the epoch; null while it is pending */
  readonly endedAt: number | null;
}

/** The statements for one table. */
export interface OutboxDialect {
  /** One by one: not every driver takes several at once. */
  readonly createTable: readonly string[];
  insert(row: NewRow): Statement;
  /**
   * Claims rows of the first lanes behind `after`. It reads at most `batchSize` rows from one index in its order, so that it
   * takes as long with a million pending rows as with a hundred. Of a lane it claims the oldest rows up to the first that
   * another relay holds, and none without those before it.
   */
  claim(run: RunStatement, claim: Claim, after: string): Promise<ClaimedWindow>;
  /** Whoever sent them: they are sent. @param at ms since the epoch */
  markSent(ids: readonly string[], at: number): Statement;
  settle(settlement: Settlement): Statement;
  /** @param before ms since the epoch @returns how many were deleted */
  purge(run: RunStatement, before: number, limit: number): Promise<number>;
  /** pending, failed, and oldest: ms since the epoch */
  status(): Statement;
  /** id, topic, sharding_key, attempts, error, and created: ms since the epoch */
  failed(limit: number): Statement;
  /** @returns how many there were */
  retry(run: RunStatement, ids: readonly string[]): Promise<number>;
  probe(): Statement;
  /** Whether an error of the driver says that the table does not exist. */
  isTableMissing(error: Readonly<Record<PropertyKey, unknown>>): boolean;
}
