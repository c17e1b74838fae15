// Describes what a test of the contract suite works with.
import type { ManualClock } from '@nest-rocketmq/remoting/internal';
import type { IdempotencyKey, IdempotencyStore } from '../idempotency/stores/idempotency-store.js';

/** A store, a clock that the test turns, and a scope that no other test has. */
export interface ContractScene {
  readonly store: IdempotencyStore;
  readonly clock: ManualClock;
  readonly scope: string;
  readonly id: (key?: string) => IdempotencyKey;
  readonly pass: (ms: number) => Promise<void>;
}
