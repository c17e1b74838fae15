// Runs SQL on a database of Drizzle ORM and on its transactions.
import { asShape, hasMethod, rowsOf } from './adapter.js';
import type { Adapter } from './adapter.js';

/** A database of Drizzle ORM for PostgreSQL or MySQL, or what `transaction(async (tx) => …)` passes to its function. */
export interface DrizzleShape {
  /** It takes a text, or an object of Drizzle's. */
  execute(statement: string): PromiseLike<unknown>;
}

/** What `execute` takes in place of a text: Drizzle asks for the SQL, and its dialect then for text and parameters. */
interface Statement {
  getSQL(): Statement;
  toQuery(): { sql: string; params: unknown[] };
}

interface WithStatements {
  execute(statement: Statement): PromiseLike<unknown>;
}

export const drizzleAdapter: Adapter = {
  library: 'Drizzle',
  // `session` is internal, but there since its first versions; `dialect` too.
  matches: (given) =>
    hasMethod(given, 'execute') && asShape(given['session']) !== undefined && asShape(given['dialect']) !== undefined,
  dialectOf: (given) => (kindOf(given['dialect']).startsWith('MySql') ? 'mysql' : undefined),
  async query(given, sql, parameters) {
    return rowsOf(await (given as unknown as WithStatements).execute(statementOf(sql, [...parameters])));
  },
  isTransaction: (given) => hasMethod(given, 'rollback'),
  onCommit: () => false,
};

/** How Drizzle itself tells its classes apart. */
function kindOf(dialect: unknown): string {
  const constructor = asShape(asShape(dialect)?.['constructor']);
  return String(constructor?.[Symbol.for('drizzle:entityKind')]);
}

function statementOf(sql: string, params: unknown[]): Statement {
  const statement: Statement = { getSQL: () => statement, toQuery: () => ({ sql, params }) };
  return statement;
}
