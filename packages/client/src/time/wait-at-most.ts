// Waits for something to end, for so long at most, and leaves no timer behind.
import { sleep } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';

/** How long a shutdown waits for what is under way. */
export interface ShutdownOptions {
  /** ms */
  deadline?: number;
  /** An abort ends the wait at once. */
  signal?: AbortSignal;
}

/** Resolves when `work` has ended, after `ms`, or when `signal` aborts. @throws what `work` rejects with */
export async function waitAtMost(clock: Clock, work: Promise<void>, ms: number, signal?: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const over = signal ? AbortSignal.any([ended.signal, signal]) : ended.signal;
  await Promise.race([work.finally(() => ended.abort()), sleep(clock, ms, over)]);
}
