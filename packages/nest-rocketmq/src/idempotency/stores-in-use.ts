// Finds the store of each listener, puts its filter before it, and deletes expired records from time to time.
import { InvalidOptionError, Repeating } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import { defaultPurgeInterval } from '../manual-clock-settings.js';
import { checkMethods, inside } from '../option-checks.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import type { IdempotencyStoreToken } from './idempotent.js';
import { BloomFront } from './stores/bloom-front.js';
import type { CheckedBloom } from './stores/bloom-front.js';
import { STORE_METHODS } from './stores/idempotency-settings.js';
import type { IdempotencyStore } from './stores/idempotency-store.js';
import { MemoryIdempotencyStore } from './stores/memory-idempotency-store.js';

export interface StoresParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The provider of a token. @throws if there is none */
  readonly find: (token: IdempotencyStoreToken) => unknown;
}

const DEFAULT_PURGE_INTERVAL_MS = 600_000;
/** Records deleted at once: few enough to hold no lock for long. */
const PURGE_BATCH = 1_000;

export class StoresInUse {
  /** By the filter's settings: a call of `run` gives equal ones, and not the same object. */
  readonly #fronts = new Map<IdempotencyStore, Map<string, BloomFront>>();
  readonly #stores = new Set<IdempotencyStore>();
  readonly #purging: Repeating;
  #memory: MemoryIdempotencyStore | undefined;
  #closed = false;

  constructor(private readonly parts: StoresParts) {
    const { options, clock, logger } = parts;
    this.#purging = new Repeating({
      clock,
      logger,
      name: 'deleting expired records of idempotent consumption',
      interval: options.idempotency.purgeInterval ?? defaultPurgeInterval(clock, DEFAULT_PURGE_INTERVAL_MS),
      run: () => this.#purge(),
    });
  }

  /**
   * @param given the listener's own store, or the token of it; undefined for the module's
   * @param where whose store it is, for errors
   * @throws InvalidOptionError
   */
  resolve(
    given: IdempotencyStore | IdempotencyStoreToken | undefined,
    bloom: CheckedBloom | undefined,
    where: string,
  ): IdempotencyStore {
    const store = given === undefined ? this.#ofModule(where) : this.#given(given, where);
    this.#stores.add(store);
    if (store.purge && !this.#closed) this.#purging.start();
    if (!bloom || store instanceof BloomFront) return store;
    const fronts = this.#fronts.get(store) ?? new Map<string, BloomFront>();
    const settings = JSON.stringify(bloom);
    const front = fronts.get(settings) ?? new BloomFront(store, bloom, this.parts.clock);
    this.#fronts.set(store, fronts.set(settings, front));
    return front;
  }

  /** Forgets what the module's own store in memory knows. */
  clearMemory(): void {
    this.#memory?.clear();
  }

  /** Resolves when no record is being deleted any more. */
  async stop(): Promise<void> {
    this.#closed = true;
    this.#purging.stop();
    await this.#purging.whenIdle();
  }

  #given(given: IdempotencyStore | IdempotencyStoreToken, where: string): IdempotencyStore {
    return inside(where, undefined, () => {
      if (typeof given === 'object') {
        checkMethods('store', given, STORE_METHODS);
        return given;
      }
      let found: unknown;
      try {
        found = this.parts.find(given);
      } catch {
        const token = typeof given === 'function' ? given.name : String(given);
        throw new InvalidOptionError('store', token, 'a store, or the token of a provider of this app that is one');
      }
      checkMethods('store', found, STORE_METHODS);
      return found as IdempotencyStore;
    });
  }

  #ofModule(where: string): IdempotencyStore {
    const { options, clock, logger } = this.parts;
    if (options.idempotency.store) return options.idempotency.store;
    const { backend } = options;
    if (backend.kind !== 'embedded') {
      const allowed =
        `a store that all instances of the app share: RocketMQModule.forRoot({ idempotency: { store: new ` +
        'SqlIdempotencyStore(pool) } }), or a RedisIdempotencyStore; or new MemoryIdempotencyStore() if there is one instance only';
      throw new InvalidOptionError('idempotency.store', undefined, allowed, where);
    }
    if (!this.#memory && backend.embedded.store !== 'memory') {
      logger.warn(
        `${where}: which messages are done is kept in memory, and forgotten at a restart. Set ` +
          'RocketMQModule.forRoot({ idempotency: { store } }) to keep it.',
      );
    }
    return (this.#memory ??= new MemoryIdempotencyStore({ clock }));
  }

  async #purge(): Promise<void> {
    for (const store of this.#stores) {
      while (!this.#closed && (await store.purge?.(PURGE_BATCH)) === PURGE_BATCH);
    }
  }
}
