// Checks the options of the embedded broker. Numbers and flags are checked by the broker itself.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import type { Duration } from '../message/delay.js';
import { HOURS, SECONDS, checkDuration, checkKeys, checkMethods, checkWhole } from '../option-checks.js';

/** Options of the embedded broker, with Apache's names and defaults where Apache has them. */
export interface EmbeddedOptions extends EmbeddedTimes {
  /** A directory, or 'memory'. Default '.rocketmq' in the working directory. */
  store?: string;
  /** Where the broker listens, 'host:port'. Default: it does not listen. */
  listen?: string | false;
  /** Where its name server listens, 'host:port'. Default '127.0.0.1:9876' with `listen`; without, it does not listen. */
  nameServerListen?: string | false;
  /**
   * When a send is answered. 'async': the message is in the operating system's file cache; 'sync': it is on the disk.
   * Default 'async'.
   */
  flush?: 'async' | 'sync';
  /** The clock of the broker and the client, for tests. Default: the machine's. */
  clock?: Clock;
  /** Whether sending to an unknown topic creates it. Default true. */
  autoCreateTopicEnable?: boolean;
  /** Whether the trace topic, RMQ_SYS_TRACE_TOPIC, exists from the start. Default false: the first trace makes it. */
  traceTopicEnable?: boolean;
  /** The delays of the levels, such as '1s 5s 10s'. Default: Apache's 18 levels, from 1s to 2h. */
  messageDelayLevel?: string;
  /** How often an undecided transaction is checked before the broker gives it up. Default 15. */
  transactionCheckMax?: number;
  /** Largest body, bytes. Default 4194304 (4 MiB). */
  maxMessageSize?: number;
  /** The hours of the day in which expired files are deleted, '04' or '04;16'. Default '04'. */
  deleteWhen?: string;
  /** Size of each commit log file, bytes; the files are sparse. Default 1073741824 (1 GiB). */
  mappedFileSizeCommitLog?: number;
  /** The broker's name in routes. Default 'broker-a'. */
  brokerName?: string;
  /** The cluster's name in routes. Default 'DefaultCluster'. */
  clusterName?: string;
  /** The testing kit's. @internal */
  [TESTING_HOOKS]?: TestingHooks;
}

/** The key of the testing kit's own option. In the global registry, so that both module formats know it. */
export const TESTING_HOOKS: unique symbol = Symbol.for('nest-rocketmq:testing-hooks');

/** What the testing kit is told. @internal */
export interface TestingHooks {
  /** Starts the broker that the test sees. */
  startBroker(options: object): Promise<{ stop(): Promise<void> }>;
  /** The app has made its backend. */
  attached(backend: { restart(): Promise<void> }): void;
  /** The app has made its RocketMQListeners. */
  adopt(listeners: object): void;
  /** The app has work that waits outside of the broker. */
  watch(work: WatchedWork): void;
  /** The app begins to start: all its RocketMQListeners are made. */
  starting(): void;
  /** The app begins to close. */
  closing(): void;
}

/** What the app waits for in a database, where the clock of a test sees nothing of it. */
export interface WatchedWork {
  /** A number that grows with each thing that is expected; 0 when there is none that has not been found. */
  readonly expecting: number;
  /** Looks for it now, and has the clock wait meanwhile. */
  look(): void;
}

interface EmbeddedTimes {
  /** How old an undecided transaction is when it is first checked: ms, or '6s'. Default '6s'. */
  transactionTimeOut?: Duration;
  /** Time between two rounds of transaction checks: ms, or '30s'. Default '30s'. */
  transactionCheckInterval?: Duration;
  /**
   * The longest delay of a message, in whole seconds: '3d', or ms; at most '13d'. Default: the module's `producer.maxDelay`,
   * and '3d' without.
   */
  timerMaxDelaySec?: Duration;
  /** How long messages are kept, in whole hours: '72h', or ms. Default '72h'. */
  fileReservedTime?: Duration;
}

/** The options as the broker takes them: `fileReservedTime` in hours, `timerMaxDelaySec` in seconds, other times in ms. */
export type CheckedEmbeddedOptions = Omit<EmbeddedOptions, keyof EmbeddedTimes> & {
  [K in keyof EmbeddedTimes]?: number;
};

export const EMBEDDED_OPTIONS = [
  'autoCreateTopicEnable',
  'brokerName',
  'clock',
  'clusterName',
  'deleteWhen',
  'fileReservedTime',
  'flush',
  'listen',
  'mappedFileSizeCommitLog',
  'maxMessageSize',
  'messageDelayLevel',
  'nameServerListen',
  'store',
  'timerMaxDelaySec',
  'traceTopicEnable',
  'transactionCheckInterval',
  'transactionCheckMax',
  'transactionTimeOut',
] as const satisfies readonly (keyof EmbeddedOptions)[];

/** In the working directory. */
export const DEFAULT_STORE = '.rocketmq';
export const MEMORY_STORE = 'memory';

const CLOCK_METHODS = ['now', 'monotonic', 'setTimeout', 'clearTimeout'] as const satisfies readonly (keyof Clock)[];
const DAY_MS = 86_400_000;
const MOST_HOURS = 876_000;
/** Apache's timer wheel reaches no further: 13 days. */
export const MOST_DELAY_SECONDS = 1_123_200;

/** @throws InvalidOptionError for an unknown option or a wrong value */
export function checkEmbedded(given: EmbeddedOptions): CheckedEmbeddedOptions {
  checkKeys('embedded', given, EMBEDDED_OPTIONS);
  const { store = DEFAULT_STORE, clock, listen, nameServerListen } = given;
  if (typeof store !== 'string' || store.trim() === '') {
    throw new InvalidOptionError('embedded.store', store, `a directory, or '${MEMORY_STORE}'`);
  }
  if (clock !== undefined) checkMethods('embedded.clock', clock, CLOCK_METHODS);
  if (nameServerListen && !listen) {
    const allowed =
      'together with embedded.listen: a name server alone would send clients to a broker that does not listen';
    throw new InvalidOptionError('embedded.nameServerListen', nameServerListen, allowed);
  }
  return { ...given, ...timesOf(given) } as CheckedEmbeddedOptions;
}

function timesOf(given: EmbeddedTimes): Record<string, number> {
  const checks: { [K in keyof EmbeddedTimes]-?: (option: string, value: unknown) => number } = {
    transactionTimeOut: (option, value) => checkDuration(option, value, 0, DAY_MS),
    transactionCheckInterval: (option, value) => checkDuration(option, value, 100, DAY_MS),
    timerMaxDelaySec: (option, value) => checkWhole(option, value, SECONDS, MOST_DELAY_SECONDS),
    fileReservedTime: (option, value) => checkWhole(option, value, HOURS, MOST_HOURS),
  };
  const times: Record<string, number> = {};
  for (const [option, check] of Object.entries(checks)) {
    const value = given[option as keyof EmbeddedTimes];
    if (value !== undefined) times[option] = check(`embedded.${option}`, value);
  }
  return times;
}
