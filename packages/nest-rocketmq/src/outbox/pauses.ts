// Remembers which topics and sharding keys wait after a failure, each longer the more often it fails.
import type { Clock } from '@nest-rocketmq/remoting/internal';

/** How many are remembered; with more, the relay waits as a whole. */
export const MOST_PAUSES = 1_000;

interface Pause {
  /** By the clock's `monotonic`, ms. */
  until: number;
  /** Of the next pause, ms. */
  next: number;
}

export interface PauseLimits {
  /** ms */
  readonly first: number;
  /** ms */
  readonly longest: number;
}

export class Pauses {
  readonly #pauses = new Map<string, Pause>();
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #limits: PauseLimits;

  constructor(clock: Pick<Clock, 'monotonic'>, limits: PauseLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get isFull(): boolean {
    return this.#pauses.size >= MOST_PAUSES;
  }

  /** Those that still wait. */
  active(): string[] {
    const now = this.#clock.monotonic();
    return [...this.#pauses].filter(([, { until }]) => until > now).map(([name]) => name);
  }

  /** How long until one of them ends, ms; undefined if none waits. */
  untilNext(): number | undefined {
    const now = this.#clock.monotonic();
    const waits = [...this.#pauses.values()].map(({ until }) => until - now).filter((wait) => wait > 0);
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }

  pause(name: string): void {
    const { first, longest } = this.#limits;
    const length = Math.min(this.#pauses.get(name)?.next ?? first, longest);
    this.#pauses.set(name, { until: this.#clock.monotonic() + length, next: Math.min(2 * length, longest) });
  }

  /** Forgets it: it works again. */
  end(name: string): void {
    this.#pauses.delete(name);
  }

  /** Forgets those that have ended long ago, as nothing came of them. */
  forgetOld(): void {
    const now = this.#clock.monotonic();
    for (const [name, { until }] of this.#pauses) if (until + this.#limits.longest < now) this.#pauses.delete(name);
  }
}
