// Provides what a test of an app needs: options for a broker in memory whose clock the test turns.
import type { DynamicModule } from '@nestjs/common';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import type { TurnOptions } from '@nest-rocketmq/remoting/internal';
import type { Duration } from '../message/delay.js';
import { RocketMQModule } from '../rocketmq.module.js';
import type { EmbeddedOptions } from '../backends/embedded-options.js';
import type { RocketMQModuleOptions } from '../options/rocketmq.options.js';

/** Options of `rocketMQTesting`: those of `RocketMQModule.forRoot`, without the choice of backend and clock. */
export type TestingOptions = Omit<RocketMQModuleOptions, 'nameServer' | 'backend' | 'embedded'> & {
  embedded?: Omit<EmbeddedOptions, 'clock'>;
};

/** What `rocketMQTesting` returns. */
export interface RocketMQTesting {
  /** For a module under test that does not import `RocketMQModule` itself: import this beside it. */
  readonly module: DynamicModule;
  /** For a whole app: `.overrideProvider(ROCKETMQ_OPTIONS).useValue(testing.options)`. */
  readonly options: RocketMQModuleOptions;
  /** The clock of broker and client. It stands still until it is turned. */
  readonly clock: ManualClock;
  /**
   * Turns the clock by ms, or by a length such as '30m'. What falls due happens in order, and the clock waits for every
   * running listener.
   * @throws ClockHeldError that names a listener which has not ended within `timeout`, by default 4000 ms of real time
   */
  advance(time: Duration, options?: TurnOptions): Promise<void>;
}

/**
 * Makes a broker in memory and a clock that stands still, for the test of an app. Nothing listens on a port.
 * @param options as for forRoot; `embedded.store` defaults to 'memory'
 */
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
