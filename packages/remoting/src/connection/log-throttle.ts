// Limits the log lines of one kind: so many in a period, then only their number.
import type { Clock, TimerHandle } from '../time/clock.js';
import type { Logger } from '../logger.js';

/** Most lines of one kind in one period. */
const LINES = 10;
const PERIOD_MS = 10_000;

export type Level = 'warn' | 'error';

/** Logs events that may come in any number. */
export interface EventLog {
  /** @param kind what such lines have in common, in words: for the line that counts those left out */
  say(level: Level, kind: string, message: string): void;
}

/** Logs each event. */
export function plainLog(logger: Logger): EventLog {
  return { say: (level, _kind, message) => logger[level](message) };
}

interface Kind {
  level: Level;
  lines: number;
  left: number;
}

export class LogThrottle implements EventLog {
  readonly #kinds = new Map<string, Kind>();
  #timer: TimerHandle | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  say(level: Level, kind: string, message: string): void {
    let known = this.#kinds.get(kind);
    if (!known) this.#kinds.set(kind, (known = { level, lines: 0, left: 0 }));
    if (known.lines++ < LINES) this.logger[level](message);
    else known.left++;
    this.#timer ??= this.clock.setTimeout(() => this.end(), PERIOD_MS);
  }

  /** Logs how many lines were left out, and starts a new period. */
  end(): void {
    this.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [kind, { level, left }] of this.#kinds)
      if (left > 0) this.logger[level](`${kind}: ${left} more in the last ${PERIOD_MS / 1_000} s`);
    this.#kinds.clear();
  }
}
