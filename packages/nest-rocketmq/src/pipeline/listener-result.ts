// Waits for what a listener returned: a value, a promise or an Observable.
import { isObservable, take } from 'rxjs';
import type { Observable } from 'rxjs';
import { ListenerAbortedError } from '../errors.js';

export function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** Whether there is nothing to wait for. */
export function isSettled(returned: unknown): boolean {
  return returned === undefined || !(isThenable(returned) || isObservable(returned));
}

/**
 * Resolves with the value, or with the last value of an Observable, which may complete without any.
 * @param context whose signal aborts the wait for an Observable, which is then unsubscribed from
 * @throws what the listener threw, or ListenerAbortedError
 */
export async function resultOf(returned: unknown, context: { readonly signal?: AbortSignal }): Promise<unknown> {
  const value: unknown = await returned;
  return isObservable(value) ? lastValueOf(value, context.signal) : value;
}

/** The same with the first value of an Observable, which is unsubscribed from then: what answers a request. */
export async function firstResultOf(returned: unknown, signal: AbortSignal | undefined): Promise<unknown> {
  const value: unknown = await returned;
  return isObservable(value) ? lastValueOf(value.pipe(take(1)), signal) : value;
}

function lastValueOf(source: Observable<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let last: unknown;
    const stop = (): void => {
      subscription.unsubscribe();
      reject(new ListenerAbortedError());
    };
    const subscription = source.subscribe({
      next: (value) => void (last = value),
      error: reject,
      complete: () => resolve(last),
    });
    if (subscription.closed) return;
    subscription.add(() => signal?.removeEventListener('abort', stop));
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
