// The public door of nest-rocketmq/idempotency.
export { Idempotent } from './idempotent.js';
export type { IdempotencyStoreToken, IdempotentOptions, OnDuplicate } from './idempotent.js';
export { RocketMQIdempotency } from './rocketmq-idempotency.js';
export type { RunOptions } from './rocketmq-idempotency.js';
export type { Lease, RunOutcome } from './once.js';
export type { IdempotencyEvent } from './idempotency-event.js';
export { REPLAY_PROPERTY } from './message-key.js';
export type {
  BloomOptions,
  IdempotencyOptions,
  IdempotencySettings,
  OnStoreError,
} from './stores/idempotency-settings.js';
export type {
  Claim,
  IdempotencyKey,
  IdempotencyRecord,
  IdempotencyStore,
  TransactionalIdempotencyStore,
} from './stores/idempotency-store.js';
export { MemoryIdempotencyStore } from './stores/memory-idempotency-store.js';
export type { MemoryIdempotencyStoreOptions } from './stores/memory-idempotency-store.js';
export { SqlIdempotencyStore } from './stores/sql-idempotency-store.js';
export type { SqlIdempotencyStoreOptions } from './stores/sql-idempotency-store.js';
export type { SqlDialect, SqlQueryable, SqliteStatement } from './stores/sql-database.js';
export { RedisIdempotencyStore } from './stores/redis-idempotency-store.js';
export type { RedisClient, RedisIdempotencyStoreOptions } from './stores/redis-idempotency-store.js';
export {
  DuplicateMessageError,
  IdempotencyStoreError,
  IdempotencyStoreFullError,
  LeaseLostError,
  MessageInProgressError,
} from '../idempotency-errors.js';
