// Defines how healthy an app's messaging has to be, and what a look at it says.
import type { RocketMQStatus } from '../connection-status.js';
import type { Duration } from '../message/delay.js';
import { checkDuration, checkInteger, checkKeys, inside } from '../option-checks.js';

/** Limits of `RocketMQHealth.check`. */
export interface HealthOptions {
  /** Messages that a group of the app may be behind; more is 'degraded'. Default: no limit. */
  maxLag?: number;
  /** Dead letters that a group may have; more is 'degraded'. Default: no limit. */
  maxDeadLetters?: number;
  /** How long the servers may take to answer, real time: ms, or a length such as '3s'. Default '3s'. */
  timeout?: Duration;
}

/** The state of one consumer group. */
export interface GroupHealth {
  /**
   * Messages that wait for it in its topics, or are being consumed. What a pull consumer has handed out counts as consumed.
   * What other processes of the group have consumed counts once it is stored, every 5 s. Undefined for BROADCASTING.
   */
  readonly lag: number | undefined;
  /** Messages in %DLQ%group. */
  readonly deadLetters: number;
}

/** What `RocketMQHealth.check` found. */
export interface HealthReport {
  /** 'down': no server answers. 'degraded': one does not, or refuses to tell, or a limit is exceeded. */
  readonly status: 'up' | 'degraded' | 'down';
  /** Why it is not 'up'. */
  readonly reasons: readonly string[];
  /** 'embedded', 'cluster', or the name of a backend of the app's own. */
  readonly backend: string;
  readonly connection: RocketMQStatus;
  /** Servers that do not answer, 'host:port'. */
  readonly unreachable: readonly string[];
  /**
   * The groups that consume in this process over this connection, by their names: of listeners, those that answer requests too;
   * of the patterns of a `RocketMQServer` with the app's connection; of pull consumers, and of the template's `receive`.
   */
  readonly groups: Readonly<Record<string, GroupHealth>>;
}

/** The same, checked. */
export interface CheckedHealthOptions {
  readonly maxLag: number;
  readonly maxDeadLetters: number;
  /** ms */
  readonly timeout: number;
}

export const HEALTH_OPTIONS = ['maxLag', 'maxDeadLetters', 'timeout'] as const satisfies (keyof HealthOptions)[];
const DEFAULT_TIMEOUT_MS = 3_000;
const LONGEST_TIMEOUT_MS = 60_000;

/** @param where what the user called, for errors @throws InvalidOptionError */
export function checkHealthOptions(given: HealthOptions, where: string): CheckedHealthOptions {
  return inside(where, undefined, () => {
    checkKeys('options', given, HEALTH_OPTIONS);
    const { maxLag, maxDeadLetters, timeout = DEFAULT_TIMEOUT_MS } = given;
    return {
      maxLag: limit('maxLag', maxLag),
      maxDeadLetters: limit('maxDeadLetters', maxDeadLetters),
      timeout: checkDuration('timeout', timeout, 1, LONGEST_TIMEOUT_MS),
    };
  });
}

function limit(option: string, given: number | undefined): number {
  return given === undefined ? Infinity : checkInteger(option, given, 0, Number.MAX_SAFE_INTEGER);
}
