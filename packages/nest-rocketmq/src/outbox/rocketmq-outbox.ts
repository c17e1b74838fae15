// Writes messages into the outbox in the caller's transaction, and gives access to the relay that sends them.
import { MessageTooLargeError } from '@nest-rocketmq/client';
import { InvalidOptionError, endsWithin, systemClock } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Observable, Subject } from 'rxjs';
import type { DelayOptions } from '../message/delay.js';
import type { Destination } from '../message/destination.js';
import { compose } from '../message/outgoing-message.js';
import type { MessageOptions } from '../message/outgoing-message.js';
import { SQL_DIALECTS } from '../idempotency/stores/sql-database.js';
import type { SqlDialect } from '../idempotency/stores/sql-database.js';
import { checkInteger, checkKeys, checkOneOf, inside } from '../option-checks.js';
import { settingsOf } from '../template/send-options.js';
import { OutboxTableMissingError, OutboxTableOutdatedError } from '../outbox-errors.js';
import { connectTransaction } from './adapters/find-adapter.js';
import type { Connected, OutboxTransaction } from './adapters/find-adapter.js';
import type { OutboxEvent } from './outbox-events.js';
import type { CheckedOutboxOptions } from './outbox-options.js';
import { dialectFor } from './dialects/dialect-for.js';
import type { NewRow } from './dialects/outbox-dialect.js';
import { checkTable } from './dialects/table-name.js';
import { toRow } from './outbox-row.js';
import { createParts } from './outbox-parts.js';
import type { OutboxParts } from './outbox-parts.js';
import type { FailedMessage, OutboxStatus, OutboxStore } from './outbox-store.js';
import { OUTBOX_CLUSTER, OUTBOX_OPTIONS } from './outbox.tokens.js';
import type { Relay } from './relay.js';

/** Options of `RocketMQOutbox.send`. */
export interface OutboxSendOptions extends MessageOptions, DelayOptions {
  /**
   * Messages with the same sharding key are sent in the order in which they were written, and stay in order in one queue.
   * Any non-empty string.
   */
  shardingKey?: string | undefined;
}

/** A message that `RocketMQOutbox.send` has written. */
export interface OutboxMessage {
  /** The id that the message will have (UNIQ_KEY), however often it is sent. */
  readonly id: string;
}

const DEFAULT_MAX_MESSAGE_SIZE = 4_194_304;
/** For the round that is under way when `drainTimeout` is over: sends with all their attempts, and the database. */
const LAST_ROUND_MS = 15_000;
const MOST_FAILED = 10_000;
const DEFAULT_FAILED = 100;

/** Writes messages in the app's own database transactions. Inject it; `RocketMQOutboxModule` creates it. */
@Injectable()
export class RocketMQOutbox {
  readonly #events = new Subject<OutboxEvent>();
  readonly #logger = new Logger('RocketMQ');
  #created: OutboxParts | undefined;

  /** @internal */
  constructor(
    @Inject(OUTBOX_OPTIONS) private readonly options: CheckedOutboxOptions,
    private readonly modules: ModuleRef,
    @Inject(OUTBOX_CLUSTER) private readonly cluster: string,
  ) {}

  /** The statements that create a table, for your migrations. @param dialect 'postgres' by default @throws InvalidOptionError */
  static createTableSql(table?: string, dialect: SqlDialect = 'postgres'): string {
    const { createTable } = inside('RocketMQOutbox.createTableSql', undefined, () =>
      dialectFor(checkOneOf('dialect', dialect, SQL_DIALECTS), checkTable(table)),
    );
    return createTable.map((statement) => `${statement};\n`).join('');
  }

  /** What happens in the relay of this process. */
  get events(): Observable<OutboxEvent> {
    return this.#events.asObservable();
  }

  /** Creates the table unless it exists: for development and tests. In production use a migration with `createTableSql`. */
  createTable(): Promise<void> {
    return this.#store.createTable();
  }

