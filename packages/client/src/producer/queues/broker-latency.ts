// Remembers how brokers did in their last sends: until when each is to be avoided, and whether it could be reached
// (Apache: LatencyFaultToleranceImpl).
import type { Clock } from '@nest-rocketmq/remoting/internal';

/** What a send to a broker has shown. */
interface BrokerState {
  /** Of the last send, ms. */
  latency: number;
  /** Monotonic ms. Only ever moved on. */
  availableFrom: number;
  isReachable: boolean;
  /** When it may be probed again, monotonic ms. */
  probeFrom: number;
}

export interface BrokerLatencyOptions {
  clock: Clock;
  /** ms between two probes of a broker */
  detectInterval: number;
}

export class BrokerLatency {
  readonly #options: BrokerLatencyOptions;
  readonly #brokers = new Map<string, BrokerState>();

  constructor(options: BrokerLatencyOptions) {
    this.#options = options;
  }

  /** Whether any send has been noted: without one, all brokers are alike. */
  get isEmpty(): boolean {
    return this.#brokers.size === 0;
  }

  /** @param latency ms @param notAvailableDuration for how long others are preferred, ms */
  update(brokerName: string, latency: number, notAvailableDuration: number, isReachable: boolean): void {
    const now = this.#options.clock.monotonic();
    const availableFrom = now + notAvailableDuration;
    const known = this.#brokers.get(brokerName);
    if (!known) {
      const probeFrom = now + this.#options.detectInterval;
      this.#brokers.set(brokerName, { latency, availableFrom, isReachable, probeFrom });
      return;
    }
    known.latency = latency;
    if (notAvailableDuration > 0) known.availableFrom = Math.max(known.availableFrom, availableFrom);
    known.isReachable = isReachable;
  }

  isAvailable(brokerName: string): boolean {
    const state = this.#brokers.get(brokerName);
    return !state || this.#options.clock.monotonic() >= state.availableFrom;
  }

  isReachable(brokerName: string): boolean {
    return this.#brokers.get(brokerName)?.isReachable ?? true;
  }

  remove(brokerName: string): void {
    this.#brokers.delete(brokerName);
  }

  /** The brokers whose turn to be probed has come. */
  due(): string[] {
    const { clock, detectInterval } = this.#options;
    const now = clock.monotonic();
    const due = [...this.#brokers].filter(([, { probeFrom }]) => now >= probeFrom);
    for (const [, state] of due) state.probeFrom = now + detectInterval;
    return due.map(([brokerName]) => brokerName);
  }

  /** A probe was answered. */
  reached(brokerName: string): void {
    const state = this.#brokers.get(brokerName);
    if (state) state.isReachable = true;
  }
}
