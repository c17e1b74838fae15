// Owns waiting and repeating by the injected clock, in ways that leave no timer behind.
import { setMaxListeners } from 'node:events';
import { Deadline } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger, TimerHandle } from '@nest-rocketmq/remoting/internal';
import { describe } from '../errors.js';

/** A signal that as many wait for as there are calls: Node would take more than ten for a leak. */
export function sharedAbortController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** Resolves after `ms`, or at once when `signal` aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const onAbort = (): void => {
      clock.clearTimeout(timer);
      resolve();
    };
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Settles as `work` does, or rejects with `late()` after `ms`. */
export function within<T>(clock: Clock, work: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const deadline = new Deadline({ clock, timeout: ms, expired: () => reject(late()) });
    work.finally(() => deadline.cancel()).then(resolve, reject);
  });
}

export interface RepeatingOptions {
  clock: Clock;
  logger: Logger;
  /** For the log line of a run that failed. */
  name: string;
  /** ms from the end of one run to the start of the next. */
  interval: number;
  run: () => Promise<void> | void;
}

/** Runs something again and again, never twice at the same time. A run that fails is logged, and the next one comes. */
export class Repeating {
  readonly #options: RepeatingOptions;
  #timer: TimerHandle | undefined;
  #running = false;

  constructor(options: RepeatingOptions) {
    this.#options = options;
  }

  /** @param firstDelay ms; default: the interval */
  start(firstDelay = this.#options.interval): void {
    if (this.#running) return;
    this.#running = true;
    this.#schedule(firstDelay);
  }

  stop(): void {
    this.#running = false;
    this.#options.clock.clearTimeout(this.#timer);
  }

  #schedule(ms: number): void {
    // One that was stopped and started again during its run has a timer already.
    this.#options.clock.clearTimeout(this.#timer);
    if (!this.#running) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      const { logger, name, run } = this.#options;
      Promise.resolve()
        .then(run)
        .catch((error: unknown) => logger.warn(`${name} failed: ${describe(error)}`))
        .finally(() => this.#schedule(this.#options.interval));
    }, ms);
  }
}
