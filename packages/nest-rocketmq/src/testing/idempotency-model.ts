// Says in the simplest way what a store of idempotent consumption must answer, for its contract suite.
import type { Claim, IdempotencyRecord } from '../idempotency/stores/idempotency-store.js';

interface Entry {
  owner: string;
  isDone: boolean;
  until: number;
  result: string | undefined;
}

/** One step of an owner, with what a store is asked. Times are ms. */
export type Step =
  | { readonly kind: 'claim' | 'extend'; readonly owner: string; readonly key: string; readonly lease: number }
  | {
      readonly kind: 'complete';
      readonly owner: string;
      readonly key: string;
      readonly ttl: number;
      readonly result: string | undefined;
    }
  | { readonly kind: 'release'; readonly owner: string; readonly key: string }
  | { readonly kind: 'find' | 'forget'; readonly key: string };

/** The specification of `IdempotencyStore`, as plain assignments to one Map. */
export class IdempotencyModel {
  readonly #entries: Map<string, Entry>;

  constructor(entries = new Map<string, Entry>()) {
    this.#entries = entries;
  }

  copy(): IdempotencyModel {
    return new IdempotencyModel(new Map([...this.#entries].map(([key, entry]) => [key, { ...entry }])));
  }

  apply(step: Step, now: number): Claim | IdempotencyRecord | boolean | undefined {
    const entry = this.#entries.get(step.key);
    const record = recordOf(entry, now);
    switch (step.kind) {
      case 'claim':
        if (record) return record;
        this.#entries.set(step.key, { owner: step.owner, isDone: false, until: now + step.lease, result: undefined });
        return { state: 'claimed' };
      case 'extend':
        if (entry?.owner !== step.owner || entry.isDone) return false;
        entry.until = now + step.lease;
        return true;
      case 'complete':
        if (entry?.owner !== step.owner) return false;
        this.#entries.set(step.key, { owner: step.owner, isDone: true, until: now + step.ttl, result: step.result });
        return true;
      case 'release':
        return entry?.owner === step.owner && !entry.isDone && this.#entries.delete(step.key);
      case 'find':
        return record;
      case 'forget':
        return this.#entries.delete(step.key);
    }
  }
}

function recordOf(entry: Entry | undefined, now: number): IdempotencyRecord | undefined {
  if (!entry || entry.until <= now) return undefined;
  return entry.isDone ? { state: 'done', result: entry.result } : { state: 'processing', remaining: entry.until - now };
}
