// Describes a delivery to a listener with @Idempotent, and how its end is read.
import { Outcome } from '@nest-rocketmq/client';
import { failureSaid } from '../pipeline/listener-outcome.js';
import type { CallContext } from '../pipeline/listener-pipeline.js';
import type { WorkParts } from './claimed-work.js';
import type { AnyIdempotentOptions } from './idempotent.js';
import type { Judge } from './once.js';
import type { IdempotencyKey } from './stores/idempotency-store.js';

/** A delivery of a transactional listener, until its call has ended. */
export interface OpenDelivery {
  readonly id: IdempotencyKey;
  readonly parts: WorkParts;
  /** What `claimIn` found: undefined before it was called. */
  found?: 'new' | 'duplicate';
}

/** What the service keeps about deliveries that are being worked on. */
export interface Deliveries {
  readonly open: WeakMap<object, OpenDelivery>;
  readonly duplicates: WeakSet<object>;
}

export interface ListenerIdempotencyParts extends WorkParts {
  /** 'CancelUnpaidOrder.onMessage (OrdersModule)' */
  readonly name: string;
  readonly options: AnyIdempotentOptions;
  readonly deliveries: Deliveries;
}

/** A listener with its guards, interceptors and pipes, for one message or for a list. */
export type Handle = (payload: unknown, context: CallContext) => Promise<unknown>;

/** A listener may also say by an Outcome, returned or thrown, what became of its message. */
export const OUTCOMES: Judge<unknown> = {
  isFailure: (returned) => failureSaid(returned) !== undefined,
  isSuccess: (thrown) => Outcome.is(thrown) && thrown.kind === 'ack',
};
