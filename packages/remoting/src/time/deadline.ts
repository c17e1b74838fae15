// Decides when a single wait is over: see `Deadlines`.
import type { Clock } from './clock.js';
import { Deadlines, Wait } from './deadlines.js';

export interface DeadlineOptions {
  readonly clock: Clock;
  /** ms */
  readonly timeout: number;
  /** Called once, unless the deadline was cancelled before. */
  readonly expired: () => void;
  /** A count that grows with what the source brings: while it grows, there may be more to read. */
  readonly activity?: () => number;
  /** As of `Clock.setTimeout`. */
  readonly event?: string;
}

export class Deadline {
  readonly #deadlines: Deadlines;
  readonly #wait = new Wait();

  constructor({ clock, timeout, expired, activity, event }: DeadlineOptions) {
    this.#deadlines = new Deadlines(clock, activity, event);
    this.#wait.expired = expired;
    this.#deadlines.add(this.#wait, clock.monotonic(), timeout);
  }

  cancel(): void {
    this.#deadlines.cancel(this.#wait);
  }
}