  /**
   * Writes a message in the caller's open transaction. The relay sends it once that is committed, and never if it is rolled back.
   * @param transaction as TypeORM, Prisma, Drizzle, Knex, MikroORM, pg or PGlite passes it to your function
   * @param destination 'topic', 'topic:tag' or { topic, tag }
   * @param payload becomes the body, by the option `messageConverter`: JSON by default
   * @throws InvalidOptionError, MessageEncodeError, MessageTooLargeError: nothing was written
   * @throws OutboxTableMissingError, OutboxTableOutdatedError; the database's own error
   */
  async send(
    transaction: OutboxTransaction,
    destination: Destination,
    payload: unknown,
    options: OutboxSendOptions = {},
  ): Promise<OutboxMessage> {
    const { clock, ids } = this.#parts();
    const now = clock.now();
    const id = ids.next(now);
    const { connected, row } = inside('RocketMQOutbox.send', undefined, () => ({
      connected: this.#transactionIn(transaction),
      row: this.#rowOf(id, destination, payload, options, now),
    }));
    await this.#store.insert(connected, row);
    if (this.#relay && !connected.onCommit(() => this.#relay?.wake())) this.#relay.expect(id);
    return { id };
  }

  /** Has the relay of this process look at once, for an app that knows that a transaction has been committed. */
  wake(): void {
    this.#relay?.wake();
  }

  /** How many messages wait, and how long. Without a relay, too. */
  status(): Promise<OutboxStatus> {
    return this.#store.status();
  }

  /** The messages that were set aside, oldest first. @throws InvalidOptionError */
  async failed(options: { limit?: number } = {}): Promise<FailedMessage[]> {
    const limit = inside('RocketMQOutbox.failed', undefined, () => {
      checkKeys('options', options, ['limit']);
      return checkInteger('limit', options.limit ?? DEFAULT_FAILED, 1, MOST_FAILED);
    });
    return this.#store.failed(limit);
  }

  /**
   * Has messages that were set aside sent again.
   * @param ids at most 10,000, as `failed` lists them
   * @returns how many of the ids were set aside @throws InvalidOptionError
   */
  async retry(ids: readonly string[]): Promise<number> {
    inside('RocketMQOutbox.retry', undefined, () => checkIds(ids));
    const found = await this.#store.retry(ids);
    this.wake();
    return found;
  }

  /** @internal */
  async start(): Promise<void> {
    await this.#probe();
    this.#relay?.start();
  }

  /** Sends what is pending. Does not wait without end for a database that does not answer. @internal */
  async stop(clock: Clock = systemClock): Promise<void> {
    const relay = this.#created?.relay;
    const { drainTimeout = 0 } = this.options.relay ?? {};
    const atMost = drainTimeout + LAST_ROUND_MS;
    const work = relay?.stop(() => clock.monotonic());
    if (work && !(await endsWithin(clock, work, atMost))) {
      this.#logger.warn(
        `the outbox did not end within ${atMost} ms: its database does not answer. What it was sending ` +
          'stays in the table, and is sent by the next relay, perhaps twice.',
      );
    }
    this.#events.complete();
  }

  /**
   * Without its table the outbox cannot work; a database that is away may come back.
   * @throws OutboxTableMissingError, OutboxTableOutdatedError
   */
  async #probe(): Promise<void> {
    try {
      await this.#store.probe();
    } catch (error) {
      if (error instanceof OutboxTableMissingError || error instanceof OutboxTableOutdatedError) throw error;
      this.#logger.warn(`the outbox cannot read ${this.options.table} yet: ${String(error)}`);
    }
  }

  /** A relay on the connection of the transaction would see what is not committed yet. */
  #transactionIn(given: OutboxTransaction): Connected {
    const connected = connectTransaction('transaction', given, this.options.dialect);
    if (!this.options.relay || !connected.sharesConnectionWith(this.options.database)) return connected;
    const allowed =
      'one of another connection than that of the option database: open the file of SQLite once more for the outbox';
    throw new InvalidOptionError('transaction', given, allowed);
  }

  #rowOf(id: string, destination: Destination, payload: unknown, options: OutboxSendOptions, now: number): NewRow {
    const { messageConverter: converter, highestDelayLevel, producer } = this.#parts().rocketmq;
    const message = compose({ converter, highestDelayLevel }, destination, payload, options, ['shardingKey']);
    const { shardingKey } = settingsOf({ shardingKey: options.shardingKey });
    const { maxMessageSize = DEFAULT_MAX_MESSAGE_SIZE } = producer;
    const size = Buffer.byteLength(message.body);
    if (size > maxMessageSize) throw new MessageTooLargeError(message.topic, size, maxMessageSize);
    return toRow(id, message, shardingKey, now);
  }

  /** At the first use: another provider's onModuleInit may come before that of RocketMQModule's. */
  #parts(): OutboxParts {
    this.#created ??= createParts({ modules: this.modules, cluster: this.cluster }, this.options, (event) =>
      this.#tell(event),
    );
    return this.#created;
  }

  get #store(): OutboxStore {
    return this.#parts().store;
  }

  get #relay(): Relay | undefined {
    return this.#parts().relay;
  }

  #tell(event: OutboxEvent): void {
    if (event.type === 'failed') {
      const { id, topic, error } = event;
      this.#logger.error(`message ${id} for topic ${topic} was set aside in the outbox: ${String(error)}`);
    }
    if (event.type === 'outage') {
      this.#logger.warn(`the outbox waits ${event.retryIn} ms and tries again: ${String(event.error)}`);
    }
    this.#events.next(event);
  }
}

/** SQLite takes no more than 32,766 parameters. @throws InvalidOptionError */
function checkIds(ids: unknown): void {
  const isList = Array.isArray(ids) && ids.length <= MOST_FAILED && ids.every((id) => typeof id === 'string');
  if (!isList)
    throw new InvalidOptionError('ids', ids, `a list of at most ${MOST_FAILED} ids, as failed() returns them`);
}
