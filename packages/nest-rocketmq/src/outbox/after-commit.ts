// Runs work once a transaction is committed: told by the transaction itself, or by a scope around it.
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { InvalidOptionError, NotRunningError } from '@nest-rocketmq/remoting/internal';
import { Logger } from '@nestjs/common';
import { inside } from '../option-checks.js';
import { connectTransaction } from './adapters/find-adapter.js';
import type { OutboxTransaction } from './adapters/find-adapter.js';

/** What runs after a commit, such as `() => template.send('order:created', order)`. */
export type AfterCommitWork = () => unknown;

/**
 * Runs `work` once the transaction is committed, and never if it is rolled back. For TypeORM and Knex, whose transactions tell
 * of their end; with nestjs-cls pass `txHost.tx`. For other libraries use an `AfterCommitScope`. An error in `work` is logged:
 * the transaction is committed already. If the process dies between commit and `work`, that does not run: use the outbox then.
 * @throws InvalidOptionError for what is no open transaction, or one that does not tell
 */
export function afterCommit(transaction: OutboxTransaction, work: AfterCommitWork): void {
  inside('afterCommit', undefined, () => {
    checkWork(work);
    // No SQL is run, so any database of the library will do.
    const connected = connectTransaction('transaction', transaction, 'postgres');
    // In the caller's context, as AsyncLocalStorage and nestjs-cls know it.
    const run = AsyncResource.bind(() => void runLogged(work));
    if (connected.onCommit(run)) return;
    const { library } = connected.adapter;
    throw new InvalidOptionError(
      'transaction',
      transaction,
      `one of TypeORM or Knex; those of ${library} do not tell of their commit: use an AfterCommitScope around it`,
    );
  });
}

/**
 * Collects work within one call that runs a transaction, and runs it once that call has resolved. It works with any library
 * and decorator: `scope.run(() => prisma.$transaction(async (tx) => { …; scope.afterCommit(() => template.send(…)); }))`.
 * Create one for your app, as a provider.
 */
export class AfterCommitScope {
  readonly #storage = new AsyncLocalStorage<Collected>();

  /** Whether this code runs within `run`. */
  get isActive(): boolean {
    return this.#storage.getStore()?.isOver === false;
  }

  /**
   * Calls `transaction`, and once it has resolved, all that `afterCommit` was given within, in turn. If it rejects, nothing
   * of that runs. Within another `run` the outer one decides.
   * @returns what `transaction` returns, after the work has run
   */
  async run<T>(transaction: () => Promise<T>): Promise<T> {
    const outer = this.#storage.getStore();
    const collected: Collected = { works: [], isOver: false };
    try {
      const result = await this.#storage.run(collected, transaction);
      if (outer && !outer.isOver) outer.works.push(...collected.works);
      else for (const work of collected.works) await runLogged(work);
      return result;
    } finally {
      collected.isOver = true;
    }
  }

  /** Runs `work` after the transaction around this call. @throws NotRunningError outside of `run`, and once that has ended */
  afterCommit(work: AfterCommitWork): void {
    inside('AfterCommitScope.afterCommit', undefined, () => checkWork(work));
    const collected = this.#storage.getStore();
    if (!collected) throw new NotRunningError('AfterCommitScope.run', 'not started', 'Call it around the transaction');
    if (collected.isOver) {
      throw new NotRunningError('AfterCommitScope.run', 'over', 'Await what calls afterCommit within the transaction');
    }
    collected.works.push(AsyncResource.bind(work));
  }
}

/** What one `run` has been given so far. */
interface Collected {
  readonly works: AfterCommitWork[];
  /** It has resolved or rejected: nobody would run what comes now. */
  isOver: boolean;
}

function checkWork(work: unknown): void {
  if (typeof work !== 'function') throw new InvalidOptionError('work', work, 'a function');
}

/** Nobody waits for it, and nothing can be undone any more. */
async function runLogged(work: AfterCommitWork): Promise<void> {
  try {
    await work();
  } catch (error) {
    new Logger('RocketMQ').error(`what was to run after a commit has failed: ${String(error)}`);
  }
}
