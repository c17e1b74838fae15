// Defines the store of idempotent consumption: what it keeps about a key, and the steps that change it.

/** What a record is about. The same key in another scope is another record. */
export interface IdempotencyKey {
  /** Who works: usually a consumer group and its listener. */
  readonly scope: string;
  /** What is worked on: usually a key of the message. Compared exactly: case and spaces count. */
  readonly key: string;
}

/** A record that counts now: somebody works on the key, or the work is done. */
export type IdempotencyRecord =
  /** `remaining`: ms until the lease ends, unless its owner extends it. */
  | { readonly state: 'processing'; readonly remaining: number }
  /** `result`: what `complete` was given. */
  | { readonly state: 'done'; readonly result: string | undefined };

/** What `claim` has found: the caller may work, or why it may not. */
export type Claim = { readonly state: 'claimed' } | IdempotencyRecord;

/**
 * Keeps a record for each key: absent, or PROCESSING by an owner until its lease ends, or DONE until its ttl ends. Each step
 * is one atomic change, whichever processes take it. Times are measured by the store's own clock, so that those of the app's
 * instances need not agree. `idempotencyStoreContract` of nest-rocketmq/testing tests an implementation.
 */
export interface IdempotencyStore {
  /**
   * Makes the key PROCESSING, unless it is DONE or another owner's lease runs.
   * @param owner names this one attempt: no other one ever has the same
   * @param lease ms
   */
  claim(id: IdempotencyKey, owner: string, lease: number): Promise<Claim>;
  /**
   * Lets the owner's lease end `lease` ms from now.
   * @returns false if the owner does not have the key any more. An expired lease that nobody has taken is still its own
   */
  extend(id: IdempotencyKey, owner: string, lease: number): Promise<boolean>;
  /**
   * Makes the owner's key DONE. A second call of the same owner does the same again: the answer to the first may be lost.
   * @param ttl ms until the record is forgotten
   * @param result kept with the record
   * @returns false if the owner does not have the key any more
   */
  complete(id: IdempotencyKey, owner: string, ttl: number, result?: string): Promise<boolean>;
  /** Forgets the key if it is PROCESSING by this owner. @returns whether it was */
  release(id: IdempotencyKey, owner: string): Promise<boolean>;
  /** The record, or undefined: a claim would succeed. */
  find(id: IdempotencyKey): Promise<IdempotencyRecord | undefined>;
  /** Forgets the key in whatever state it is, so that it is worked on again. @returns whether there was a record, expired or not */
  forget(id: IdempotencyKey): Promise<boolean>;
  /** Deletes records that have expired, at most `limit` of them. @returns how many. A store that needs none leaves it out */
  purge?(limit: number): Promise<number>;
}

/** A store that can write its record in the caller's own database transaction. */
export interface TransactionalIdempotencyStore<Transaction = unknown> extends IdempotencyStore {
  /**
   * Makes the key DONE in the open transaction: the record and what else the transaction does are committed together. Waits
   * for another open transaction that has the key.
   * @param ttl ms
   * @returns 'claimed' if it is written; otherwise nothing is
   */
  claimIn(transaction: Transaction, id: IdempotencyKey, ttl: number): Promise<Claim>;
}

/** Whether the store can take part in database transactions. */
export function isTransactional(store: IdempotencyStore): store is TransactionalIdempotencyStore {
  return typeof (store as Partial<TransactionalIdempotencyStore>).claimIn === 'function';
}
