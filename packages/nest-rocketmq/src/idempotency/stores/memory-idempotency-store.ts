// Keeps the records of idempotent consumption in this process.
import { systemClock } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import { IdempotencyStoreFullError } from '../../idempotency-errors.js';
import { checkInteger, checkKeys, inside } from '../../option-checks.js';
import type { Claim, IdempotencyKey, IdempotencyRecord, IdempotencyStore } from './idempotency-store.js';

/** Options of `MemoryIdempotencyStore`. */
export interface MemoryIdempotencyStoreOptions {
  /** How many records it keeps. The oldest that are done make room for new ones. Default 100,000. */
  maxRecords?: number;
  /** By which leases and records end. Default: the machine's. */
  clock?: Clock;
}

interface Entry {
  readonly owner: string;
  /** When it ends, by the clock: ms. */
  until: number;
  readonly isDone: boolean;
  readonly result: string | undefined;
}

const DEFAULT_MAX_RECORDS = 100_000;
const MOST_RECORDS = 10_000_000;

/**
 * An `IdempotencyStore` in this process: for tests, and for an app with the embedded broker. It knows nothing of other
 * instances of the app, and nothing after a restart. It never drops a record of work under way.
 */
export class MemoryIdempotencyStore implements IdempotencyStore {
  readonly #processing = new Map<string, Entry>();
  /** In the order in which they were done. */
  readonly #done = new Map<string, Entry>();
  readonly #maxRecords: number;
  readonly #clock: Clock;

  /** @throws InvalidOptionError */
  constructor(options: MemoryIdempotencyStoreOptions = {}) {
    const { maxRecords = DEFAULT_MAX_RECORDS, clock = systemClock } = options;
    this.#clock = clock;
    this.#maxRecords = inside('MemoryIdempotencyStore', undefined, () => {
      checkKeys('options', options, ['maxRecords', 'clock']);
      return checkInteger('maxRecords', maxRecords, 1, MOST_RECORDS);
    });
  }

  /** Forgets everything, also of work under way: for the next test. */
  clear(): void {
    this.#processing.clear();
    this.#done.clear();
  }

  /** How many records it holds, expired ones included. */
  get size(): number {
    return this.#processing.size + this.#done.size;
  }

  /** @throws IdempotencyStoreFullError while `maxRecords` keys are being worked on */
  async claim(id: IdempotencyKey, owner: string, lease: number): Promise<Claim> {
    const name = nameOf(id);
    const found = this.#find(name);
    if (found) return found;
    this.#drop(name);
    this.#makeRoom();
    this.#processing.set(name, { owner, until: this.#clock.now() + lease, isDone: false, result: undefined });
    return { state: 'claimed' };
  }

  async extend(id: IdempotencyKey, owner: string, lease: number): Promise<boolean> {
    const entry = this.#processing.get(nameOf(id));
    if (entry?.owner !== owner) return false;
    entry.until = this.#clock.now() + lease;
    return true;
  }

  async complete(id: IdempotencyKey, owner: string, ttl: number, result?: string): Promise<boolean> {
    const name = nameOf(id);
    if ((this.#done.get(name) ?? this.#processing.get(name))?.owner !== owner) return false;
    this.#drop(name);
    this.#done.set(name, { owner, until: this.#clock.now() + ttl, isDone: true, result });
    return true;
  }

  async release(id: IdempotencyKey, owner: string): Promise<boolean> {
    const name = nameOf(id);
    return this.#processing.get(name)?.owner === owner && this.#processing.delete(name);
  }

  async find(id: IdempotencyKey): Promise<IdempotencyRecord | undefined> {
    return this.#find(nameOf(id));
  }

  async forget(id: IdempotencyKey): Promise<boolean> {
    const name = nameOf(id);
    const before = this.size;
    this.#drop(name);
    return this.size < before;
  }

  async purge(limit: number): Promise<number> {
    const now = this.#clock.now();
    let purged = 0;
    for (const entries of [this.#done, this.#processing]) {
      for (const [name, { until }] of entries) {
        if (purged === limit) return purged;
        if (until <= now && entries.delete(name)) purged++;
      }
    }
    return purged;
  }

  #find(name: string): IdempotencyRecord | undefined {
    const entry = this.#done.get(name) ?? this.#processing.get(name);
    const remaining = entry ? entry.until - this.#clock.now() : 0;
    if (!entry || remaining <= 0) return undefined;
    return entry.isDone ? { state: 'done', result: entry.result } : { state: 'processing', remaining };
  }

  #drop(name: string): void {
    this.#done.delete(name);
    this.#processing.delete(name);
  }

  #makeRoom(): void {
    if (this.size < this.#maxRecords) return;
    const name = this.#done.keys().next().value ?? this.#abandoned();
    if (name === undefined) throw new IdempotencyStoreFullError(this.#maxRecords);
    this.#drop(name);
  }

  /** One whose owner has let its lease run out. */
  #abandoned(): string | undefined {
    const now = this.#clock.now();
    for (const [name, { until }] of this.#processing) if (until <= now) return name;
    return undefined;
  }
}

/** One name for both parts, which no other pair has. */
function nameOf({ scope, key }: IdempotencyKey): string {
  return `${scope.length}:${scope}${key}`;
}
