// Bounds how many warnings a minute are logged, whatever clients send.
import type { Clock } from '@nest-rocketmq/remoting/internal';

const MINUTE_MS = 60_000;

export class WarningRate {
  readonly #clock: Clock;
  readonly #mostPerMinute: number;
  #minute = 0;
  #warnings = 0;

  constructor(clock: Clock, mostPerMinute: number) {
    this.#clock = clock;
    this.#mostPerMinute = mostPerMinute;
  }

  /** Whether one more may be logged now; counts it. */
  allows(): boolean {
    const minute = Math.floor(this.#clock.monotonic() / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#warnings = 0;
    }
    return this.#warnings++ < this.#mostPerMinute;
  }
}
