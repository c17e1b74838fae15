// Prefers brokers that answer soon, with `sendLatencyFaultEnable` (Apache: MQFaultStrategy), and probes those that did not.
import { Repeating, Requests, ResponseCode, ResponseError, RocketMQError } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { MQClientError } from '../../client-error.js';
import type { Brokers } from '../../routes/brokers.js';
import type { Routes } from '../../routes/routes.js';
import { BrokerLatency } from './broker-latency.js';
import type { RoundRobin } from './choose-queue.js';
import type { LatencyOptions } from '../options/latency-options.js';

/** A broker that failed counts as one that took so long. ms */
const LATENCY_OF_FAILURE_MS = 10_000;
/** How often it is looked whether a probe is due. ms */
const DETECT_ROUND_MS = 3_000;

export interface FaultStrategyParts {
  clock: Clock;
  logger: Logger;
  routes: Routes;
  brokers: Brokers;
  roundRobin: RoundRobin;
}

export class FaultStrategy {
  readonly #parts: FaultStrategyParts;
  readonly #options: LatencyOptions;
  readonly #latency: BrokerLatency;
  readonly #detector: Repeating;

  constructor(parts: FaultStrategyParts, options: LatencyOptions) {
    this.#parts = parts;
    this.#options = options;
    const { clock, logger } = parts;
    this.#latency = new BrokerLatency({ clock, detectInterval: options.detectInterval });
    this.#detector = new Repeating({
      clock,
      logger,
      name: 'probing brokers',
      interval: DETECT_ROUND_MS,
      run: () => this.#detect(),
    });
  }

  start(): void {
    if (this.#options.sendLatencyFaultEnable && this.#options.startDetectorEnable) this.#detector.start();
  }

  stop(): void {
    this.#detector.stop();
  }

  /**
   * The queue of the next attempt: one of a broker that is available, else of one that can be reached, else any; another
   * broker than `lastBroker` as far as that is possible.
   */
  choose(topic: string, queues: readonly MessageQueue[], lastBroker: string | undefined): MessageQueue {
    const { roundRobin } = this.#parts;
    if (this.#latency.isEmpty) return roundRobin.choose(topic, queues, lastBroker);
    if (lastBroker !== undefined) roundRobin.restart(topic);
    const others = queues.filter(({ brokerName }) => brokerName !== lastBroker);
    const available = others.filter(({ brokerName }) => this.#latency.isAvailable(brokerName));
    if (available.length > 0) return roundRobin.choose(topic, available);
    const reachable = others.filter(({ brokerName }) => this.#latency.isReachable(brokerName));
    return roundRobin.choose(topic, reachable.length > 0 ? reachable : queues);
  }

  /** Notes how a send to the broker went. */
  measure<T>(brokerName: string, send: () => Promise<T>): Promise<T> {
    const { clock } = this.#parts;
    const startedAt = clock.monotonic();
    return send().then(
      (result) => {
        const latency = clock.monotonic() - startedAt;
        this.#latency.update(brokerName, latency, this.#avoidedFor(latency), true);
        return result;
      },
      (error: unknown) => {
        if (isOfTheBroker(error)) {
          const duration = this.#avoidedFor(LATENCY_OF_FAILURE_MS);
          this.#latency.update(brokerName, clock.monotonic() - startedAt, duration, this.#isReachableAfter(error));
        }
        throw error;
      },
    );
  }

  /** By Apache's two tables. @param latency ms @returns ms */
  #avoidedFor(latency: number): number {
    const { latencyMax, notAvailableDuration } = this.#options;
    const row = latencyMax.findLastIndex((least) => latency >= least);
    return row < 0 ? 0 : (notAvailableDuration[row] ?? 0);
  }

  /** As in Java: a broker that answers with an error is not tried again soon; one that does not answer is probed, if that is on. */
  #isReachableAfter(error: unknown): boolean {
    return !(error instanceof ResponseError) && !this.#options.startDetectorEnable;
  }

  async #detect(): Promise<void> {
    await Promise.all(this.#latency.due().map((brokerName) => this.#probe(brokerName)));
  }

  async #probe(brokerName: string): Promise<void> {
    const { routes, brokers, logger } = this.#parts;
    const address = routes.brokerAddress(brokerName);
    const topic = routes.topicOf(brokerName);
    if (address === undefined || topic === undefined) {
      this.#latency.remove(brokerName);
      return;
    }
    const { detectTimeout: timeout } = this.#options;
    try {
      const reply = await brokers.request(address, Requests.GET_MAX_OFFSET, { topic, queueId: 0 }, { timeout });
      if (reply.code === ResponseCode.SUCCESS) this.#latency.reached(brokerName);
    } catch (error) {
      logger.debug?.(`broker ${brokerName} at ${address} does not answer a probe: ${String(error)}`);
    }
  }
}

/** Whether the broker, and not what was asked of it, is at fault. */
function isOfTheBroker(error: unknown): boolean {
  return error instanceof RocketMQError && !(error instanceof MQClientError);
}
