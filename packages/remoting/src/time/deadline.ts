// Decides when a wait is over. A timer that fires late, because this process was held up, says nothing about the peer:
// its answer may be here, unread. So what has arrived is read first, and a process that was held up gets that time
// back.
import type { Clock, TimerHandle } from './clock.js';

/** A timer that fires this late shows that the process was held up. ms */
const HELD_UP_MS = 100;
/** Most polls of the event loop after the time is over, while the source still brings something. */
const MOST_POLLS = 64;

/** Calls back after the event loop has polled once, and so has read what had arrived by then. */
export function afterPoll(callback: () => void): void {
  setImmediate(callback);
}

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
  readonly #options: DeadlineOptions;
  #timer: TimerHandle | undefined;
  #due: number;
  /** Being held up makes a wait at most twice as long. ms */
  #spare: number;
  #over = false;

  constructor(options: DeadlineOptions) {
    this.#options = options;
    this.#due = options.clock.monotonic() + options.timeout;
    this.#spare = options.timeout;
    this.#arm(options.timeout);
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  #arm(ms: number): void {
    const { clock, event } = this.#options;
    this.#timer = clock.setTimeout(() => this.#onTimer(), ms, event);
  }

  #onTimer(): void {
    const { clock, activity } = this.#options;
    const more = Math.min(clock.monotonic() - this.#due, this.#spare);
    if (more < HELD_UP_MS) return this.#read(activity?.() ?? 0, MOST_POLLS);
    this.#spare -= more;
    this.#due = clock.monotonic() + more;
    this.#arm(more);
  }

  #read(seen: number, polls: number): void {
    afterPoll(() => {
      if (this.#over) return;
      const now = this.#options.activity?.() ?? 0;
      if (now !== seen && polls > 1) return this.#read(now, polls - 1);
      this.#over = true;
      this.#options.expired();
    });
  }
}
