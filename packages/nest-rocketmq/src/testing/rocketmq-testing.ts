// Owns what a test of an app needs: a module on a broker in memory, whose clock is turned by hand, and promises of
// what the app's listeners do. No test has to sleep.
import type { DynamicModule } from '@nestjs/common';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import type { TurnOptions } from '@nest-rocketmq/remoting/internal';
import type { Duration } from '../message/delay.js';
import { RocketMQModule } from '../rocketmq.module.js';
import type { EmbeddedOptions } from '../backends/embedded-options.js';
import type { RocketMQModuleOptions } from '../options/rocketmq.options.js';

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
  /**
   * Turns the clock by ms, or by a length such as '30m'. What falls due happens in order, and time waits for every
   * listener that is at work, whatever it waits for.
   * @throws ClockHeldError naming a listener that has not ended within `timeout` (4000 ms of real time)
   */
  advance(time: Duration, options?: TurnOptions): Promise<void>;
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
    advance: (time, turn) => clock.advance(time, turn),
  };
}
