// Keeps track of which stores the embedded brokers of this process hold. After a hot reload the new app starts while the old
// one is still closing: it waits here, where another process would be refused.
import { endsWithin } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';

interface Holder {
  /** Its app has begun to close. */
  readonly closing: Promise<void>;
  /** It has let go of the store. */
  readonly released: Promise<void>;
}

export interface Hold {
  /** Says that the app has begun to close, so that the next one waits. */
  closing(): void;
  /** Says that the store is free. */
  release(): void;
}

/** How long to wait for an app to begin closing: the shutdown hooks of its other modules run before ours. ms */
const CLOSING_BEGINS_WITHIN_MS = 1_000;
/** How long to wait for it to finish. ms */
const CLOSING_ENDS_WITHIN_MS = 60_000;

// State of the process on purpose, as the store's lock file is: it must outlive the app, and a hot reload loads this module
// a second time. Each entry goes when its broker stops.
const KEY = Symbol.for('nest-rocketmq:store-holders');
const holders = ((globalThis as { [KEY]?: Map<string, Holder> })[KEY] ??= new Map<string, Holder>());

/**
 * Waits until the app of this process that holds the store has closed. Resolves also if it has not: the store's lock decides.
 * @param onWait called before waiting for a close that has begun
 */
export async function waitForHolder(store: string, clock: Clock, onWait: () => void): Promise<void> {
  for (let holder = holders.get(store); holder; holder = holders.get(store)) {
    if (!(await endsWithin(clock, holder.closing, CLOSING_BEGINS_WITHIN_MS))) return;
    onWait();
    if (!(await endsWithin(clock, holder.released, CLOSING_ENDS_WITHIN_MS))) return;
  }
}

/** Records that an app of this process holds the store. Undefined when another one does: the store's lock will refuse it. */
export function hold(store: string): Hold | undefined {
  if (holders.has(store)) return undefined;
  const closing = new Deferred();
  const released = new Deferred();
  holders.set(store, { closing: closing.promise, released: released.promise });
  return {
    closing: closing.resolve,
    release() {
      holders.delete(store);
      closing.resolve();
      released.resolve();
    },
  };
}

class Deferred {
  resolve!: () => void;
  readonly promise = new Promise<void>((resolve) => (this.resolve = resolve));
}
