// Runs a task at its interval, sooner on request, but no more often than a rate allows.
import type { Clock, Logger, TimerHandle } from '@nest-rocketmq/remoting/internal';
import { describe } from '../errors.js';

export interface ThrottleOptions {
  clock: Clock;
  logger: Logger;
  name: string;
  /** ms to the next run after one that returned true */
  interval: number;
  /** ms to the next run after one that returned false or failed; also what a run costs of the burst */
  spacing: number;
  /** Runs that may follow each other at once, before `spacing` applies. */
  burst: number;
  run: () => Promise<boolean>;
}

export class Throttle {
  readonly #options: ThrottleOptions;
  #timer: TimerHandle | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #state: 'not started' | 'started' | 'stopped' = 'not started';
  /** Monotonic ms. Each run moves it on by `spacing`; it may lie a burst ahead of now. */
  #paidUntil = -Infinity;

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  /** Runs at once, and from then on by itself. Resolves after this run. Does nothing after a stop. */
  async start(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'started';
    return this.#run();
  }

  /** Asks for a run as soon as `spacing` allows. Does nothing before the start. */
  request(): void {
    if (this.#state !== 'started') return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    const { clock, spacing, burst } = this.#options;
    const early = this.#paidUntil - (clock.monotonic() + spacing * (burst - 1));
    this.#schedule(Math.max(0, early), this.#options.name);
  }

  /** Runs as soon as the run that is under way has ended. Resolves after this run; at once unless started. */
  async runNow(): Promise<void> {
    while (this.#running) await this.#running;
    if (this.#state === 'started') await this.#run();
  }

  /** No more runs; resolves when the one that is under way has ended. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#options.clock.clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(ms: number, event?: string): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    if (this.#state !== 'started') return;
    if (ms <= 0) void this.#run();
    else this.#timer = clock.setTimeout(() => void this.#run(), ms, event);
  }

  async #run(): Promise<void> {
    this.#options.clock.clearTimeout(this.#timer);
    const { clock, spacing, burst } = this.#options;
    const now = clock.monotonic();
    // At most a burst ahead: `runNow` does not wait, and must not make requests wait ever longer.
    this.#paidUntil = Math.min(Math.max(now, this.#paidUntil) + spacing, now + spacing * burst);
    this.#again = false;
    this.#running = this.#attempt();
    await this.#running;
  }

  async #attempt(): Promise<void> {
    const { logger, name, interval, spacing, run } = this.#options;
    let done = false;
    try {
      done = await run();
    } catch (error) {
      logger.warn(`${name} failed: ${describe(error)}`);
    }
    this.#running = undefined;
    if (this.#again) this.request();
    else this.#schedule(done ? interval : spacing);
  }
}
