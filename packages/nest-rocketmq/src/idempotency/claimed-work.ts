// Does work once: claims its key, keeps the lease alive while the work goes on, and records how it ended.
import { randomUUID } from 'node:crypto';
import { Repeating, describe } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import { IdempotencyStoreError, LeaseLostError, MessageInProgressError } from '../idempotency-errors.js';
import type { IdempotencyEvent } from './idempotency-event.js';
import { resultText } from './kept-result.js';
import type { CheckedSettings } from './stores/idempotency-settings.js';
import type { Claim, IdempotencyKey, IdempotencyStore } from './stores/idempotency-store.js';

export interface WorkParts {
  readonly store: IdempotencyStore;
  readonly settings: CheckedSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly report: (event: IdempotencyEvent) => void;
  /** The app closes: a lease that is still held is not extended any more. */
  readonly closing: AbortSignal;
}

/** What a duplicate is given: what the work has returned, if that was kept. */
export interface DoneBefore {
  readonly result: string | undefined;
}

/** How often a lease is extended before it ends. */
const SIGNS_OF_LIFE = 3;
/** How often a store is asked to record what is done. */
const COMPLETE_TRIES = 2;

/** Work whose key this process has claimed. One of `complete` and `release` ends it. */
export class ClaimedWork {
  readonly #lost = new AbortController();
  readonly #heartbeat: Repeating;
  #ended = false;

  private constructor(
    private readonly parts: WorkParts,
    readonly id: IdempotencyKey,
    private readonly owner: string,
  ) {
    const { settings, clock, logger, closing } = parts;
    this.#heartbeat = new Repeating({
      clock,
      logger,
      name: `extending the lease of ${shown(id)}`,
      interval: Math.ceil(settings.lease / SIGNS_OF_LIFE),
      run: () => this.#extend(),
    });
    if (closing.aborted) return;
    this.#heartbeat.start();
    closing.addEventListener('abort', this.#stop);
  }

  /**
   * @returns the work to do; or what was done before; or undefined where the store fails and need not be asked
   * @throws MessageInProgressError, IdempotencyStoreError
   */
  static async claim(parts: WorkParts, id: IdempotencyKey): Promise<ClaimedWork | DoneBefore | undefined> {
    const owner = randomUUID();
    const claim = await claimed(parts, id, owner);
    if (claim?.state === 'done') return { result: claim.result };
    if (claim?.state === 'processing') throw new MessageInProgressError(id.scope, id.key, claim.remaining);
    return claim && new ClaimedWork(parts, id, owner);
  }

  /** Aborts when the lease is lost: what is done from then on may be done twice. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Records that the work is done. If the store fails, the work counts as done all the same: to do it again for that would do it
   * twice for sure.
   * @throws LeaseLostError if another owner may have done it
   */
  async complete(result: unknown): Promise<void> {
    this.#end();
    const { settings, logger, report } = this.parts;
    const text = settings.storeResult ? resultText(result, shown(this.id), logger) : undefined;
    let isMine: boolean;
    try {
      isMine = await this.#completeInStore(text);
    } catch (error) {
      report({ kind: 'storeFailed', ...this.id, error });
      logger.error(`${shown(this.id)} is done, but the idempotency store did not record it: ${describe(error)}`);
      return;
    }
    if (isMine) return report({ kind: 'completed', ...this.id });
    this.#lose();
    throw new LeaseLostError(this.id.scope, this.id.key);
  }

  /** Forgets the claim, so that the next delivery may work. If the store fails, that one waits until the lease has ended. */
  async release(): Promise<void> {
    this.#end();
    const { store, logger, report } = this.parts;
    report({ kind: 'failed', ...this.id });
    try {
      await store.release(this.id, this.owner);
    } catch (error) {
      report({ kind: 'storeFailed', ...this.id, error });
      logger.warn(`the claim of ${shown(this.id)} stays until its lease ends: ${describe(error)}`);
    }
  }

  async #completeInStore(result: string | undefined): Promise<boolean> {
    const { store, settings } = this.parts;
    for (let tried = 1; ; tried++) {
      try {
        return await store.complete(this.id, this.owner, settings.ttl, result);
      } catch (error) {
        if (tried === COMPLETE_TRIES) throw error;
      }
    }
  }

  async #extend(): Promise<void> {
    const { store, settings, logger } = this.parts;
    const isMine = await store.extend(this.id, this.owner, settings.lease);
    // An answer that comes after the end says only that the record has changed since.
    if (isMine || this.#ended) return;
    this.#stop();
    this.#lose();
    logger.warn(`the lease of ${shown(this.id)} was lost while its work goes on`);
  }

  #end(): void {
    this.#ended = true;
    this.#stop();
  }

  readonly #stop = (): void => {
    this.#heartbeat.stop();
    this.parts.closing.removeEventListener('abort', this.#stop);
  };

  #lose(): void {
    if (this.#lost.signal.aborted) return;
    this.parts.report({ kind: 'leaseLost', ...this.id });
    this.#lost.abort();
  }
}

/** Asks the store. @returns undefined where it fails and need not be asked @throws IdempotencyStoreError */
async function claimed(parts: WorkParts, id: IdempotencyKey, owner: string): Promise<Claim | undefined> {
  const { store, settings, clock, logger, report } = parts;
  const began = clock.monotonic();
  try {
    const claim = await store.claim(id, owner, settings.lease);
    const kind = claim.state === 'done' ? 'duplicate' : claim.state === 'processing' ? 'inProgress' : 'claimed';
    report({ kind, ...id, took: clock.monotonic() - began });
    return claim;
  } catch (error) {
    report({ kind: 'storeFailed', ...id, error });
    if (settings.onStoreError === 'retry') throw new IdempotencyStoreError('claim', { cause: error });
    logger.warn(`${shown(id)} is worked on without a claim: the idempotency store failed: ${describe(error)}`);
    return undefined;
  }
}

export function shown({ scope, key }: IdempotencyKey): string {
  return `'${key}' (${scope})`;
}
