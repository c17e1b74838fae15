// Adds a cluster's name to what its parts do with the clock of a test, so that a list of what is pending tells clusters apart.
import type { Clock, TimerHandle } from '@nest-rocketmq/remoting/internal';
import { DEFAULT_CLUSTER } from '../rocketmq.tokens.js';

/** ' (cluster billing)'; nothing for the cluster without a name. */
export function ofCluster(cluster: string): string {
  return cluster === DEFAULT_CLUSTER ? '' : ` (cluster ${cluster})`;
}

/** The clock of a cluster: the test's own, with the cluster's name behind the names of events and of running work. */
export class ClusterClock implements Clock {
  readonly #suffix: string;

  constructor(
    private readonly clock: Clock,
    cluster: string,
  ) {
    this.#suffix = ofCluster(cluster);
  }

  now(): number {
    return this.clock.now();
  }

  monotonic(): number {
    return this.clock.monotonic();
  }

  setTimeout(fn: () => void, ms: number, event?: string): TimerHandle {
    return this.clock.setTimeout(fn, ms, event === undefined ? undefined : event + this.#suffix);
  }

  clearTimeout(handle: TimerHandle | undefined): void {
    this.clock.clearTimeout(handle);
  }

  busy(what: string, atMost?: number): () => void {
    return this.clock.busy?.(what + this.#suffix, atMost) ?? (() => undefined);
  }

  callWaits(): void {
    this.clock.callWaits?.();
  }
}
