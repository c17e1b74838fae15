// Leaves out the listeners that the option `consumers` switches off in this process, and tells of them.
import type { Logger } from '@nestjs/common';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import { CONSUMERS_ENV } from '../options/consumer-switch.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import type { ListenerGroup } from './listener-groups.js';

export class ListenerSwitch {
  /** The topics of each group, also of those that do not run in this process. */
  #known = new Map<string, ReadonlySet<string>>();
  /** The names of the listeners that do not run in this process. */
  #off: string[] = [];

  constructor(
    private readonly options: Pick<ResolvedOptions, 'group' | 'consumers' | 'cluster'>,
    private readonly logger: Pick<Logger, 'log' | 'warn'>,
  ) {}

  /** @param groups of all these listeners @returns those that run in this process */
  select(listeners: readonly DiscoveredListener[], groups: readonly ListenerGroup[]): DiscoveredListener[] {
    const { group, consumers } = this.options;
    const on = listeners.filter(({ options }) => consumers.isOn(options.consumerGroup ?? group, options.topic));
    this.#off = listeners.filter((listener) => !on.includes(listener)).map(({ name }) => name);
    this.#known = new Map(groups.map((each) => [each.group, new Set(each.subscriptions.map(({ topic }) => topic))]));
    return on;
  }

  tell(): void {
    const { consumers, cluster } = this.options;
    const by = consumers.isOfProcess ? CONSUMERS_ENV : 'the option consumers';
    if (this.#off.length > 0) this.logger.log(`switched off by ${by}: ${this.#off.join(', ')}`);
    const unknown = consumers.unknown(this.#known);
    if (unknown.length === 0 || (consumers.isOfProcess && cluster.known.length > 1)) return;
    const groups = [...this.#known.keys()].join(', ') || 'none';
    this.logger.warn(`${by} names ${unknown.join(', ')}, which no listener of the app has. Its groups are: ${groups}.`);
  }
}
