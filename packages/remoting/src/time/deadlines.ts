// Ends many waits with one timer. A timer that fires late, because this process was held up, says nothing about the peer:
// its answer may be here, unread. So what has arrived is read first, and a process that was held up gets that time back.
import type { Clock, TimerHandle } from './clock.js';

/** A timer that fires this late shows that the process was held up. ms */
const HELD_UP_MS = 100;
/** Most polls of the event loop after the time is over, while the source still brings something. */
const MOST_POLLS = 64;

/** Calls back after the event loop has polled once, and so has read what had arrived by then. */
export function afterPoll(callback: () => void): void {
  setImmediate(callback);
}

/** One wait. Whoever waits may extend it, which saves an object for each. */
export class Wait {
  /** Monotonic ms. @internal */
  due = 0;
  /** Being held up makes a wait at most twice as long. ms @internal */
  spare = 0;
  /** Neither expired nor cancelled. @internal */
  open = false;
  /** @internal */
  before: Wait | undefined;
  /** @internal */
  after: Wait | undefined;

  /** Called once, unless the wait was cancelled before. */
  expired(): void {}
}

export class Deadlines {
  #first: Wait | undefined;
  #last: Wait | undefined;
  #timer: TimerHandle | undefined;
  /** When the timer is set to, monotonic ms. */
  #next = Infinity;

  /**
   * @param activity a count that grows with what the source brings: while it grows, there may be more to read
   * @param event as of `Clock.setTimeout`
   */
  constructor(
    private readonly clock: Clock,
    private readonly activity: () => number = () => 0,
    private readonly event?: string,
  ) {}

  /** @param now of the clock's monotonic scale, ms @param timeout ms */
  add(wait: Wait, now: number, timeout: number): void {
    wait.due = now + timeout;
    wait.spare = timeout;
    wait.open = true;
    wait.before = this.#last;
    if (this.#last) this.#last.after = wait;
    else this.#first = wait;
    this.#last = wait;
    if (wait.due < this.#next) this.#arm(wait.due, timeout);
  }

  cancel(wait: Wait): void {
    if (!wait.open) return;
    wait.open = false;
    this.#unlink(wait);
  }

  /** The timer is left as it is when what it was set for is cancelled: it then finds out what is due next. */
  #arm(due: number, ms: number): void {
    this.clock.clearTimeout(this.#timer);
    this.#next = due;
    this.#timer = this.clock.setTimeout(() => this.#onTimer(), ms, this.event);
  }

  #unlink(wait: Wait): void {
    const { before, after } = wait;
    if (before) before.after = after;
    else if (this.#first === wait) this.#first = after;
    if (after) after.before = before;
    else if (this.#last === wait) this.#last = before;
    wait.before = wait.after = undefined;
    if (this.#first || !this.#timer) return;
    this.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#next = Infinity;
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#next = Infinity;
    const now = this.clock.monotonic();
    let next = Infinity;
    for (let wait = this.#first, after; wait; wait = after) {
      after = wait.after;
      if (wait.due <= now) this.#onDue(wait, now);
      if (wait.open && wait.due > now) next = Math.min(next, wait.due);
    }
    if (next < Infinity) this.#arm(next, next - now);
  }

  #onDue(wait: Wait, now: number): void {
    const more = Math.min(now - wait.due, wait.spare);
    if (more < HELD_UP_MS) {
      this.#unlink(wait);
      return this.#read(wait, this.activity(), MOST_POLLS);
    }
    wait.spare -= more;
    wait.due = now + more;
  }

  #read(wait: Wait, seen: number, polls: number): void {
    afterPoll(() => {
      if (!wait.open) return;
      const now = this.activity();
      if (now !== seen && polls > 1) return this.#read(wait, now, polls - 1);
      wait.open = false;
      wait.expired();
    });
  }
}
