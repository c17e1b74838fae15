// Turns a message into a row of the outbox, and the row into what the producer sends.
import type { BatchMessage, OutgoingMessage } from '@nest-rocketmq/client';
import { createHash } from 'node:crypto';
import type { SqlRow } from './adapters/adapter.js';
import type { NewRow } from './dialects/outbox-dialect.js';

/** A sharding key that every database compares byte by byte. Of any other, the lane has the hash. */
const PLAIN_KEY = /^[\x21-\x7e]{1,128}$/;

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
  /** What is sent in order, one after the other: the rows of a sharding key and topic, or one row. */
  readonly lane: string;
  readonly shardingKey: string | undefined;
  /** What the producer sends. */
  readonly message: BatchMessage;
  readonly isDelayed: boolean;
  /** Sends that failed before. */
  readonly attempts: number;
}

/** @param now ms since the epoch */
export function toRow(id: string, message: OutgoingMessage, shardingKey: string | undefined, now: number): NewRow {
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
  return {
    id,
    topic,
    lane: laneOf(id, topic, shardingKey),
    shardingKey: shardingKey ?? null,
    message: JSON.stringify(stored),
    body: bytes.toString('base64'),
    createdAt: now,
  };
}

/** It begins with the topic and a colon, which no topic has: see `behindTopic`. */
function laneOf(id: string, topic: string, shardingKey: string | undefined): string {
  if (shardingKey === undefined) return `${topic}:id:${id}`;
  if (PLAIN_KEY.test(shardingKey)) return `${topic}:key:${shardingKey}`;
  return `${topic}:hash:${createHash('sha256').update(shardingKey).digest('hex')}`;
}

/** What comes behind all lanes of a topic, byte by byte: a semicolon follows the colon. */
export function behindTopic(topic: string): string {
  return `${topic};`;
}

/** A delay counts from the moment at which the app asks for it, not from the relay's. ms since the epoch */
function deliverAtOf({ delay, deliverAt }: OutgoingMessage, now: number): number | undefined {
  if (delay !== undefined) return now + delay;
  return deliverAt === undefined ? undefined : Number(deliverAt);
}

export function fromSql(row: SqlRow): ClaimedRow {
  const text = (column: string): string => String(row[column]);
  const shardingKey = row['sharding_key'] === null ? undefined : text('sharding_key');
  const { deliverAt, ...stored } = JSON.parse(text('message')) as StoredMessage;
  return {
    id: text('id'),
    topic: text('topic'),
    lane: text('lane'),
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
