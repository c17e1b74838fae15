// Keeps the record of committed transactions in a table of PostgreSQL. It needs no driver: `pg`, PGlite and others fit.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { checkKeys, checkMethods, inside } from '../option-checks.js';
import type { TransactionLog } from './transaction-log.js';

/**
 * What can run SQL with parameters $1, $2, …: a Pool or Client of `pg`, a PGlite, a transaction of either, or what returns
 * the rows themselves.
 */
export interface PostgresQueryable {
  /** Resolves with the rows, or an object with `rows`. */
  query(sql: string, parameters?: unknown[]): Promise<{ rows: unknown[] } | unknown[]>;
}

/** Options of `PostgresTransactionLog`. */
export interface PostgresTransactionLogOptions {
  /** The table's name, with its schema if need be. Default 'rocketmq_transactions'. */
  table?: string;
}

const DEFAULT_TABLE = 'rocketmq_transactions';
const TABLE_NAME = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/i;
const WHERE = 'PostgresTransactionLog';

/** A `TransactionLog` in a table of PostgreSQL, 13 or later. */
export class PostgresTransactionLog implements TransactionLog<PostgresQueryable> {
  readonly #database: PostgresQueryable;
  readonly #table: string;

  /**
   * @param database where checks are looked up, outside of transactions: a Pool of `pg`, or a PGlite
   * @throws InvalidOptionError
   */
  constructor(database: PostgresQueryable, options: PostgresTransactionLogOptions = {}) {
    inside(WHERE, undefined, () => {
      checkMethods('database', database, ['query']);
      checkKeys('options', options, ['table']);
    });
    this.#database = database;
    this.#table = tableOf(options.table);
  }

  /** The statement that creates the table, for your migrations. @throws InvalidOptionError */
  static createTableSql(table?: string): string {
    return (
      `CREATE TABLE IF NOT EXISTS ${tableOf(table)} (` +
      'transaction_id text PRIMARY KEY, committed boolean NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now())'
    );
  }

  /** Creates the table unless it is there. */
  async createTable(): Promise<void> {
    await this.#database.query(PostgresTransactionLog.createTableSql(this.#table));
  }

  /**
   * Writes in the open transaction that it commits. Call it first there: a check then waits until the transaction has ended.
   * @throws the database's error for a duplicate key when a check was answered with "not committed" before
   */
  async record(transaction: PostgresQueryable, transactionId: string): Promise<void> {
    const insert = `INSERT INTO ${this.#table} (transaction_id, committed) VALUES ($1, true)`;
    await transaction.query(insert, [transactionId]);
  }

  /**
   * Whether the transaction is committed; if not, it cannot be any more. Waits for one that has called `record` and is still
   * open.
   */
  async hasCommitted(transactionId: string): Promise<boolean> {
    // One insert decides: the key is unique, so either this row stands or that of the transaction.
    const insert = `INSERT INTO ${this.#table} (transaction_id, committed) VALUES ($1, false) ON CONFLICT DO NOTHING`;
    await this.#database.query(insert, [transactionId]);
    const select = `SELECT committed FROM ${this.#table} WHERE transaction_id = $1`;
    const result = await this.#database.query(select, [transactionId]);
    const [row] = (Array.isArray(result) ? result : result.rows) as { committed?: unknown }[];
    return row?.committed === true;
  }

  /**
   * Deletes old records. Keep them for as long as brokers keep messages (`fileReservedTime`, 72 hours by default): a broker
   * that was down asks about open transactions when it is back, and a record that is not there counts as not committed.
   * @param olderThan ms
   */
  async deleteOld(olderThan: number): Promise<void> {
    const sql = `DELETE FROM ${this.#table} WHERE recorded_at < now() - $1 * interval '1 millisecond'`;
    await this.#database.query(sql, [olderThan]);
  }
}

/** Checked, since a name cannot be a parameter of a statement. */
function tableOf(table: unknown = DEFAULT_TABLE): string {
  if (typeof table === 'string' && TABLE_NAME.test(table)) return table;
  throw new InvalidOptionError('table', table, 'a name such as rocketmq_transactions or shop.transactions', WHERE);
}
