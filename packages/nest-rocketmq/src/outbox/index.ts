// The public door of nest-rocketmq/outbox.
export { RocketMQOutboxModule } from './outbox.module.js';
export type { RocketMQOutboxAsyncOptions, RocketMQOutboxOptionsFactory } from './outbox.module.js';
export type { OutboxRelayOptions, RocketMQOutboxOptions } from './outbox-options.js';
export { RocketMQOutbox } from './rocketmq-outbox.js';
export type { OutboxMessage, OutboxSendOptions } from './rocketmq-outbox.js';
export type { FailedMessage, OutboxStatus } from './outbox-store.js';
export type { OutboxEvent } from './outbox-events.js';
export { ROCKETMQ_OUTBOX_OPTIONS } from './outbox.tokens.js';
export type { OutboxDatabase, OutboxTransaction } from './adapters/find-adapter.js';
export type { DrizzleShape } from './adapters/drizzle.js';
export type { KnexShape } from './adapters/knex.js';
export type { MikroOrmShape } from './adapters/mikro-orm.js';
export type { PrismaShape } from './adapters/prisma.js';
export type { QueryShape } from './adapters/query.js';
export type { TypeOrmShape } from './adapters/typeorm.js';
export { AfterCommitScope, afterCommit } from './after-commit.js';
export type { AfterCommitWork } from './after-commit.js';
export { OutboxTableMissingError } from '../errors.js';
