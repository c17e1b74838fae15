// Declares the errors of the outbox's table.
import { RocketMQError } from '@nest-rocketmq/remoting/internal';

/** The table of the outbox does not exist. Raised when the app starts, and by `RocketMQOutbox`. */
export class OutboxTableMissingError extends RocketMQError<'OUTBOX_TABLE_MISSING'> {
  constructor(
    /** The name, as the option `table` of `RocketMQOutboxModule` gives it. */
    readonly table: string,
    options?: { cause?: unknown },
  ) {
    super(
      'OUTBOX_TABLE_MISSING',
      `the table ${table} of the outbox does not exist. Create it in a migration, with the statements of ` +
        'RocketMQOutbox.createTableSql(); for development set RocketMQOutboxModule.forRoot({ createTable: true }).',
      options,
    );
  }
}

/**
 * The table of the outbox lacks a column: another version of nest-rocketmq has created it, or it is no outbox. Raised when the app
 * starts, and by `RocketMQOutbox`.
 */
export class OutboxTableOutdatedError extends RocketMQError<'OUTBOX_TABLE_OUTDATED'> {
  constructor(
    /** The name, as the option `table` of `RocketMQOutboxModule` gives it. */
    readonly table: string,
    options?: { cause?: unknown },
  ) {
    super(
      'OUTBOX_TABLE_OUTDATED',
      `the table ${table} of the outbox lacks a column that this version of nest-rocketmq needs (${reasonOf(options?.cause)}). ` +
        'If another version has created it, let a process of that version send what is pending, drop the table, and create it ' +
        'anew with the statements of RocketMQOutbox.createTableSql(). If it is something else, give the outbox another table: ' +
        "RocketMQOutboxModule.forRoot({ table: 'shop_outbox' }).",
      options,
    );
  }
}

export type OutboxTableError = OutboxTableMissingError | OutboxTableOutdatedError;

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
