// Defines the clock. Everything that waits or reads the time takes one, so that a test can turn it.

/** What `Clock.setTimeout` gives back; opaque, only good for `clearTimeout`. */
export interface TimerHandle {
  readonly due: number;
}

/** Source of the time and of timers: `systemClock`, or a test's `ManualClock`. */
export interface Clock {
  /** Wall-clock time in ms since the epoch. */
  now(): number;
  /** Milliseconds that never go backwards, for measuring how long something took. */
  monotonic(): number;
  /**
   * Calls `fn` once, `ms` milliseconds from now at the earliest.
   * @param event names what happens then, if a test may wait for it: a delivery, a retry, a check. Left out for upkeep, such
   * as heartbeats, polls and time-outs. Only a clock that a test turns reads it.
   */
  setTimeout(fn: () => void, ms: number, event?: string): TimerHandle;
  /** Does nothing for a timer that has fired, and for undefined. */
  clearTimeout(handle: TimerHandle | undefined): void;
  /**
   * Tells the clock that work is under way which time has to wait for, such as a running listener. Call the returned
   * function when it has ended. Only a clock that a test turns has this.
   * @param what names it in the error, should it never end
   * @param atMost ms of real time after which time goes on without it; default: no end, and then an error
   */
  busy?(what: string, atMost?: number): () => void;
  /**
   * Tells the clock that a call under way waits for it: for the pause before its next attempt, or for its time-out, as the
   * answer is lost. Only a clock that a test turns has this.
   */
  callWaits?(): void;
}

/** Node's timers refuse more than this (2^31 - 1 ms, 24.8 days) and fire at once instead. */
const LONGEST_TIMER_MS = 0x7fffffff;

class SystemTimer implements TimerHandle {
  timeout: NodeJS.Timeout | undefined;
  constructor(readonly due: number) {}
}

/** The machine's clock. Its timers keep the process alive, as Node's own do. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(fn, ms) {
    const timer = new SystemTimer(performance.now() + ms);
    // Node counts from when its loop last looked at the time, and so fires up to some ms early.
    const fire = (): void => (performance.now() >= timer.due ? fn() : arm());
    const arm = (): void => {
      timer.timeout = setTimeout(fire, Math.min(Math.max(0, timer.due - performance.now()), LONGEST_TIMER_MS));
    };
    arm();
    return timer;
  },
  clearTimeout(handle) {
    if (handle instanceof SystemTimer) clearTimeout(handle.timeout);
  },
};
