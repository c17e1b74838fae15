// Says what a failed send of the relay means: the broker is away, the message waits, or it can never be sent.
import {
  BrokerNotFoundError,
  DelayNotSupportedError,
  DelayTooLongError,
  InvalidMessageError,
  InvalidNameError,
  MessageTooLargeError,
  NameServerUnreachableError,
  NoBrokerError,
  SendFailedError,
  SendSkippedError,
  TooManySendsError,
} from '@nest-rocketmq/client';
import {
  ConnectError,
  ConnectionClosedError,
  InvalidOptionError,
  NotRunningError,
  RequestTimeoutError,
  ResponseCode,
  ResponseError,
} from '@nest-rocketmq/remoting/internal';

/**
 * - 'outage': nothing can be sent now, of any topic.
 * - 'away': the broker of this topic is away or too busy. The attempt does not count: an outage may last for days.
 * - 'refused': it may go well later, when somebody has created the topic or granted the permission. The attempt counts.
 * - 'unsendable': it fails in the same way each time.
 * - 'skipped': it was not tried, since an earlier one of its queue failed or the claim ends soon.
 */
export type FailureKind = 'outage' | 'away' | 'refused' | 'unsendable' | 'skipped';

const UNSENDABLE = [
  InvalidOptionError,
  InvalidNameError,
  InvalidMessageError,
  MessageTooLargeError,
  DelayTooLongError,
  DelayNotSupportedError,
];
const OUTAGE = [NameServerUnreachableError, NoBrokerError, NotRunningError, TooManySendsError];
const AWAY = [BrokerNotFoundError, ConnectError, ConnectionClosedError, RequestTimeoutError];

/** Answers of a broker that is starting, stopping or overloaded. Not SYSTEM_ERROR: brokers answer bad messages with it, too. */
const AWAY_CODES = new Set<number>([
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.GO_AWAY,
  ResponseCode.FLOW_CONTROL,
]);

export function failureKindOf(error: unknown): FailureKind {
  if (error instanceof SendSkippedError) return 'skipped';
  if (isOneOf(error, UNSENDABLE)) return 'unsendable';
  if (isOneOf(error, OUTAGE)) return 'outage';
  if (isOneOf(error, AWAY)) return 'away';
  if (error instanceof SendFailedError) return error.reason === 'refused' ? failureKindOf(error.cause) : 'away';
  if (!(error instanceof ResponseError)) return 'refused';
  if (error.responseCode === ResponseCode.MESSAGE_ILLEGAL) return 'unsendable';
  return AWAY_CODES.has(error.responseCode) ? 'away' : 'refused';
}

type ErrorClass = abstract new (...parameters: never[]) => Error;

function isOneOf(error: unknown, classes: readonly ErrorClass[]): boolean {
  return classes.some((each) => error instanceof each);
}
