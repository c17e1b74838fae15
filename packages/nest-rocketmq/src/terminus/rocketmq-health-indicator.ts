// Reports an app's messaging to Terminus.
import { InvalidOptionError } from '@nest-rocketmq/client';
import { Injectable, Optional } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import type { HealthIndicatorResult } from '@nestjs/terminus';
import { RocketMQHealth } from '../health/rocketmq-health.js';
import type { HealthOptions, HealthReport } from '../health/health-options.js';

/** What stands in the result beside its status. */
export type RocketMQHealthDetails = Omit<HealthReport, 'status'>;

/**
 * Terminus' indicator of an app's messaging. Have it among the providers of the module that imports `TerminusModule`, and call
 * `() => rocketmq.isHealthy('rocketmq', { maxLag: 10_000 })` in the health check.
 */
@Injectable()
export class RocketMQHealthIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    @Optional() private readonly health?: RocketMQHealth,
  ) {}

  /**
   * 'up', 'degraded' or 'down', with the state of each group. Terminus 11 knows no 'degraded': it is 'up' there, with
   * `degraded: true` among the details.
   * @param key the name of the result
   * @param options limits
   * @throws InvalidOptionError, also if all clusters of the app have names: see `isHealthyOf`
   */
  async isHealthy<Key extends string>(key: Key, options: HealthOptions = {}): Promise<HealthIndicatorResult<Key>> {
    if (!this.health) {
      const allowed =
        "that of a cluster without a name. Of one with a name: isHealthyOf(health, key), with @InjectRocketMQHealth('billing')";
      throw new InvalidOptionError('health', undefined, allowed, 'RocketMQHealthIndicator.isHealthy');
    }
    return this.isHealthyOf(this.health, key, options);
  }

  /** The same of another cluster's `RocketMQHealth`. @throws InvalidOptionError */
  async isHealthyOf<Key extends string>(
    health: RocketMQHealth,
    key: Key,
    options: HealthOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const { status, ...report } = await health.check(options);
    const details: RocketMQHealthDetails & Record<string, unknown> = report;
    const session = this.indicators.check(key);
    if (status === 'up') return session.up(details);
    if (status === 'down') return session.down(details);
    return typeof session.degraded === 'function'
      ? session.degraded(details)
      : session.up({ ...details, degraded: true });
  }
}
