// Tries again within the time of a call, with pauses that grow.
import { ConnectError, sleep } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import { BrokerNotFoundError } from '../errors.js';

/** The first pause before a server that could not be reached is dialled again; each further one is twice as long. ms */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** The time that is kept for the last attempt: a tenth of the call's, at most this. ms */
const LAST_ATTEMPT_MS = 200;

/** Whether nothing was sent: then trying again cannot store a message twice. */
export function isUnreached(error: unknown): boolean {
  return error instanceof ConnectError || error instanceof BrokerNotFoundError;
}

export interface BackoffOptions {
  clock: Clock;
  /** For all attempts and pauses together, ms. */
  timeout: number;
  /** Aborts when the client closes: then there are no more pauses and attempts. */
  closing: AbortSignal;
}

/** The time of one call, and the pauses within it. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #startedAt: number;
  #next = FIRST_PAUSE_MS;

  /** @param startedAt of the clock's monotonic scale, ms; default: now */
  constructor(options: BackoffOptions, startedAt = options.clock.monotonic()) {
    this.#options = options;
    this.#startedAt = startedAt;
  }

  /** ms since the call began */
  get elapsed(): number {
    return this.#options.clock.monotonic() - this.#startedAt;
  }

  /** Whole ms; 0 when the time is over. */
  get left(): number {
    return Math.max(0, Math.ceil(this.#options.timeout - this.elapsed));
  }

  /** Whether no further attempt may be made. */
  get over(): boolean {
    return this.left === 0 || this.#options.closing.aborted;
  }

  /**
   * Waits before the next attempt, and leaves time for it.
   * @param ms default: grows with each pause
   * @returns false when there is no time for another attempt, or the client closes
   */
  async pause(ms = this.#growing()): Promise<boolean> {
    const { clock, timeout, closing } = this.#options;
    const most = this.left - Math.min(LAST_ATTEMPT_MS, timeout / 10);
    if (most <= 0 || closing.aborted) return false;
    clock.callWaits?.();
    await sleep(clock, Math.min(ms, most), closing);
    return !closing.aborted;
  }

  #growing(): number {
    const pause = this.#next;
    this.#next = Math.min(this.#next * 2, LONGEST_PAUSE_MS);
    return pause;
  }
}

/** Repeats `attempt`, which is given the ms that are left, as long as its server cannot be reached. */
export async function retryUntilReached<T>(options: BackoffOptions, attempt: (left: number) => Promise<T>): Promise<T> {
  const backoff = new Backoff(options);
  for (;;) {
    try {
      return await attempt(Math.max(1, backoff.left));
    } catch (error) {
      if (!isUnreached(error) || !(await backoff.pause())) throw error;
    }
  }
}
