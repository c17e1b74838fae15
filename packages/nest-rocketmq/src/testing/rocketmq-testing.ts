// Owns what a test of an app needs: a module on a broker in memory, whose clock is turned by hand, and promises of
// what the app's listeners do. No test has to sleep.
import type { DynamicModule } from '@nestjs/common';
import { ManualClock } from '@nest-rocketmq/remoting';
import { milliseconds } from '../delay.js';
import type { Duration } from '../delay.js';
import { InvalidOptionError } from '../errors.js';
import { RocketMQModule } from '../rocketmq.module.js';
import type { EmbeddedOptions } from '../embedded-backend.js';
import type { RocketMQModuleOptions } from '../rocketmq.options.js';

export type TestingOptions = Omit<RocketMQModuleOptions, 'nameServer' | 'backend' | 'embedded'> & {
  embedded?: Omit<EmbeddedOptions, 'clock'>;
};

export interface RocketMQTesting {
  /** Import it where the app imports `RocketMQModule.forRoot(…)`. */
  readonly module: DynamicModule;
  /** The same as options, for an app that takes them. */
  readonly options: RocketMQModuleOptions;
  /** Stands still until it is turned. */
  readonly clock: ManualClock;
  /** Turns the clock; everything that falls due happens in order. */
  advance(time: Duration): Promise<void>;
}

/** @param options as for forRoot; the store is in memory unless `embedded.store` says otherwise */
export function rocketMQTesting(options: TestingOptions = {}): RocketMQTesting {
  const clock = new ManualClock();
  const embedded: EmbeddedOptions = { store: 'memory', ...options.embedded, clock };
  const resolved: RocketMQModuleOptions = { ...options, embedded };
  return {
    module: RocketMQModule.forRoot(resolved),
    options: resolved,
    clock,
    async advance(time) {
      const length = milliseconds(time);
      if (length === undefined) throw new InvalidOptionError('time', time, `milliseconds, or a length such as '30m'`);
      await clock.advance(length);
    },
  };
}
