// Turns a message into a row of the outbox, and the row into what the producer sends.
import type { BatchMessage, OutgoingMessage } from '@nest-rocketmq/client';
import type { SqlParameter, SqlRow } from './adapters/adapter.js';

/** What a row keeps beside topic, key and body. */
interface StoredMessage {
  readonly tags?: string;
  readonly keys?: string | string[];
  readonly properties?: Record<string, string>;
  /** ms since the epoch */
  readonly deliverAt?: number;
  readonly delayLevel?: number;
}

/** A row that this relay has claimed. */
export interface ClaimedRow {
  /** The message's UNIQ_KEY. */
  readonly id: string;
  readonly topic: string;
  readonly shardingKey: string | undefined;
  /** What the producer sends. */
  readonly message: BatchMessage;
  readonly isDelayed: boolean;
  /** Sends that failed before. */
  readonly attempts: number;
}

/** @param now ms since the epoch @returns the parameters of the statement that inserts the row */
export function toParameters(
  id: string,
  message: OutgoingMessage,
  shardingKey: string | undefined,
  now: number,
): SqlParameter[] {
  const { topic, body, tags, keys, properties, delayLevel } = message;
  const deliverAt = deliverAtOf(message, now);
  const stored: StoredMessage = {
    ...(tags !== undefined && { tags }),
    ...(keys !== undefined && { keys }),
    ...(properties && Object.keys(properties).length > 0 && { properties }),
    ...(deliverAt !== undefined && { deliverAt }),
    ...(delayLevel !== undefined && { delayLevel }),
  };
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : Buffer.from(body);
  return [id, topic, shardingKey ?? null, JSON.stringify(stored), bytes.toString('base64'), String(now)];
}

/** A delay counts from the moment at which the app asks for it, not from the relay's. ms since the epoch */
function deliverAtOf({ delay, deliverAt }: OutgoingMessage, now: number): number | undefined {
  if (delay !== undefined) return now + delay;
  return deliverAt === undefined ? undefined : Number(deliverAt);
}

/** A claimed row, and what precedes it under its sharding key. */
export interface LinkedRow extends ClaimedRow {
  readonly seq: string;
  readonly after: string | undefined;
}

export function fromSql(row: SqlRow): LinkedRow {
  const text = (column: string): string => String(row[column]);
  const shardingKey = row['sharding_key'] === null ? undefined : text('sharding_key');
  const { deliverAt, ...stored } = JSON.parse(text('message')) as StoredMessage;
  return {
    id: text('id'),
    seq: text('seq'),
    after: row['after'] === null ? undefined : text('after'),
    topic: text('topic'),
    shardingKey,
    attempts: Number(row['attempts']),
    isDelayed: deliverAt !== undefined || stored.delayLevel !== undefined,
    message: {
      ...stored,
      topic: text('topic'),
      body: Buffer.from(text('body'), 'base64'),
      uniqKey: text('id'),
      ...(deliverAt !== undefined && { deliverAt }),
      ...(shardingKey !== undefined && { shardingKey }),
    },
  };
}

/**
 * Splits off the rows of a key that do not follow what this relay holds: another one holds what precedes them.
 * @param rows in the order of their seq
 */
export function splitAtGaps(rows: readonly LinkedRow[]): { readonly held: LinkedRow[]; readonly others: LinkedRow[] } {
  const seqs = new Set<string>();
  const held: LinkedRow[] = [];
  const others: LinkedRow[] = [];
  for (const row of rows) {
    if (row.after !== undefined && !seqs.has(row.after)) {
      others.push(row);
      continue;
    }
    seqs.add(row.seq);
    held.push(row);
  }
  return { held, others };
}

/** What is paused together, as the claim names it: the rows of a sharding key, or one row. */
export function laneOf({ id, topic, shardingKey }: ClaimedRow): string {
  return shardingKey === undefined ? id : `${topic}:${shardingKey}`;
}
