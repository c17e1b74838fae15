// Does work once: the injectable service, which also serves the listeners with @Idempotent.
import { InvalidOptionError, milliseconds, sharedAbortController, systemClock } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { RocketMQBackend } from '../backends/backend.js';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import { DuplicateMessageError } from '../idempotency-errors.js';
import { checkKeys, inside } from '../option-checks.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { ROCKETMQ_BACKEND, ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';
import type { WorkParts } from './claimed-work.js';
import type { IdempotencyEvent } from './idempotency-event.js';
import type { AnyIdempotentOptions } from './idempotent.js';
import { checkIdempotent, checkScope, checkTransactional } from './idempotent-checks.js';
import type { Deliveries, OpenDelivery } from './listener-delivery.js';
import { ListenerIdempotency } from './listener-idempotency.js';
import { claimInTransaction, isDone, runOnce } from './once.js';
import type { Lease, RunOutcome } from './once.js';
import { StoresInUse } from './stores-in-use.js';
import { BloomFront } from './stores/bloom-front.js';
import { SETTINGS, checkSettings } from './stores/idempotency-settings.js';
import type { CheckedSettings, IdempotencySettings } from './stores/idempotency-settings.js';
import type { IdempotencyKey, IdempotencyStore } from './stores/idempotency-store.js';

/** Options of `run`, `runInTransaction`, `claimIn` and `forget`. What is left out is as the module option `idempotency` says. */
export interface RunOptions extends IdempotencySettings {
  /** Keys are compared within one scope. Default: the module's `group`. */
  scope?: string;
  /** Where the records are kept. Default: the module's store. */
  store?: IdempotencyStore;
}

const WHERE = 'RocketMQIdempotency';
/** As long as a broker keeps messages, ms. */
const RETENTION_MS = 259_200_000;

/**
 * Does work once for each key, by hand or for listeners with `@Idempotent`. Inject it; the module creates it.
 */
@Injectable()
export class RocketMQIdempotency {
  readonly #logger = new Logger('RocketMQ');
  readonly #events = new Subject<IdempotencyEvent>();
  readonly #closing = sharedAbortController();
  readonly #deliveries: Deliveries = { open: new WeakMap<object, OpenDelivery>(), duplicates: new WeakSet() };
  readonly #clock: Clock;
  readonly #stores: StoresInUse;

