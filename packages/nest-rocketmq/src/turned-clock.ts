// Settings for a clock that is turned by hand, in tests. Everything is in one process there and nothing gets lost, so what
// the client repeats is done as rarely as the broker allows: else it is most of what half an hour costs.
import type { ClientOptions, PushConsumerOptions } from '@nest-rocketmq/client';
import { systemClock } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';

/** Shorter than the 120 s after which a broker takes a silent client, and its connection, for dead. ms */
const SIGN_OF_LIFE_MS = 100_000;
/** For what only mends what got lost. ms */
const SELDOM_MS = 600_000;
/** Less than the 5 s that Jest gives a hook, in which an app is closed. ms */
const SHUTDOWN_TIMEOUT_MS = 2_000;

export function isTurnedByHand(clock: Clock | undefined): boolean {
  return clock?.busy !== undefined;
}

export const CLIENT_ON_TURNED_CLOCK = {
  pollNameServerInterval: SELDOM_MS,
  heartbeatBrokerInterval: SIGN_OF_LIFE_MS,
  persistConsumerOffsetInterval: SELDOM_MS,
  rebalanceInterval: SELDOM_MS,
} as const satisfies Partial<ClientOptions>;

export const CONSUMER_ON_TURNED_CLOCK = {
  brokerSuspendMaxTimeMillis: SELDOM_MS,
} as const satisfies Partial<PushConsumerOptions>;

export const BROKER_ON_TURNED_CLOCK = {
  maxSuspendTimeMillis: SELDOM_MS,
  registerNameServerPeriod: 60_000,
  cleanResourceInterval: SELDOM_MS,
} as const;

/** Default of `shutdownTimeout`, ms of real time. */
export function defaultShutdownTimeout(clock: Clock | undefined, usual: number): number {
  return isTurnedByHand(clock) ? SHUTDOWN_TIMEOUT_MS : usual;
}

/** Runs `work`, for which a clock that is turned by hand waits. @param atMost ms of real time; default: until its end */
export async function holding<T>(
  clock: Clock | undefined,
  what: string,
  work: () => Promise<T>,
  atMost?: number,
): Promise<T> {
  const ended = clock?.busy?.(what, atMost);
  try {
    return await work();
  } finally {
    ended?.();
  }
}

/** On a clock that stands still a deadline never comes: `stop` is told by a signal, after `deadline` ms of real time. */
export async function inRealTime<T>(
  deadline: number,
  stop: (options: { deadline: number; signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = systemClock.setTimeout(() => late.abort(), deadline);
  try {
    return await stop({ deadline, signal: late.signal });
  } finally {
    systemClock.clearTimeout(timer);
  }
}
