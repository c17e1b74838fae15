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
const DEFAULT_TIMEOUT_MS = 4_000;

// Taken once: a test runner may replace Node's timers with fake ones.
const realNow = performance.now.bind(performance);

class ManualTimer extends HeapTimer implements TimerHandle {
  constructor(
    due: number,
    order: number,
    readonly fn: () => void,
  ) {
    super(due, order);
  }
}

/** Something under way, from `busy`. */
interface Work {
  readonly what: string;
  /** Real ms from which time goes on without it. */
  readonly until: number;
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

  /** @param startMs wall-clock time to start at, ms since the epoch; default: the machine's time now */
  constructor(startMs: number = Date.now()) {
    this.#start = startMs;
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  setTimeout(fn: () => void, ms: number): TimerHandle {
    const timer = new ManualTimer(this.#now + Math.max(0, ms), this.#order++, fn);
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(handle: TimerHandle | undefined): void {
    if (handle instanceof ManualTimer) this.#timers.delete(handle);
  }

  /** How many timers are set: 0 after everything that uses the clock has been stopped. */
  get pending(): number {
    return this.#timers.size;
  }

  busy(what: string, atMost = Infinity): () => void {
    const work: Work = { what, until: realNow() + atMost };
    this.#work.add(work);
    return () => {
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
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.fn();
      if (this.#next(this.#now) === undefined) await this.#settle(options);
    }
    this.#now = Math.max(this.#now, epochMs);
    await this.#settle(options);
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
    const giveUpAt = realNow() + limit;
    for (let left = this.#held(); left > 0; left = this.#held()) {
      const rest = giveUpAt - realNow();
      if (rest <= 0) {
        throw new ClockHeldError(
          [...this.#work].map(({ what }) => what),
          limit,
        );
      }
      await this.#change(Math.min(left, rest));
      await turns();
    }
  }

  /** Real ms for which what is under way holds time, if nothing changes; 0 when it does not. */
  #held(): number {
    if (this.#work.size === 0) return 0;
    const now = realNow();
    return Math.max(0, Math.min(...[...this.#work].map(({ until }) => until - now)));
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
