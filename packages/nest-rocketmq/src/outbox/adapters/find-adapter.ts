// Finds the adapter for an object of a database library by its shape.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { SqlDialect } from '../../idempotency/stores/sql-database.js';
import { asShape, withQuestionMarks } from './adapter.js';
import type { Adapter, Shape, SqlParameter, SqlRow } from './adapter.js';
import { drizzleAdapter } from './drizzle.js';
import type { DrizzleShape } from './drizzle.js';
import { knexAdapter } from './knex.js';
import type { KnexShape } from './knex.js';
import { mikroOrmAdapter } from './mikro-orm.js';
import type { MikroOrmShape } from './mikro-orm.js';
import { prismaAdapter } from './prisma.js';
import type { PrismaShape } from './prisma.js';
import { queryAdapter } from './query.js';
import type { QueryShape } from './query.js';
import { sqliteAdapter } from './sqlite.js';
import type { SqliteShape } from './sqlite.js';
import { typeOrmAdapter } from './typeorm.js';
import type { TypeOrmShape } from './typeorm.js';

/**
 * An object of a database library that runs SQL on PostgreSQL, MySQL, MariaDB or SQLite: of TypeORM (DataSource, EntityManager,
 * QueryRunner), Prisma, Drizzle, Knex, MikroORM (EntityManager), `pg`, PGlite, `mysql2/promise`, `better-sqlite3`,
 * `node:sqlite`, or your own with `query(sql, parameters)`.
 */
export type OutboxDatabase =
  | TypeOrmShape
  | PrismaShape
  | DrizzleShape
  | KnexShape
  | MikroOrmShape
  | QueryShape
  | SqliteShape;

/** The open transaction of one of these libraries, as it passes it to your function. */
export type OutboxTransaction = OutboxDatabase;

/** The one that knows `query` alone comes last: others have that, too. */
const ADAPTERS: readonly Adapter[] = [
  prismaAdapter,
  knexAdapter,
  mikroOrmAdapter,
  drizzleAdapter,
  typeOrmAdapter,
  sqliteAdapter,
  queryAdapter,
];

const ALLOWED =
  'a database or transaction of TypeORM, Prisma, Drizzle, Knex, MikroORM, pg, PGlite, mysql2/promise, better-sqlite3 or ' +
  'node:sqlite, or an object with query(sql, parameters)';

/** An object of a database library, and how SQL is run on it. */
export class Connected {
  constructor(
    readonly given: Shape,
    readonly adapter: Adapter,
    readonly dialect: SqlDialect,
  ) {}

  /** @param sql with $1, $2, …, each in its turn or again */
  query(sql: string, parameters: readonly SqlParameter[] = []): Promise<readonly SqlRow[]> {
    if (this.dialect === 'postgres' && !this.adapter.takesQuestionMarks) {
      return this.adapter.query(this.given, sql, parameters);
    }
    const positional = withQuestionMarks(sql, parameters);
    return this.adapter.query(this.given, positional.sql, positional.bindings);
  }

  /** On SQLite: whether what one of them does is in the transaction of the other. */
  sharesConnectionWith(other: Connected): boolean {
    const own = this.dialect === 'sqlite' ? this.adapter.connectionOf?.(this.given) : undefined;
    return own !== undefined && own === other.adapter.connectionOf?.(other.given);
  }

  /** @returns false where the library does not tell */
  onCommit(committed: () => void): boolean {
    return this.adapter.onCommit(this.given, committed);
  }
}

/** @param dialect that of the option, which comes before what the object tells @throws InvalidOptionError */
export function connect(option: string, given: unknown, dialect?: SqlDialect): Connected {
  const shape = asShape(given);
  const adapter = shape && ADAPTERS.find((each) => each.matches(shape));
  if (!shape || !adapter) throw new InvalidOptionError(option, given, ALLOWED);
  return new Connected(shape, adapter, dialect ?? adapter.dialectOf?.(shape) ?? 'postgres');
}

/** @throws InvalidOptionError for what is no open transaction: a message would be sent even if the caller's is rolled back */
export function connectTransaction(option: string, given: unknown, dialect?: SqlDialect): Connected {
  const connected = connect(option, given, dialect);
  if (connected.adapter.isTransaction(connected.given) !== false) return connected;
  const { library } = connected.adapter;
  const allowed = `an open transaction: what ${library} passes to the function that runs in the transaction, not the database itself`;
  throw new InvalidOptionError(option, given, allowed);
}
