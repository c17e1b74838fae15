// Waits by the injected clock, and leaves no timer behind.
import { setMaxListeners } from 'node:events';
import type { Clock } from './clock.js';
import { Deadline } from './deadline.js';

/** A signal that any number of calls may wait for: Node takes more than ten listeners for a leak. */
export function sharedAbortController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** Resolves after `ms`, or at once when `signal` aborts. @param event as of `Clock.setTimeout` */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal, event?: string): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const onAbort = (): void => {
      clock.clearTimeout(timer);
      resolve();
    };
    const wake = (): void => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    };
    const timer = clock.setTimeout(wake, ms, event);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Whether `work` ends within `ms`, and before `signal` aborts. @throws what `work` rejects with by then */
export async function endsWithin(
  clock: Clock,
  work: Promise<unknown>,
  ms: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const ended = new AbortController();
  const over = signal ? AbortSignal.any([ended.signal, signal]) : ended.signal;
  const late = sleep(clock, ms, over).then(() => false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    ended.abort();
  }
}

/** Settles as `work` does, or rejects with `late()` after `ms`. */
export function within<T>(clock: Clock, work: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const deadline = new Deadline({ clock, timeout: ms, expired: () => reject(late()) });
    work.finally(() => deadline.cancel()).then(resolve, reject);
  });
}
