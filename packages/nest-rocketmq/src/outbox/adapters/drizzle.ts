// Runs SQL on a database of Drizzle ORM and on its transactions.
import { asShape, hasMethod, rowsOf } from './adapter.js';
import type { Adapter } from './adapter.js';

/** What Drizzle's `execute` takes in place of a text: it asks for the SQL, and then for its text and parameters. */
export interface DrizzleStatement {
  getSQL(): unknown;
}

/** A database of Drizzle ORM for PostgreSQL, or what `transaction(async (tx) => …)` passes to its function. */
export interface DrizzleShape {
  execute(statement: DrizzleStatement): PromiseLike<unknown>;
}

export const drizzleAdapter: Adapter = {
  library: 'Drizzle',
  // `session` is internal, but there since its first versions; `dialect` too.
  matches: (given) =>
    hasMethod(given, 'execute') && asShape(given['session']) !== undefined && asShape(given['dialect']) !== undefined,
  async query(given, sql, parameters) {
    return rowsOf(await (given as unknown as DrizzleShape).execute(statementOf(sql, [...parameters])));
  },
  isTransaction: (given) => hasMethod(given, 'rollback'),
  onCommit: () => false,
};

/** A statement whose text is ready: Drizzle's dialect asks `toQuery` for text and parameters. */
function statementOf(sql: string, params: unknown[]): DrizzleStatement {
  const statement = { getSQL: () => statement, toQuery: () => ({ sql, params }) };
  return statement;
}