  constructor(
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(ROCKETMQ_BACKEND) backend: RocketMQBackend,
    modules: ModuleRef,
  ) {
    this.#clock = backend.clock ?? systemClock;
    this.#stores = new StoresInUse({
      options,
      clock: this.#clock,
      logger: this.#logger,
      find: (token) => modules.get<unknown>(token, { strict: false }),
    });
  }

  /** What happens to keys, for metrics and tests. Subscribers have no influence on it. */
  get events(): Observable<IdempotencyEvent> {
    return this.#events;
  }

  /**
   * Runs `work` unless that was done for this key before. If it throws, the next call runs it again. A process that dies after
   * the work, but before that is recorded, leaves it to be done again.
   * @throws what `work` threw; MessageInProgressError while another call works on the key; LeaseLostError,
   * IdempotencyStoreError, InvalidOptionError
   */
  async run<T>(key: string, work: (lease: Lease) => Promise<T> | T, options: RunOptions = {}): Promise<RunOutcome<T>> {
    const { parts, id } = this.#byHand('run', key, options);
    return runOnce(parts, id, work);
  }

  /**
   * Runs `work` in a database transaction that also records the key: both are committed together, or neither is.
   * @param open begins a transaction, runs the function in it, and commits: (work) => database.transaction(work)
   * @throws what `open` and `work` threw; MessageInProgressError, IdempotencyStoreError, InvalidOptionError
   */
  async runInTransaction<Transaction, T>(
    key: string,
    open: (work: (transaction: Transaction) => Promise<T>) => Promise<T>,
    work: (transaction: Transaction) => Promise<T>,
    options: RunOptions = {},
  ): Promise<RunOutcome<T>> {
    const { parts, id } = this.#byHand('runInTransaction', key, options);
    const store = checkTransactional(`${WHERE}.runInTransaction`, exact(parts.store));
    if (await isDone(parts, id)) return { duplicate: true, result: undefined };
    let isDuplicate = false;
    try {
      const result = await open(async (transaction) => {
        try {
          await claimInTransaction(parts, store, transaction, id);
        } catch (error) {
          isDuplicate = error instanceof DuplicateMessageError;
          throw error;
        }
        return work(transaction);
      });
      learn(parts, id);
      return { duplicate: false, result };
    } catch (error) {
      if (!isDuplicate) throw error;
      learn(parts, id);
      return { duplicate: true, result: undefined };
    }
  }

  /**
   * Records in your open database transaction that the work is done. Call it first there, and let what it throws end the
   * transaction. Waits for another open transaction with the same key.
   * @param of the context of a listener with `@Idempotent({ mode: 'transactional' })`, or a key
   * @throws DuplicateMessageError if it was done before: for such a listener the message then counts as consumed
   * @throws MessageInProgressError, IdempotencyStoreError, InvalidOptionError
   */
  async claimIn(transaction: unknown, of: RocketMQContext | string, options: RunOptions = {}): Promise<void> {
    const where = `${WHERE}.claimIn`;
    const delivery: OpenDelivery | undefined =
      typeof of === 'string' ? this.#byHand('claimIn', of, options) : this.#deliveries.open.get(of);
    if (!delivery) {
      const allowed = "a key, or the context that a listener with @Idempotent({ mode: 'transactional' }) is given";
      throw new InvalidOptionError('of', of, allowed, where);
    }
    const store = checkTransactional(where, exact(delivery.parts.store));
    try {
      await claimInTransaction(delivery.parts, store, transaction, delivery.id);
      delivery.found = 'new';
    } catch (error) {
      if (error instanceof DuplicateMessageError) delivery.found = 'duplicate';
      throw error;
    }
  }

  /** Whether the listener is called for a message whose work was done before: with onDuplicate 'callHandler'. */
  isDuplicate(context: RocketMQContext): boolean {
    return this.#deliveries.duplicates.has(context);
  }

  /**
   * Forgets a key, so that it is worked on again. A listener's scope is its consumer group, class and method,
   * 'mails/SendMail.onMessage', unless it sets one.
   * @returns whether there was a record @throws InvalidOptionError, or what the store threw
   */
  async forget(key: string, options: Pick<RunOptions, 'scope' | 'store'> = {}): Promise<boolean> {
    const { parts, id } = this.#byHand('forget', key, options);
    return parts.store.forget(id);
  }

  /** @param name 'SendMail.onMessage (MailModule)' @throws InvalidOptionError @internal */
  listener(name: string, options: AnyIdempotentOptions): ListenerIdempotency {
    const where = `@Idempotent on ${name}`;
    const settings = checkIdempotent(where, options, this.options.idempotency);
    const parts = this.#parts(settings, this.#stores.resolve(options.store, settings.bloom, where));
    if (options.mode === 'transactional') checkTransactional(where, exact(parts.store));
    this.#warnOfShortTtl(where, settings.ttl);
    return new ListenerIdempotency({ ...parts, name, options, deliveries: this.#deliveries });
  }

  /** Forgets what the module's own store in memory knows. @internal */
  clearMemory(): void {
    this.#stores.clearMemory();
  }

  /** Extends no lease any more. The module calls it when listeners have stopped. @internal */
  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#stores.stop();
  }

  #byHand(method: string, key: unknown, options: RunOptions): { parts: WorkParts; id: IdempotencyKey } {
    const where = `${WHERE}.${method}`;
    const { scope, settings } = inside(where, undefined, () => {
      checkKeys('options', options, ['scope', 'store', ...SETTINGS]);
      if (typeof key !== 'string' || key === '') throw new InvalidOptionError('key', key, 'a non-empty string');
      return {
        scope: options.scope === undefined ? this.options.group : checkScope(options.scope),
        settings: checkSettings(options, this.options.idempotency),
      };
    });
    const store = this.#stores.resolve(options.store, settings.bloom, where);
    return { parts: this.#parts(settings, store), id: { scope, key: key as string } };
  }

  #parts(settings: CheckedSettings, store: IdempotencyStore): WorkParts {
    return {
      store,
      settings,
      clock: this.#clock,
      logger: this.#logger,
      report: (event) => this.#events.next(event),
      closing: this.#closing.signal,
    };
  }

  #warnOfShortTtl(where: string, ttl: number): void {
    const { backend } = this.options;
    const kept = backend.kind === 'embedded' ? milliseconds(backend.embedded.fileReservedTime) : undefined;
    const retention = kept ?? RETENTION_MS;
    if (ttl >= retention) return;
    this.#logger.warn(
      `${where}: ttl is ${ttl} ms, but the broker keeps messages for ${retention} ms: one that is delivered again after ` +
        'the ttl, by a late retry or an offset that was reset, is worked on again.',
    );
  }
}

function exact(store: IdempotencyStore): IdempotencyStore {
  return store instanceof BloomFront ? store.store : store;
}

function learn({ store }: WorkParts, id: IdempotencyKey): void {
  if (store instanceof BloomFront) store.learn(id);
}
