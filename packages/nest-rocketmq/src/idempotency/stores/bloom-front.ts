// Puts a Bloom filter before an exact store. It only saves looks at the store: what the filter answers is never the last word.
import type { Clock } from '@nest-rocketmq/remoting/internal';
import { RotatingBloomFilter } from './bloom-filter.js';
import type { BloomSize } from './bloom-filter.js';
import type { Claim, IdempotencyKey, IdempotencyRecord, IdempotencyStore } from './idempotency-store.js';

/** The options of the filter, checked. */
export interface CheckedBloom extends BloomSize {
  /** ms */
  readonly rotateEvery: number;
}

/**
 * A key that the filter may have seen is looked up before it is claimed: a duplicate then costs a look instead of a write that
 * is refused. One that it has surely not seen is claimed at once. The claim stays the one atomic write: another instance may
 * have done what this filter has never seen. Keys are added after they are DONE: a failed attempt could not be taken back.
 */
export class BloomFront implements IdempotencyStore {
  readonly #filter: RotatingBloomFilter;

  constructor(
    readonly store: IdempotencyStore,
    { rotateEvery, ...size }: CheckedBloom,
    clock: Clock,
  ) {
    this.#filter = new RotatingBloomFilter(size, rotateEvery, clock);
  }

  async claim(id: IdempotencyKey, owner: string, lease: number): Promise<Claim> {
    const known = await this.findIfSeen(id);
    if (known?.state === 'done') return known;
    const claim = await this.store.claim(id, owner, lease);
    if (claim.state === 'done') this.learn(id);
    return claim;
  }

  async complete(id: IdempotencyKey, owner: string, ttl: number, result?: string): Promise<boolean> {
    const isDone = await this.store.complete(id, owner, ttl, result);
    if (isDone) this.learn(id);
    return isDone;
  }

  /** As `find`, without a look at the store for a key that the filter has surely not seen. */
  async findIfSeen(id: IdempotencyKey): Promise<IdempotencyRecord | undefined> {
    return this.#filter.mightContain(nameOf(id)) ? this.store.find(id) : undefined;
  }

  /** Notes that the key is DONE, which somebody has written without this front. */
  learn(id: IdempotencyKey): void {
    this.#filter.add(nameOf(id));
  }

  extend(id: IdempotencyKey, owner: string, lease: number): Promise<boolean> {
    return this.store.extend(id, owner, lease);
  }

  release(id: IdempotencyKey, owner: string): Promise<boolean> {
    return this.store.release(id, owner);
  }

  find(id: IdempotencyKey): Promise<IdempotencyRecord | undefined> {
    return this.store.find(id);
  }

  forget(id: IdempotencyKey): Promise<boolean> {
    return this.store.forget(id);
  }
}

function nameOf({ scope, key }: IdempotencyKey): string {
  return `${scope.length}:${scope}${key}`;
}
