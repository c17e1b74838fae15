// Runs SQL on the EntityManager of MikroORM's SQL drivers.
import { hasMethod, rowsOf, withQuestionMarks } from './adapter.js';
import type { Adapter } from './adapter.js';

/** An EntityManager of MikroORM: that of the app, or what `transactional(async (em) => …)` passes to its function. */
export interface MikroOrmShape {
  execute(sql: string, parameters?: unknown[]): Promise<unknown>;
  getTransactionContext(): unknown;
  isInTransaction(): boolean;
}

export const mikroOrmAdapter: Adapter = {
  library: 'MikroORM',
  matches: (given) => hasMethod(given, 'execute') && hasMethod(given, 'getTransactionContext'),
  async query(given, sql, parameters) {
    const { sql: text, bindings } = withQuestionMarks(sql, parameters);
    return rowsOf(await (given as unknown as MikroOrmShape).execute(text, bindings));
  },
  isTransaction: (given) => (given as unknown as MikroOrmShape).isInTransaction(),
  onCommit: () => false,
};
