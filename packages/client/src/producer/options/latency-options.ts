// Defines the options of the choice of brokers by their latency, and checks them.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { integerIn } from '../../config/options.js';

/** Apache's settings of MQFaultStrategy, with Apache's defaults. */
export interface LatencyOptions {
  /**
   * Prefer brokers that answered soon: one that failed, or took long, gets no messages for a while as long as others are there.
   * Default false: then a send only avoids, in its further attempts, the broker that has just failed.
   */
  sendLatencyFaultEnable: boolean;
  /** Probe brokers that failed, so that they count as reachable again before a send tries them. Default false. */
  startDetectorEnable: boolean;
  /** For the answer to a probe, ms. Default 200. */
  detectTimeout: number;
  /** Between two probes of a broker, ms. Default 2000. */
  detectInterval: number;
  /** From which latency on each of `notAvailableDuration` counts, ms, rising. Default 50, 100, 550, 1800, 3000, 5000, 15000. */
  latencyMax: readonly number[];
  /** For how long a broker of such a latency is avoided, ms. Default 0, 0, 2000, 5000, 6000, 10000, 30000. */
  notAvailableDuration: readonly number[];
}

const LATENCY_MAX = [50, 100, 550, 1_800, 3_000, 5_000, 15_000];
const NOT_AVAILABLE_DURATION = [0, 0, 2_000, 5_000, 6_000, 10_000, 30_000];
const LONGEST_MS = 3_600_000;
const MOST_ROWS = 100;

/** @throws InvalidOptionError naming the option */
export function resolveLatencyOptions(given: Partial<LatencyOptions>): LatencyOptions {
  const latencyMax = table('latencyMax', given.latencyMax ?? LATENCY_MAX);
  const notAvailableDuration = table('notAvailableDuration', given.notAvailableDuration ?? NOT_AVAILABLE_DURATION);
  if (latencyMax.length !== notAvailableDuration.length) {
    throw new InvalidOptionError(
      'notAvailableDuration',
      notAvailableDuration,
      `as many values as latencyMax, which has ${latencyMax.length}`,
    );
  }
  if (latencyMax.some((each, index) => index > 0 && each < latencyMax[index - 1]!)) {
    throw new InvalidOptionError('latencyMax', latencyMax, 'rising values (ms)');
  }
  return {
    sendLatencyFaultEnable: flag('sendLatencyFaultEnable', given.sendLatencyFaultEnable),
    startDetectorEnable: flag('startDetectorEnable', given.startDetectorEnable),
    detectTimeout: integerIn('detectTimeout', given.detectTimeout, 200, 1, LONGEST_MS, ' (ms)'),
    detectInterval: integerIn('detectInterval', given.detectInterval, 2_000, 1, LONGEST_MS, ' (ms)'),
    latencyMax,
    notAvailableDuration,
  };
}

function flag(option: string, given: boolean | undefined): boolean {
  if (given === undefined || typeof given === 'boolean') return given ?? false;
  throw new InvalidOptionError(option, given, 'true or false');
}

function table(option: string, given: readonly number[]): readonly number[] {
  const isTable =
    Array.isArray(given) &&
    given.length > 0 &&
    given.length <= MOST_ROWS &&
    given.every((each) => Number.isInteger(each) && each >= 0 && each <= LONGEST_MS);
  if (isTable) return [...given];
  throw new InvalidOptionError(option, given, `1 to ${MOST_ROWS} integers from 0 to ${LONGEST_MS} (ms)`);
}
