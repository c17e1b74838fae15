// Runs SQL on TypeORM's EntityManager, QueryRunner and DataSource, and is told of commits by a subscriber.
import { asShape, dialectNamed, hasMethod, rowsOf } from './adapter.js';
import type { Adapter, Shape } from './adapter.js';

/** An EntityManager, QueryRunner or DataSource of TypeORM. */
export interface TypeOrmShape {
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
}

export const typeOrmAdapter: Adapter = {
  library: 'TypeORM',
  matches: (given) => hasMethod(given, 'query') && (isDataSource(given) || isManager(given) || isQueryRunner(given)),
  dialectOf: (given) => dialectNamed(asShape(sourceOf(given)?.['options'])?.['type']),
  async query(given, sql, parameters) {
    return rowsOf(await (given as unknown as TypeOrmShape).query(sql, [...parameters]));
  },
  isTransaction: (given) => runnerOf(given)?.['isTransactionActive'] === true,
  connectionOf: (given) => sourceOf(given),
  onCommit(given, committed) {
    const runner = runnerOf(given);
    const subscribers = sourceOf(given)?.['subscribers'];
    if (!runner || !Array.isArray(subscribers)) return false;
    hooksOf(subscribers).add(runner, committed);
    return true;
  },
};

const isDataSource = (given: Shape): boolean => hasMethod(given, 'createQueryRunner');
const isQueryRunner = (given: Shape): boolean => hasMethod(given, 'startTransaction') && hasMethod(given, 'release');
const isManager = (given: Shape): boolean => hasMethod(given, 'getRepository') && hasMethod(given, 'transaction');

/** A manager within a transaction has a query runner of its own. */
function runnerOf(given: Shape): Shape | undefined {
  return isQueryRunner(given) ? given : asShape(given['queryRunner']);
}

/** `connection` is its name before TypeORM 1. */
function sourceOf(given: Shape): Shape | undefined {
  return isDataSource(given) ? given : asShape(given['dataSource'] ?? given['connection']);
}

/** How many transactions and savepoints are open in a query runner. */
function depthOf(runner: Shape): number {
  const depth = runner['transactionDepth'];
  return typeof depth === 'number' ? depth : 1;
}

/** A callback, and the savepoint it belongs to. */
interface Hook {
  depth: number;
  readonly committed: () => void;
}

interface TransactionEvent {
  readonly queryRunner: object;
}

/** A subscriber of a data source: TypeORM calls it after every commit and rollback, those of savepoints included. */
class CommitSubscriber {
  readonly #hooks = new WeakMap<object, Hook[]>();

  add(runner: Shape, committed: () => void): void {
    const hooks = this.#hooks.get(runner) ?? [];
    hooks.push({ depth: depthOf(runner), committed });
    this.#hooks.set(runner, hooks);
  }

  afterTransactionCommit({ queryRunner }: TransactionEvent): void {
    const hooks = this.#hooks.get(queryRunner) ?? [];
    const runner = queryRunner as Shape;
    // What a savepoint held belongs to the transaction around it from now on.
    if (runner['isTransactionActive'] === true) {
      for (const hook of hooks) hook.depth = Math.min(hook.depth, depthOf(runner));
      return;
    }
    this.#hooks.delete(queryRunner);
    for (const { committed } of hooks) committed();
  }

  afterTransactionRollback({ queryRunner }: TransactionEvent): void {
    const runner = queryRunner as Shape;
    const left = runner['isTransactionActive'] === true ? depthOf(runner) : 0;
    const hooks = (this.#hooks.get(queryRunner) ?? []).filter(({ depth }) => depth <= left);
    this.#hooks.set(queryRunner, hooks);
  }
}

/** One subscriber for a data source, which stays as long as the data source does. */
function hooksOf(subscribers: unknown[]): CommitSubscriber {
  const found = subscribers.find((each) => each instanceof CommitSubscriber);
  if (found) return found;
  const created = new CommitSubscriber();
  subscribers.push(created);
  return created;
}
