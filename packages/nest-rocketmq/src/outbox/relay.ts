// Sends what the outbox holds: looks at once after a local commit, from time to time for what others wrote, and later after a
// failure.
import { AsyncResource } from 'node:async_hooks';
import type { TimerHandle } from '@nest-rocketmq/remoting/internal';
import { isManual, withClockHeld } from '../manual-clock-settings.js';
import type { WatchedWork } from '../backends/embedded-options.js';
import type { OutboxEvent } from './outbox-events.js';
import { RelayRounds } from './relay-round.js';
import type { RelayParts, RoundResult } from './relay-round.js';

/** The first look for a message whose transaction does not tell of its commit; each further one is twice as late. ms */
const FIRST_LOOK_MS = 1;
/** Names the timers that a test may wait for. Looks for what others may have written have none: they never end. */
const NEXT_TRY = 'the next try of the outbox';

export interface RelayTimes {
  /** ms */
  readonly pollInterval: number;
  /** ms */
  readonly purgeInterval: number;
}

export class Relay implements WatchedWork {
  readonly #parts: RelayParts;
  readonly #times: RelayTimes;
  readonly #rounds: RelayRounds;
  /** The relay works outside of the context of whoever wakes it: transactions are found by that context in some apps. */
  readonly #context = new AsyncResource('RocketMQOutboxRelay');
  #timer: TimerHandle | undefined;
  #purgeTimer: TimerHandle | undefined;
  #state: 'not started' | 'running' | 'draining' | 'stopped' = 'not started';
  #working: Promise<void> | undefined;
  #purging: Promise<void> | undefined;
  #isWoken = false;
  #nextLook: number;
  /** By the clock's `monotonic`, ms. */
  #outageUntil = 0;
  #outageDelay: number;

  /** On a manual clock: what was written here, in transactions that do not tell of their commit, and not found yet. */
  readonly #expected = new Set<string>();
  #written = 0;

  constructor(parts: RelayParts, times: RelayTimes) {
    this.#parts = parts;
    this.#times = times;
    const tell = (event: OutboxEvent): void => {
      if ('id' in event) this.#expected.delete(event.id);
      parts.tell(event);
    };
    this.#rounds = new RelayRounds({ ...parts, tell });
    this.#nextLook = times.pollInterval;
    this.#outageDelay = parts.options.retryDelay;
  }

  start(): void {
    if (this.#state !== 'not started') return;
    this.#state = 'running';
    this.#schedulePurge();
    this.wake();
  }

  /** Looks now, unless an outage is being waited out. */
  wake(): void {
    this.#context.runInAsyncScope(() => this.#wake());
  }

  /** Looks now, and again soon: a transaction has written a message and does not tell of its commit. */
  expect(id: string): void {
    this.#written++;
    if (isManual(this.#parts.clock)) this.#expected.add(id);
    this.#nextLook = FIRST_LOOK_MS;
    this.wake();
  }

  /** See `WatchedWork`. */
  get expecting(): number {
    return this.#expected.size === 0 ? 0 : this.#written;
  }

  /** See `WatchedWork`. */
  look(): void {
    this.wake();
  }

  /** Sends what is pending for at most `drainTimeout` of `now`, and ends. @param now ms of real time */
  async stop(now: () => number): Promise<void> {
    if (this.#state !== 'running') return;
    const { drainTimeout } = this.#parts.options;
    const end = now() + drainTimeout;
    this.#state = 'draining';
    this.#clearTimers();
    await this.#working;
    let result: RoundResult = { claimed: 1 };
    while (result.claimed > 0 && !result.outage && !this.#isInOutage() && now() < end) result = await this.#round();
    this.#state = 'stopped';
    await this.#purging;
  }

  #wake(): void {
    if (this.#state !== 'running') return;
    this.#isWoken = true;
    if (this.#working || this.#isInOutage()) return;
    this.#parts.clock.clearTimeout(this.#timer);
    this.#working = this.#work().finally(() => {
      this.#working = undefined;
      this.#schedule();
    });
  }

  #isInOutage(): boolean {
    return this.#outageUntil > this.#parts.clock.monotonic();
  }

  async #work(): Promise<void> {
    let result: RoundResult;
    do {
      this.#isWoken = false;
      result = await this.#round();
    } while (this.#state === 'running' && !result.outage && (this.#isWoken || result.claimed > 0));
  }

  async #round(): Promise<RoundResult> {
    let result: RoundResult;
    try {
      result = await this.#rounds.run();
    } catch (error) {
      result = { claimed: 0, outage: { error } };
    }
    if (result.outage) this.#beginOutage(result.outage.error);
    else this.#outageDelay = this.#parts.options.retryDelay;
    return result;
  }

  #beginOutage(error: unknown): void {
    const { clock, options, tell } = this.#parts;
    const retryIn = this.#outageDelay;
    this.#outageUntil = clock.monotonic() + retryIn;
    this.#outageDelay = Math.min(2 * retryIn, options.maxRetryDelay);
    tell({ type: 'outage', error, retryIn });
  }

  #schedule(): void {
    if (this.#state !== 'running') return undefined;
    const { clock } = this.#parts;
    const outage = this.#outageUntil - clock.monotonic();
    // Woken after the last round had looked whether it was.
    if (this.#isWoken && outage <= 0) return this.#wake();
    const { pollInterval } = this.#times;
    const untilNext = this.#rounds.untilNext();
    const look = Math.min(this.#nextLook, pollInterval, untilNext ?? pollInterval);
    this.#nextLook = Math.min(2 * this.#nextLook, pollInterval);
    clock.clearTimeout(this.#timer);
    const event = outage > 0 || untilNext !== undefined ? NEXT_TRY : undefined;
    this.#timer = clock.setTimeout(() => this.wake(), outage > 0 ? outage : Math.max(1, look), event);
    return undefined;
  }

  #schedulePurge(): void {
    if (this.#state !== 'running') return;
    const { clock } = this.#parts;
    this.#purgeTimer = clock.setTimeout(() => {
      this.#purging = this.#purge().finally(() => this.#schedulePurge());
    }, this.#times.purgeInterval);
  }

  async #purge(): Promise<void> {
    const { store, clock, options, tell } = this.#parts;
    const before = clock.now() - options.retention;
    try {
      let deleted: number;
      do {
        const purge = (): Promise<number> => store.purge(before, options.purgeBatchSize);
        deleted = await withClockHeld(clock, 'the outbox deleting old messages', purge);
        if (deleted > 0) tell({ type: 'purged', count: deleted });
      } while (deleted === options.purgeBatchSize && this.#state === 'running');
    } catch (error) {
      tell({ type: 'outage', error, retryIn: this.#times.purgeInterval });
    }
  }

  #clearTimers(): void {
    this.#parts.clock.clearTimeout(this.#timer);
    this.#parts.clock.clearTimeout(this.#purgeTimer);
  }
}
