// Runs SQL on Knex and on its transactions.
import { asShape, dialectNamed, hasMethod, rowsOf } from './adapter.js';
import type { Adapter, Shape } from './adapter.js';

/** A Knex, or its transaction. */
export interface KnexShape {
  raw(sql: string, bindings: readonly (string | null)[]): PromiseLike<unknown>;
}

export const knexAdapter: Adapter = {
  library: 'Knex',
  matches: (given) => hasMethod(given, 'raw') && asShape(given['client']) !== undefined,
  takesQuestionMarks: true,
  dialectOf: (given) => dialectNamed(asShape(given['client'])?.['dialect']),
  async query(given, sql, parameters) {
    return rowsOf(await (given as unknown as KnexShape).raw(sql, parameters));
  },
  isTransaction: (given) => given['isTransaction'] === true,
  onCommit(given, committed) {
    const ends = endsOf(given);
    if (ends.length === 0) return false;
    // Rejected by a rollback, which is the caller's to handle.
    void Promise.all(ends).then(committed, () => undefined);
    return true;
  },
};

/** The ends of a transaction and of those around it: a savepoint is committed once all of them are. */
function endsOf(transaction: Shape): PromiseLike<unknown>[] {
  const end = asShape(transaction['executionPromise']);
  const around = asShape(transaction['parentTransaction']);
  const own = hasMethod(end, 'then') ? [end as unknown as PromiseLike<unknown>] : [];
  return around ? [...own, ...endsOf(around)] : own;
}
