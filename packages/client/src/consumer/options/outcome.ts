// Says what becomes of one message: consumed, delivered again and when, or a dead letter and why.
import { InvalidOptionError, describe, milliseconds } from '@nest-rocketmq/remoting/internal';
import type { Duration } from '@nest-rocketmq/remoting/internal';

/** Equal in both module formats, should one process load both. */
const BRAND = Symbol.for('nest-rocketmq.outcome');
/** Apache's table can have more levels than its own 18; no cluster has this many. */
const HIGHEST_LEVEL = 1_000;
/** A retry further away than this is a mistake. */
const LONGEST_DELAY_MS = 365 * 86_400_000;
const LONGEST_SUSPEND_MS = 86_400_000;
const MOST_REASON_CHARACTERS = 1_000;

/** What a listener may say of a message. */
export type OutcomeKind = 'ack' | 'retry' | 'deadLetter' | 'suspend';

interface OutcomeDetails {
  readonly delay?: number;
  readonly level?: number;
  readonly reason?: string;
  readonly cause?: unknown;
  readonly isUntried?: boolean;
}

/**
 * What becomes of a message. A listener returns one for all messages of its call, or a list with one for each; it may also
 * throw one, which says the same.
 */
export class Outcome {
  /** @internal */
  readonly [BRAND] = true;
  /** How long until it is delivered again, ms; undefined: the group's usual pause. */
  readonly delay: number | undefined;
  /** The delay level until it is delivered again; undefined: none was named. */
  readonly level: number | undefined;
  /** Why it is a dead letter; at most 1000 characters. */
  readonly reason: string | undefined;
  /** The error that led to it, for hooks. After the last try its text is the reason of the dead letter. */
  readonly cause: unknown;
  /** Whether it is `Outcome.untried`, also that of the package's other module format. */
  readonly isUntried: boolean;

  private constructor(
    readonly kind: OutcomeKind,
    { delay, level, reason, cause, isUntried = false }: OutcomeDetails = {},
  ) {
    this.delay = delay;
    this.level = level;
    this.reason = reason;
    this.cause = cause;
    this.isUntried = isUntried;
  }

  /** The message is consumed. */
  static readonly ack = new Outcome('ack');
  /** Of a list, where order is kept: not tried, since a message before it failed. It comes again, and no delivery is counted. */
  static readonly untried = new Outcome('retry', { delay: 0, isUntried: true });
  /** The message failed, as by a throw: it is delivered again after the group's usual pause. */
  static readonly retry = new Outcome('retry');

  /**
   * The message failed, and is delivered again after `delay`: ms, a length such as '30s', or a level of the cluster's table.
   * Brokers before 5.0 have only levels, and get the nearest one. ORDERLY and KEY_ORDERED try it again in its place.
   * It counts as a delivery: beyond `maxReconsumeTimes` the message goes to the dead letters instead.
   * @throws InvalidOptionError
   */
  static retryLater(delay: Duration | { level: number }): Outcome {
    if (typeof delay === 'object' && delay !== null) return new Outcome('retry', { level: levelOf(delay.level) });
    return new Outcome('retry', { delay: lengthOf('delay', delay, LONGEST_DELAY_MS) });
  }

  /**
   * The message goes to %DLQ%group at once. The reason stands in its property DLQ_REASON.
   * @param reason what is longer than 1000 characters is cut off; an empty one is none
   */
  static toDeadLetter(reason?: string): Outcome {
    const printable = reason === undefined ? '' : printableReason(String(reason));
    return new Outcome('deadLetter', printable === '' ? {} : { reason: printable });
  }

  /**
   * ORDERLY and KEY_ORDERED: the message failed, and it and what comes after it are tried again in their place after this
   * time, at most a day: ms, or a length such as '5s'. Elsewhere it is the same as `retryLater`.
   * @throws InvalidOptionError
   */
  static suspend(time: Duration): Outcome {
    return new Outcome('suspend', { delay: lengthOf('time', time, LONGEST_SUSPEND_MS) });
  }

  /** The same, and the error that led to it: hooks are told. */
  because(cause: unknown): Outcome {
    const { kind, delay, level, reason, isUntried } = this;
    return new Outcome(kind, {
      cause,
      isUntried,
      ...(delay !== undefined && { delay }),
      ...(level !== undefined && { level }),
      ...(reason !== undefined && { reason }),
    });
  }

  /** What it becomes after the last try: a dead letter with the error's text as its reason; itself if no error is known. @internal */
  givenUp(): Outcome {
    if (this.kind === 'deadLetter' || this.cause === undefined) return this;
    return Outcome.toDeadLetter(describe(this.cause) || nameOf(this.cause)).because(this.cause);
  }

  /** Whether it is an Outcome, also one of the package's other module format. */
  static is(value: unknown): value is Outcome {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

function lengthOf(option: string, given: unknown, longest: number): number {
  const length = milliseconds(given);
  if (length !== undefined && length <= longest) return Math.ceil(length);
  throw new InvalidOptionError(option, given, `ms from 0 to ${longest}, or a length such as '30s'`);
}

function levelOf(given: unknown): number {
  if (Number.isInteger(given) && (given as number) >= 1 && (given as number) <= HIGHEST_LEVEL) return given as number;
  throw new InvalidOptionError('level', given, 'a level of the delay table, from 1 on');
}

/** Of an error that has no message. */
function nameOf(cause: unknown): string | undefined {
  return cause instanceof Error ? cause.name : undefined;
}

/** Characters below space separate properties on the wire. */
function printableReason(reason: string): string {
  // oxlint-disable-next-line no-control-regex -- these very characters
  const clean = reason.replace(/[\u0000-\u001f]+/g, ' ');
  return clean.length > MOST_REASON_CHARACTERS ? `${clean.slice(0, MOST_REASON_CHARACTERS - 1)}…` : clean;
}
