// Provides a clock that stands still until a test turns it: 30 minutes pass in a millisecond, and in order.
import { performance } from 'node:perf_hooks';
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import type { Clock, TimerHandle } from './clock.js';
import { milliseconds } from './duration.js';
import type { Duration } from './duration.js';
import { ClockHeldError, InvalidOptionError } from '../errors.js';
import { HeapTimer, TimerHeap } from './timer-heap.js';

/** Turns of the event loop between two instants: enough for an in-process request, its answer and the reaction to it. */
const SETTLE_TURNS = 4;
/** Turns of the event loop in which nothing uses the clock, after which nothing more is going to happen by itself. */
const QUIET_TURNS = 8;
/** Real time for which a call still holds the clock once a call has said that it waits for the clock. ms */
const CALL_PATIENCE_MS = 20;
/** Real time that one look at what is under way counts at most: when the process stood still, so did what it waits for. ms */
const LONGEST_LOOK_MS = 100;
const DEFAULT_TIMEOUT_MS = 4_000;

// Taken once: a test runner may replace Node's timers with fake ones.
const realNow = performance.now.bind(performance);

class ManualTimer extends HeapTimer implements TimerHandle {
  constructor(
    due: number,
    order: number,
    readonly fn: () => void,
    readonly event: string | undefined,
  ) {
    super(due, order);
  }
}

/** Something under way, from `busy`. */
interface Work {
  readonly what: string;
  /** Real ms. */
  readonly since: number;
  /** Real ms from which time goes on without it. */
  readonly until: number;
}

/** Something that will happen if the clock is turned far enough. */
export interface UpcomingEvent {
  /** 'the next check of open transactions' */
  readonly event: string;
  /** ms since the epoch, by this clock */
  readonly due: number;
}

/** How `advance` and `advanceTo` wait for work that is under way. */
export interface TurnOptions {
  /** Real time to wait, at each instant, for what is under way there: ms, or a length such as '20s'. Default '4s'. */
  timeout?: Duration;
  /** false: time does not wait for what is under way. For a test of a listener that hangs. Default true. */
  wait?: boolean;
}

/** A clock for tests. It stands still until `advance` or `advanceTo` turns it. */
export class ManualClock implements Clock {
  readonly #start: number;
  #now: number;
  #order = 0;
  readonly #timers = new TimerHeap<ManualTimer>();
  readonly #work = new Set<Work>();
  #waiting: (() => void)[] = [];
  /** Counts all uses: while it grows, something is going on. */
  #uses = 0;
  #callsWait = false;

  /** @param startMs wall-clock time to start at, ms since the epoch; default: the machine's time now */
  constructor(startMs: number = Date.now()) {
    this.#start = startMs;
    this.#now = startMs;
  }

  now(): number {
    this.#uses++;
    return this.#now;
  }

  monotonic(): number {
    this.#uses++;
    return this.#now - this.#start;
  }

