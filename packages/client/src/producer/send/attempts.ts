// Plans the attempts of one send to any queue: how many, at which brokers, with which pauses.
import {
  ConnectionClosedError,
  RequestTimeoutError,
  ResponseCode,
  ResponseError,
} from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import { isUnreached } from '../../time/backoff.js';
import type { Backoff } from '../../time/backoff.js';

/** Answers of a broker that is starting, stopping or overloaded: it may succeed a little later. */
const PASSING_CODES = new Set<number>([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.GO_AWAY,
]);

/** The part of the remaining time that the remaining pauses take together. */
const SHARE_OF_PAUSES = 0.7;
/** The shortest pause, so that the first of many attempts do not follow each other at once. */
const MOST_DOUBLINGS = 5;
const LONGEST_PAUSE_MS = 5_000;

const NONE: ReadonlySet<string> = new Set();

export class Attempts {
  /** The broker of each attempt. */
  readonly tried: string[] = [];
  /** The error of the last attempt that may have stored the message, else of the last one. */
  failure: unknown;
  lastFailure: unknown;
  readonly #backoff: Backoff;
  readonly #retries: number;
  /** Brokers that have failed since the last pause. */
  #failed: ReadonlySet<string> = NONE;
  /** Attempts that may have reached a broker. */
  #counted = 0;
  #redialled = false;

  /** @param retries attempts after the first; dialling a broker that cannot be reached does not count */
  constructor(backoff: Backoff, retries: number) {
    this.#backoff = backoff;
    this.#retries = retries;
  }

  /** Further attempts that may reach a broker. */
  get left(): number {
    return this.#retries - this.#counted;
  }

  /** The queues of brokers that have not failed yet; all of them when every broker has. */
  candidates(queues: readonly MessageQueue[]): readonly MessageQueue[] {
    if (this.#failed.size === 0) return queues;
    const others = queues.filter(({ brokerName }) => !this.#failed.has(brokerName));
    return others.length > 0 ? others : queues;
  }

  /**
   * After an attempt that failed with `failure`: waits until the next one may be made.
   * @returns false when there is none
   */
  async goOn(failure: unknown, queues: readonly MessageQueue[]): Promise<boolean> {
    this.lastFailure = failure;
    if (mayBeStored(failure) || !mayBeStored(this.failure)) this.failure = failure;
    if (this.#retries === 0 || this.#backoff.over) return false;
    if (!isUnreached(failure) && this.#counted++ >= this.#retries) return false;
    this.#failed = new Set([...this.#failed, this.tried.at(-1)!]);
    if (queues.some(({ brokerName }) => !this.#failed.has(brokerName))) return !this.#backoff.over;
    this.#failed = NONE;
    return this.#pause(failure);
  }

  #pause(failure: unknown): Promise<boolean> | boolean {
    if (isUnreached(failure)) return this.#backoff.pause();
    // A connection that ended is dialled anew at once: only that one may have been at fault.
    const ended = failure instanceof ConnectionClosedError && this.#redialled;
    this.#redialled ||= failure instanceof ConnectionClosedError;
    const passing = failure instanceof ResponseError && PASSING_CODES.has(failure.responseCode);
    return ended || passing ? this.#backoff.pause(this.#share()) : !this.#backoff.over;
  }

  /** Each pause is about twice as long as the one before, and the last attempt has time. ms */
  #share(): number {
    const doublings = Math.min(this.left + 1, MOST_DOUBLINGS);
    return Math.min((SHARE_OF_PAUSES * this.#backoff.left) / (2 ** doublings - 1), LONGEST_PAUSE_MS);
  }
}

function mayBeStored(failure: unknown): boolean {
  return failure instanceof ConnectionClosedError || failure instanceof RequestTimeoutError;
}
