// Knows which stores the embedded brokers of this process hold. A hot reload starts the new app while the old one is still
// closing: the new one waits, where another process would be refused.
import type { Clock, TimerHandle } from '@nest-rocketmq/remoting/internal';

interface Holder {
  /** Its app has begun to close. */
  readonly closing: Promise<void>;
  /** It has let go of the store. */
  readonly released: Promise<void>;
}

export interface Hold {
  closing(): void;
  release(): void;
}

/** For an app whose close() was called just before: other modules' shutdown hooks run before ours. ms */
const CLOSING_BEGINS_WITHIN_MS = 1_000;
/** ms */
const CLOSING_ENDS_WITHIN_MS = 60_000;

// Of the process, as the lock on the store is: a bundle that is loaded anew brings a copy of this file.
const KEY = Symbol.for('nest-rocketmq:store-holders');
const holders = ((globalThis as { [KEY]?: Map<string, Holder> })[KEY] ??= new Map<string, Holder>());

/**
 * Waits for an app of this process that holds the store and is closing. Whether it is free then, its lock will tell.
 * @param onWait called before it waits for the end of a close
 */
export async function waitForHolder(store: string, clock: Clock, onWait: () => void): Promise<void> {
  for (let holder = holders.get(store); holder; holder = holders.get(store)) {
    if (!(await within(clock, CLOSING_BEGINS_WITHIN_MS, holder.closing))) return;
    onWait();
    if (!(await within(clock, CLOSING_ENDS_WITHIN_MS, holder.released))) return;
  }
}

/** This process holds the store from now on. Undefined when another app of it does, which the store's lock will say. */
export function hold(store: string): Hold | undefined {
  if (holders.has(store)) return undefined;
  const closing = happening();
  const released = happening();
  holders.set(store, { closing: closing.promise, released: released.promise });
  return {
    closing: closing.happen,
    release() {
      holders.delete(store);
      closing.happen();
      released.happen();
    },
  };
}

function happening(): { promise: Promise<void>; happen: () => void } {
  let happen!: () => void;
  const promise = new Promise<void>((resolve) => (happen = resolve));
  return { promise, happen };
}

async function within(clock: Clock, ms: number, event: Promise<void>): Promise<boolean> {
  let timer: TimerHandle | undefined;
  const late = new Promise<boolean>((resolve) => (timer = clock.setTimeout(() => resolve(false), ms)));
  try {
    return await Promise.race([event.then(() => true), late]);
  } finally {
    clock.clearTimeout(timer);
  }
}
