// Runs a task periodically by the injected clock, never twice at the same time.
import { describe } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Clock, TimerHandle } from './clock.js';

export interface RepeatingOptions {
  clock: Clock;
  logger: Logger;
  /** For the log line of a run that failed. */
  name: string;
  /** ms from the end of one run to the start of the next */
  interval: number;
  run: () => Promise<void> | void;
  /** Asked after each run: when it returns false, nothing runs until the next `start()`. Default: always true. */
  isNeeded?: () => boolean;
  /** As of `Clock.setTimeout`. */
  event?: string;
}

/** A run that fails is logged, and the next one comes all the same. */
export class Repeating {
  readonly #options: RepeatingOptions;
  #timer: TimerHandle | undefined;
  #running: Promise<void> | undefined;
  #started = false;

  constructor(options: RepeatingOptions) {
    this.#options = options;
  }

  /**
   * Does nothing when it is started already: an earlier run that is due stays due.
   * @param firstDelay ms to the first run; default: the interval
   */
  start(firstDelay = this.#options.interval): void {
    if (this.#started) return;
    this.#started = true;
    // A run that is under way when it is started again goes on by itself.
    if (!this.#running) this.#schedule(firstDelay);
  }

  /** No run begins after this, until the next `start()`. */
  stop(): void {
    this.#started = false;
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** Resolves when no run is under way. Never rejects. */
  async whenIdle(): Promise<void> {
    await this.#running;
  }

  #schedule(ms: number): void {
    const { clock, event } = this.#options;
    const run = (): void => void (this.#running = this.#run());
    this.#timer = clock.setTimeout(run, ms, event);
  }

  async #run(): Promise<void> {
    const { logger, name, interval, run, isNeeded } = this.#options;
    try {
      await run();
    } catch (error) {
      logger.warn(`${name} failed: ${describe(error)}`);
    }
    this.#running = undefined;
    if (!this.#started) return;
    if (isNeeded && !isNeeded()) this.#started = false;
    else this.#schedule(interval);
  }
}
