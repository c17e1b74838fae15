// Checks the options of the embedded broker: those of the broker's that an app may set. Numbers and flags the broker checks
// itself.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import type { Duration } from '../message/delay.js';
import { HOURS, checkDuration, checkKeys, checkMethods, checkWhole } from '../option-checks.js';

/** Options of the embedded broker, with Apache's names and defaults where Apache has them. */
export interface EmbeddedOptions extends EmbeddedTimes {
  /** A directory, or 'memory'. Default '.rocketmq'. */
  store?: string;
  /** Where the broker listens, 'host:port'. Default: nowhere. */
  listen?: string | false;
  /** Where its name server listens. Default '127.0.0.1:9876' with `listen`, nowhere without. */
  nameServerListen?: string | false;
  /** 'async': a stored message is in the system's file cache; 'sync': it is on the disk. Default 'async'. */
  flush?: 'async' | 'sync';
  /** For tests: what the broker and the client take for the time. */
  clock?: Clock;
  /** Whether sending to an unknown topic makes it. Default true. */
  autoCreateTopicEnable?: boolean;
  /** Lengths of the delay levels. Default: Apache's 18. */
  messageDelayLevel?: string;
  /** After so many unanswered questions a transaction is given up. Default 15. */
  transactionCheckMax?: number;
  /** Largest body, bytes. Default 4194304. */
  maxMessageSize?: number;
  /** Hours of the day in which files that are old enough go, `;` between several. Default '04'. */
  deleteWhen?: string;
  /** Size of a file of the commit log, bytes. Default 1 GiB, sparse. */
  mappedFileSizeCommitLog?: number;
  brokerName?: string;
  clusterName?: string;
}

interface EmbeddedTimes {
  /** Age at which an undecided transaction is asked after first: ms, or a length. Default '6s'. */
  transactionTimeOut?: Duration;
  /** Time between two rounds of asking after undecided transactions: ms, or a length. Default '30s'. */
  transactionCheckInterval?: Duration;
  /** How long messages are kept. Whole hours: '72h', or ms. Default '72h'. */
  fileReservedTime?: Duration;
}

/** The same as the broker has them: `fileReservedTime` in hours, the others in ms. */
export type CheckedEmbeddedOptions = Omit<EmbeddedOptions, keyof EmbeddedTimes> & {
  [K in keyof EmbeddedTimes]?: number;
};

const EMBEDDED_OPTIONS = [
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
  'transactionCheckInterval',
  'transactionCheckMax',
  'transactionTimeOut',
] as const satisfies readonly (keyof EmbeddedOptions)[];

/** Below the working directory. */
export const DEFAULT_STORE = '.rocketmq';
export const MEMORY_STORE = 'memory';

const CLOCK_METHODS = ['now', 'monotonic', 'setTimeout', 'clearTimeout'] as const satisfies readonly (keyof Clock)[];
const DAY_MS = 86_400_000;
const MOST_HOURS = 876_000;

/** @throws InvalidOptionError for an option that an embedded broker does not have, or that cannot be so */
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
    fileReservedTime: (option, value) => checkWhole(option, value, HOURS, MOST_HOURS),
  };
  const times: Record<string, number> = {};
  for (const [option, check] of Object.entries(checks)) {
    const value = given[option as keyof EmbeddedTimes];
    if (value !== undefined) times[option] = check(`embedded.${option}`, value);
  }
  return times;
}
