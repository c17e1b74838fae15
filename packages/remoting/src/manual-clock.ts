// Owns a Clock that stands still until it is turned. For tests: 30 minutes pass in a millisecond, and in order.
import type { Clock, TimerHandle } from './clock.js';
import { HeapTimer, TimerHeap } from './timer-heap.js';

/** Turns of the event loop between two instants: enough for an in-process request, its answer and what follows. */
const SETTLE_TURNS = 4;

class ManualTimer extends HeapTimer implements TimerHandle {
  constructor(
    due: number,
    order: number,
    readonly fn: () => void,
  ) {
    super(due, order);
  }
}

export class ManualClock implements Clock {
  readonly #start: number;
  #now: number;
  #order = 0;
  readonly #timers = new TimerHeap<ManualTimer>();

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

  /** How many timers are armed: 0 after everything that used the clock has been stopped. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Turns the clock by `ms`, firing what falls due in the order of its due time. */
  advance(ms: number): Promise<void> {
    return this.advanceTo(this.#now + ms);
  }

  /** Turns the clock to `epochMs`. Between two instants, promises and in-process I/O settle. */
  async advanceTo(epochMs: number): Promise<void> {
    if (epochMs < this.#now) throw new RangeError(`the clock stands at ${this.#now} and cannot go back to ${epochMs}`);
    await settle();
    for (let next = this.#next(epochMs); next; next = this.#next(epochMs)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.fn();
      if (this.#next(this.#now) === undefined) await settle();
    }
    this.#now = epochMs;
    await settle();
  }

  #next(until: number): ManualTimer | undefined {
    const { first } = this.#timers;
    return first && first.due <= until ? first : undefined;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
