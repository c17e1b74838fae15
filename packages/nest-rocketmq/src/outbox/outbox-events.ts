// Defines what the relay tells about its work.
import type { SendResult } from '@nest-rocketmq/client';

interface OfMessage {
  /** The message's UNIQ_KEY. */
  readonly id: string;
  readonly topic: string;
  readonly shardingKey: string | undefined;
}

/**
 * What has happened in the outbox of this process.
 * - 'sent': a broker has stored the message.
 * - 'retry': a send failed and is tried again. `counts` says whether the attempt counts against `maxAttempts`.
 * - 'failed': the message is set aside, see `RocketMQOutbox.failed`.
 * - 'outage': neither database nor brokers could be used; `retryIn` is the pause, ms.
 * - 'purged': old sent messages were deleted.
 */
export type OutboxEvent =
  | ({ readonly type: 'sent'; readonly result: SendResult } & OfMessage)
  | ({ readonly type: 'retry'; readonly error: unknown; readonly counts: boolean } & OfMessage)
  | ({ readonly type: 'failed'; readonly error: unknown } & OfMessage)
  | { readonly type: 'outage'; readonly error: unknown; readonly retryIn: number }
  | { readonly type: 'purged'; readonly count: number };
