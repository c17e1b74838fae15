// Runs a function once for a key: under a lease, or in a database transaction of the caller's.
import { describe } from '@nest-rocketmq/remoting/internal';
import { DuplicateMessageError, IdempotencyStoreError, MessageInProgressError } from '../idempotency-errors.js';
import { ClaimedWork, shown } from './claimed-work.js';
import type { WorkParts } from './claimed-work.js';
import { resultOf } from './kept-result.js';
import { BloomFront } from './stores/bloom-front.js';
import type { IdempotencyKey, TransactionalIdempotencyStore } from './stores/idempotency-store.js';

/** How a run for a key ended. */
export type RunOutcome<T> =
  /** The work was done now. */
  | { readonly duplicate: false; readonly result: T }
  /** It was done before; `result` is what it returned then, with the setting `storeResult`. */
  | { readonly duplicate: true; readonly result: T | undefined };

/** What a function under a lease is given. */
export interface Lease {
  /** Aborts when the lease is lost: from then on another one may do the same work. */
  readonly signal: AbortSignal;
}

/** How the end of work is read: by default a throw is a failure, and a return is not. */
export interface Judge<T> {
  readonly isFailure: (returned: T) => boolean;
  readonly isSuccess: (thrown: unknown) => boolean;
}

const PLAIN: Judge<unknown> = { isFailure: () => false, isSuccess: () => false };

/**
 * @throws what `work` threw; MessageInProgressError, LeaseLostError, IdempotencyStoreError
 */
export async function runOnce<T>(
  parts: WorkParts,
  id: IdempotencyKey,
  work: (lease: Lease) => Promise<T> | T,
  judge: Judge<T> = PLAIN,
): Promise<RunOutcome<T>> {
  const claim = await ClaimedWork.claim(parts, id);
  if (claim === undefined) return { duplicate: false, result: await work({ signal: new AbortController().signal }) };
  if (!(claim instanceof ClaimedWork)) return { duplicate: true, result: resultOf(claim.result) as T | undefined };
  let result: T;
  try {
    result = await work({ signal: claim.lost });
  } catch (error) {
    if (judge.isSuccess(error)) await claim.complete(undefined);
    else await claim.release();
    throw error;
  }
  if (judge.isFailure(result)) await claim.release();
  else await claim.complete(result);
  return { duplicate: false, result };
}

/**
 * Whether the key is done, as far as it costs one look: a duplicate needs no database transaction then. Where the store cannot be
 * looked at, the transaction itself will tell.
 */
export async function isDone(parts: WorkParts, id: IdempotencyKey): Promise<boolean> {
  const { store, report, logger, clock } = parts;
  const began = clock.monotonic();
  try {
    const found = await (store instanceof BloomFront ? store.findIfSeen(id) : store.find(id));
    if (found?.state !== 'done') return false;
    report({ kind: 'duplicate', ...id, took: clock.monotonic() - began });
    return true;
  } catch (error) {
    report({ kind: 'storeFailed', ...id, error });
    logger.warn(`${shown(id)} was not looked up: the idempotency store failed: ${describe(error)}`);
    return false;
  }
}

/**
 * Writes in the open database transaction that the key is done.
 * @throws DuplicateMessageError, MessageInProgressError, IdempotencyStoreError: the transaction must then be rolled back
 */
export async function claimInTransaction(
  parts: WorkParts,
  store: TransactionalIdempotencyStore,
  transaction: unknown,
  id: IdempotencyKey,
): Promise<void> {
  const { settings, report, clock } = parts;
  const began = clock.monotonic();
  // Also with onStoreError 'callHandler': after a failed statement the transaction cannot be committed.
  const claim = await store.claimIn(transaction, id, settings.ttl).catch((cause: unknown) => {
    report({ kind: 'storeFailed', ...id, error: cause });
    throw new IdempotencyStoreError('claim in a transaction', { cause });
  });
  const took = clock.monotonic() - began;
  if (claim.state === 'claimed') return report({ kind: 'claimed', ...id, took });
  if (claim.state === 'processing') {
    report({ kind: 'inProgress', ...id, took });
    throw new MessageInProgressError(id.scope, id.key, claim.remaining);
  }
  report({ kind: 'duplicate', ...id, took });
  throw new DuplicateMessageError(id.scope, id.key);
}