  setTimeout(fn: () => void, ms: number, event?: string): TimerHandle {
    this.#uses++;
    const timer = new ManualTimer(this.#now + Math.max(0, ms), this.#order++, fn, event);
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(handle: TimerHandle | undefined): void {
    this.#uses++;
    if (handle instanceof ManualTimer) this.#timers.delete(handle);
  }

  /** How many timers are set: 0 after everything that uses the clock has been stopped. */
  get pending(): number {
    return this.#timers.size;
  }

  /** What timers will bring about that have a name, the next one first. Heartbeats, polls and time-outs have none. */
  get upcoming(): UpcomingEvent[] {
    const upcoming: UpcomingEvent[] = [];
    for (const { event, due } of this.#timers.all()) if (event !== undefined) upcoming.push({ event, due });
    return upcoming.toSorted((a, b) => a.due - b.due);
  }

  callWaits(): void {
    this.#callsWait = true;
  }

  busy(what: string, atMost = Infinity): () => void {
    this.#uses++;
    const since = realNow();
    const work: Work = { what, since, until: since + atMost };
    this.#work.add(work);
    return () => {
      this.#uses++;
      this.#work.delete(work);
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
  }

  /**
   * Turns the clock by `time` (ms, or '30m'), firing what falls due in the order of its due time. At each instant it waits
   * until what is under way has ended.
   * @throws ClockHeldError naming what has not ended in time, InvalidOptionError for an invalid time
   */
  async advance(time: Duration, options: TurnOptions = {}): Promise<void> {
    const ms = milliseconds(time);
    if (ms === undefined)
      throw new InvalidOptionError('time', time, "ms from 0, or a length such as '30m'", 'ManualClock.advance');
    await this.advanceTo(this.#now + ms, options);
  }

  /** Turns the clock to `epochMs`. @throws ClockHeldError, InvalidOptionError for a time that has passed */
  async advanceTo(epochMs: number, options: TurnOptions = {}): Promise<void> {
    if (!(epochMs >= this.#now))
      throw new InvalidOptionError(
        'epochMs',
        epochMs,
        `ms from ${this.#now}, where the clock stands`,
        'ManualClock.advanceTo',
      );
    await this.#settle(options);
    for (let next = this.#next(epochMs); next; next = this.#next(epochMs)) {
      this.#fire(next);
      if (this.#next(this.#now) === undefined) await this.#settle(options);
    }
    this.#now = Math.max(this.#now, epochMs);
    await this.#settle(options);
  }

  /**
   * Resolves when nothing is under way and nothing happens any more unless the clock is turned.
   * @throws ClockHeldError naming what has not ended in time
   */
  async settle(options: TurnOptions = {}): Promise<void> {
    for (let quiet = 0, seen = this.#uses; quiet < QUIET_TURNS; quiet++) {
      await this.#settle(options);
      if (this.#uses !== seen) quiet = 0;
      seen = this.#uses;
    }
  }

  /**
   * Turns the clock to the next event that has a name, once nothing is under way. Timers without a name fire on the way, in
   * order. While a call waits for the clock (`callWaits`), each timer counts.
   * @returns false if there is none: then the clock stands where it stood
   * @throws ClockHeldError naming what has not ended in time
   */
  async skip(options: TurnOptions = {}): Promise<boolean> {
    await this.settle(options);
    const anyCounts = this.#work.size > 0;
    if (!anyCounts) this.#callsWait = false;
    if (!anyCounts && this.upcoming.length === 0) return false;
    for (let timer = this.#timers.first; timer; timer = this.#timers.first) {
      const { due } = timer;
      let counts = anyCounts;
      for (let next: ManualTimer | undefined = timer; next; next = this.#next(due)) {
        counts ||= next.event !== undefined;
        this.#fire(next);
      }
      await this.#settle(options);
      if (counts) return true;
    }
    return false;
  }

  #fire(timer: ManualTimer): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.due);
    timer.fn();
  }

  #next(until: number): ManualTimer | undefined {
    const { first } = this.#timers;
    return first && first.due <= until ? first : undefined;
  }

  /** Lets promises and in-process I/O settle, and what is under way end. */
  async #settle({ wait = true, timeout = DEFAULT_TIMEOUT_MS }: TurnOptions): Promise<void> {
    await turns();
    if (!wait || this.#work.size === 0) return;
    const limit = milliseconds(timeout);
    if (limit === undefined)
      throw new InvalidOptionError('timeout', timeout, "ms from 0, or a length such as '20s'", 'ManualClock.advance');
    let rest = limit;
    for (let left = this.#held(); left > 0; left = this.#held()) {
      if (rest <= 0) {
        throw new ClockHeldError(
          [...this.#work].map(({ what }) => what),
          limit,
        );
      }
      const began = realNow();
      await this.#change(Math.min(left, rest, LONGEST_LOOK_MS));
      await turns();
      rest -= Math.min(realNow() - began, LONGEST_LOOK_MS);
    }
  }

  /** Real ms for which what is under way holds time, if nothing changes; 0 when it does not. */
  #held(): number {
    if (this.#work.size === 0) return 0;
    const now = realNow();
    const ends = [...this.#work].map(({ since, until }) =>
      this.#callsWait && until < Infinity ? Math.min(until, since + CALL_PATIENCE_MS) : until,
    );
    return Math.max(0, Math.min(...ends) - now);
  }

  /** Resolves when something has ended, or after `ms` of real time. */
  async #change(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      timer = setTimeout(resolve, Math.ceil(ms));
    });
    clearTimeout(timer);
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
