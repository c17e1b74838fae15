// Keeps the records of idempotent consumption in a table of PostgreSQL, MySQL or SQLite. It needs no driver.
import { randomUUID } from 'node:crypto';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import { checkKeys, checkOneOf, inside } from '../../option-checks.js';
import type { Claim, IdempotencyKey, IdempotencyRecord, TransactionalIdempotencyStore } from './idempotency-store.js';
import { SQL_DIALECTS, checkQueryable, dialectOf, runSql } from './sql-database.js';
import type { SqlDialect, SqlQueryable, SqlResult } from './sql-database.js';
import { statementsFor } from './sql-statements.js';
import type { SqlStatements } from './sql-statements.js';
import { storedKey } from './stored-key.js';

/** Options of `SqlIdempotencyStore`. */
export interface SqlIdempotencyStoreOptions {
  /** The SQL to speak. Default: that of the library, where it can be told by its methods; otherwise 'postgres'. */
  dialect?: SqlDialect;
  /** The table's name, with its schema if need be. Default 'rocketmq_idempotency'. */
  table?: string;
  /** By which leases and records end, for tests with a clock that is turned. Default: the database's own. */
  clock?: Clock;
}

const DEFAULT_TABLE = 'rocketmq_idempotency';
const TABLE_NAME = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/i;
const WHERE = 'SqlIdempotencyStore';
/** How often a record may change between a refused insert and the look at it. */
const MOST_TRIES = 5;

/**
 * An `IdempotencyStore` in a table of PostgreSQL 13, MySQL 8, MariaDB 10.5 or SQLite 3.35, or later. Its records can also be
 * written in the caller's own database transaction, so that effect and record are committed together.
 */
export class SqlIdempotencyStore implements TransactionalIdempotencyStore<SqlQueryable> {
  readonly #database: SqlQueryable;
  readonly #dialect: SqlDialect;
  readonly #table: string;
  readonly #clock: Clock | undefined;

  /**
   * @param database where records are kept, outside of transactions: a Pool of `pg`, a PGlite, a pool of `mysql2/promise`, a
   * database of `better-sqlite3` or `node:sqlite`
   * @throws InvalidOptionError
   */
  constructor(database: SqlQueryable, options: SqlIdempotencyStoreOptions = {}) {
    inside(WHERE, undefined, () => {
      checkQueryable('database', database);
      checkKeys('options', options, ['dialect', 'table', 'clock']);
      if (options.dialect !== undefined) checkOneOf('dialect', options.dialect, SQL_DIALECTS);
    });
    this.#database = database;
    this.#dialect = options.dialect ?? dialectOf(database);
    this.#table = tableOf(options.table);
    this.#clock = options.clock;
  }

  /** The statements that create the table, for your migrations. @throws InvalidOptionError */
  static createTableSql(dialect: SqlDialect, table?: string): readonly string[] {
    const checked = inside(WHERE, undefined, () => checkOneOf('dialect', dialect, SQL_DIALECTS));
    return statementsFor(checked, tableOf(table)).createTable;
  }

  /** Creates the table unless it is there. */
  async createTable(): Promise<void> {
    for (const sql of this.#sql.createTable) await this.#run(sql);
  }

  async claim(id: IdempotencyKey, owner: string, lease: number): Promise<Claim> {
    return this.#insert(this.#database, id, { owner, done: 0, length: lease });
  }

  async claimIn(transaction: SqlQueryable, id: IdempotencyKey, ttl: number): Promise<Claim> {
    inside(WHERE, undefined, () => checkQueryable('transaction', transaction));
    return this.#insert(transaction, id, { owner: randomUUID(), done: 1, length: ttl });
  }

  async extend(id: IdempotencyKey, owner: string, lease: number): Promise<boolean> {
    return changed(await this.#run(this.#sql.extend, [lease, ...names(id), owner]));
  }

  async complete(id: IdempotencyKey, owner: string, ttl: number, result?: string): Promise<boolean> {
    return changed(await this.#run(this.#sql.complete, [ttl, result ?? null, ...names(id), owner]));
  }

  async release(id: IdempotencyKey, owner: string): Promise<boolean> {
    return changed(await this.#run(this.#sql.release, [...names(id), owner]));
  }

  async find(id: IdempotencyKey): Promise<IdempotencyRecord | undefined> {
    return (await this.#read(this.#database, this.#sql.select, id)).record;
  }

  async forget(id: IdempotencyKey): Promise<boolean> {
    return changed(await this.#run(this.#sql.forget, names(id)));
  }

  async purge(limit: number): Promise<number> {
    const { rows, affected } = await this.#run(this.#sql.purge, [limit]);
    return affected ?? rows.length;
  }

  async #insert(
    database: SqlQueryable,
    id: IdempotencyKey,
    { owner, done, length }: { owner: string; done: 0 | 1; length: number },
  ): Promise<Claim> {
    // In MySQL's usual isolation a plain look within a transaction would not see what others have committed since its begin.
    const lock = this.#dialect === 'mysql' && database !== this.#database ? ' FOR UPDATE' : '';
    for (let tried = 0; tried < MOST_TRIES; tried++) {
      const { rows } = await this.#run(this.#sql.insert, [...names(id), owner, done, length], database);
      if (rows.length > 0) return { state: 'claimed' };
      const found = await this.#read(database, this.#sql.select + lock, id);
      if (found.owner === owner) return { state: 'claimed' };
      if (found.record) return found.record;
    }
    // It came and went each time: somebody else is at it.
    return { state: 'processing', remaining: length };
  }

  async #read(
    database: SqlQueryable,
    select: string,
    id: IdempotencyKey,
  ): Promise<{ owner?: string; record?: IdempotencyRecord }> {
    const [row] = (await this.#run(select, names(id), database)).rows;
    if (!row) return {};
    const remaining = Number(row['remaining']);
    const owner = textIn(row['owner']);
    if (remaining <= 0) return { owner };
    const isDone = Number(row['done']) === 1;
    const result = textIn(row['result']);
    return { owner, record: isDone ? { state: 'done', result } : { state: 'processing', remaining } };
  }

  get #sql(): SqlStatements {
    return statementsFor(this.#dialect, this.#table, this.#clock?.now());
  }

  #run(sql: string, parameters: readonly unknown[] = [], database = this.#database): Promise<SqlResult> {
    return runSql(database, this.#dialect, sql, parameters);
  }
}

/** A statement returns the rows that it has changed, or says how many. */
function changed({ rows, affected }: SqlResult): boolean {
  return rows.length > 0 || (affected ?? 0) > 0;
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function names(id: IdempotencyKey): [scope: string, key: string] {
  const { scope, key } = storedKey(id);
  return [scope, key];
}

/** Checked, since a name cannot be a parameter of a statement. */
function tableOf(table: unknown = DEFAULT_TABLE): string {
  if (typeof table === 'string' && TABLE_NAME.test(table)) return table;
  throw new InvalidOptionError(
    'table',
    table,
    'a name such as rocketmq_idempotency or shop.rocketmq_idempotency',
    WHERE,
  );
}
