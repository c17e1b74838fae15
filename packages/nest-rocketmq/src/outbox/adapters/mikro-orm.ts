// Runs SQL on the EntityManager of MikroORM's SQL drivers.
import { asShape, dialectNamed, hasMethod, rowsOf } from './adapter.js';
import type { Adapter, Shape } from './adapter.js';

/** An EntityManager of MikroORM: that of the app, or what `transactional(async (em) => …)` passes to its function. */
export interface MikroOrmShape {
  execute(sql: string, parameters?: unknown[]): Promise<unknown>;
  getTransactionContext(): unknown;
  isInTransaction(): boolean;
}

export const mikroOrmAdapter: Adapter = {
  library: 'MikroORM',
  matches: (given) => hasMethod(given, 'execute') && hasMethod(given, 'getTransactionContext'),
  takesQuestionMarks: true,
  dialectOf: (given) => dialectNamed(platformOf(given)),
  async query(given, sql, parameters) {
    return rowsOf(await (given as unknown as MikroOrmShape).execute(sql, [...parameters]));
  },
  isTransaction: (given) => (given as unknown as MikroOrmShape).isInTransaction(),
  onCommit: () => false,
};

/** The name of its driver's platform, without the word itself: 'PostgreSql', 'MySql', 'MariaDb', 'Sqlite'. */
function platformOf(given: Shape): string | undefined {
  const platform = hasMethod(given, 'getPlatform') ? asShape((given['getPlatform'] as () => unknown)()) : undefined;
  const name = asShape(platform?.['constructor'])?.['name'];
  return typeof name === 'string' ? name.replace(/Platform$/, '').toLowerCase() : undefined;
}
