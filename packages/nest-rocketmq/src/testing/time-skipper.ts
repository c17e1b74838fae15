// Turns the clock of a test by itself: to the next moment at which something is due, for as long as somebody waits.
import { setTimeout as inRealTime } from 'node:timers/promises';
import type { ManualClock } from '@nest-rocketmq/remoting/internal';

/** Why a wait has ended without what it waited for. */
export type WaitEnd = 'nothing is due' | 'not within' | 'without end' | 'too many turns' | 'timeout';

export interface Waiter {
  /** Whether it has come. */
  readonly isDone: () => boolean;
  readonly fail: (why: WaitEnd) => Error;
  /** ms of real time: for listeners that run, and for what the clock does not know. */
  readonly timeout: number;
  /** It may still come without the clock: real time passes then, up to `timeout`. */
  readonly isPatient: boolean;
  /** The clock is not turned beyond this for it, ms since the epoch. */
  readonly until: number;
}

interface Waiting extends Waiter {
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Turns for one wait. */
export const MOST_TURNS = 5_000;
/** What is tried again and again, perhaps without end: a message in its place, a broker that is away. */
const WITHOUT_END = /^(the next try|the next pull|another try|the end of a poll)/;
/** Turns in a row for nothing but that. */
export const MOST_TRIES = 200;
/** Real ms between two looks at what the clock does not know. */
const LOOK_AGAIN_MS = 2;

const realNow = performance.now.bind(performance);

export class TimeSkipper {
  readonly #waiting = new Set<Waiting>();
  #isTurning = false;

  /** @param idleWork of a wait: called before each turn; returns whether it has set something going */
  constructor(
    private readonly clock: ManualClock,
    private readonly idleWork: () => () => boolean,
  ) {}

  /** Resolves when the waiter is done; the clock is turned meanwhile. Several waiters share the turns. */
  wait(waiter: Waiter): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.#waiting.add({ ...waiter, since: realNow(), resolve, reject });
    });
    this.#begin();
    return done;
  }

  #begin(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    void this.#turn().finally(() => {
      this.#isTurning = false;
      // Somebody may have come at the last moment.
      if (this.#waiting.size > 0) this.#begin();
    });
  }

  async #turn(): Promise<void> {
    try {
      const onIdle = this.idleWork();
      let tries = 0;
      for (let turns = 0; this.#waiting.size > 0; turns++) {
        const timeout = Math.max(...[...this.#waiting].map((each) => each.timeout));
        await this.clock.settle({ timeout });
        this.#release();
        if (this.#waiting.size === 0) return;
        if (onIdle()) continue;
        if (turns >= MOST_TURNS) return this.#end(() => true, 'too many turns');
        const { upcoming } = this.clock;
        const [next] = upcoming;
        tries = next && upcoming.every(({ event }) => WITHOUT_END.test(event)) ? tries + 1 : 0;
        if (tries > MOST_TRIES) return this.#end(() => true, 'without end');
        if (next) this.#end(({ until }) => next.due > until, 'not within');
        if (this.#waiting.size === 0) return;
        if (await this.clock.skip({ timeout })) continue;
        this.#release();
        this.#end(({ isPatient }) => !isPatient, 'nothing is due');
        this.#end(({ since, timeout: limit }) => realNow() - since >= limit, 'timeout');
        if (this.#waiting.size > 0) await inRealTime(LOOK_AGAIN_MS);
      }
    } catch (error) {
      for (const { reject } of this.#waiting) reject(error as Error);
      this.#waiting.clear();
    }
  }

  #release(): void {
    for (const waiting of this.#waiting) {
      if (!waiting.isDone()) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  #end(which: (waiting: Waiting) => boolean, why: WaitEnd): void {
    for (const waiting of this.#waiting) {
      if (!which(waiting)) continue;
      this.#waiting.delete(waiting);
      waiting.reject(waiting.fail(why));
    }
  }
}
