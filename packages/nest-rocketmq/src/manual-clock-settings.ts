// Adapts settings to a manual clock, in tests. All is in one process there and nothing gets lost, so what the client repeats is
// done as rarely as the broker allows: otherwise it would be most of the work of half an hour.
import type {
  ClientOptions,
  LitePullConsumerOptions,
  ProducerOptions,
  PushConsumerOptions,
} from '@nest-rocketmq/client';
import { systemClock } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';

/** Shorter than the time after which the broker forgets a silent client. ms */
const SIGN_OF_LIFE_MS = 43_200_000;
/** For work that only repairs losses. ms */
const SELDOM_MS = 43_200_000;
/** The longest that a consumer that pulls may be held. ms */
const LONGEST_PULL_MS = 3_600_000;
/** Often enough to meet each hour of `deleteWhen`. ms */
const CLEAN_RESOURCE_MS = 3_600_000;
/** The broker's patience with peers that are silent, slow or stuck: in one process there are none. ms */
const LONGEST_LIMIT_MS = 86_400_000;
/** Less than the 5 s that Jest gives the hook that closes an app. ms */
const SHUTDOWN_TIMEOUT_MS = 2_000;

export function isManual(clock: Clock | undefined): boolean {
  return clock?.busy !== undefined;
}

export const CLIENT_ON_MANUAL_CLOCK = {
  pollNameServerInterval: SELDOM_MS,
  heartbeatBrokerInterval: SIGN_OF_LIFE_MS,
  persistConsumerOffsetInterval: SELDOM_MS,
  rebalanceInterval: SELDOM_MS,
  rebalanceLockInterval: SELDOM_MS,
} as const satisfies Partial<ClientOptions>;

export const CONSUMER_ON_MANUAL_CLOCK = {
  brokerSuspendMaxTimeMillis: SELDOM_MS,
} as const satisfies Partial<PushConsumerOptions>;

export const PULL_CONSUMER_ON_MANUAL_CLOCK = {
  brokerSuspendMaxTimeMillis: LONGEST_PULL_MS,
  consumerTimeoutMillisWhenSuspend: LONGEST_PULL_MS,
} as const satisfies Partial<LitePullConsumerOptions>;

/** A send would wait for a clock that waits for the send: it is held for a turn of the event loop only. */
export function autoBatchOnManualClock({
  autoBatch,
}: Pick<ProducerOptions, 'autoBatch'>): Pick<ProducerOptions, 'autoBatch'> {
  if (autoBatch === undefined || autoBatch === false) return {};
  return { autoBatch: { ...(autoBatch === true ? {} : autoBatch), holdMs: 0 } };
}

export const BROKER_ON_MANUAL_CLOCK = {
  maxSuspendTimeMillis: SELDOM_MS,
  channelExpiredTimeout: LONGEST_LIMIT_MS,
  cleanResourceInterval: CLEAN_RESOURCE_MS,
  serverChannelMaxIdleTimeSeconds: LONGEST_LIMIT_MS / 1_000,
  firstFrameTimeout: LONGEST_LIMIT_MS,
  frameTimeout: LONGEST_LIMIT_MS,
  writeTimeout: LONGEST_LIMIT_MS,
} as const;

/** A test has few keys, and each start and stop looks through the index. */
export const SMALL_INDEX = { maxHashSlotNum: 10_000, maxIndexNum: 40_000 } as const;

/** Default of `shutdownTimeout`, ms of real time. */
export function defaultShutdownTimeout(clock: Clock | undefined, usual: number): number {
  return isManual(clock) ? SHUTDOWN_TIMEOUT_MS : usual;
}

/** Default of `idempotency.purgeInterval`, ms. */
export function defaultPurgeInterval(clock: Clock | undefined, usual: number): number {
  return isManual(clock) ? SELDOM_MS : usual;
}

/** Runs `work` while a manual clock waits for it. @param atMost ms of real time; default: until it ends */
export async function withClockHeld<T>(
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

/** Aborts `stop` after `deadline` ms of real time: on a clock that stands still a deadline never comes. */
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
