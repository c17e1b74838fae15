// Defines the errors of the client. Errors of the protocol (connect, timeout, response code) are remoting's, and are the
// `cause` of these where a call was tried more than once.
import {
  AUTO_CREATE_TOPIC_KEY,
  ConnectionClosedError,
  RequestTimeoutError,
  ResponseCode,
  ResponseError,
  describe,
  shown,
} from '@nest-rocketmq/remoting/internal';
import { MQClientError } from './client-error.js';

export { describe };

/** A topic or group name that RocketMQ does not take. */
export class InvalidNameError extends MQClientError<'INVALID_NAME'> {
  constructor(
    readonly kind: 'topic' | 'group',
    readonly given: unknown,
    reason: string,
  ) {
    super('INVALID_NAME', `the ${kind} name ${shown(given)} ${reason}.`);
  }
}

/** No broker would take the message: no body, a reserved property name, or a batch whose messages do not match. */
export class InvalidMessageError extends MQClientError<'MESSAGE_ILLEGAL'> {
  constructor(reason: string) {
    super('MESSAGE_ILLEGAL', reason);
  }
}

/** The body is larger than the producer's `maxMessageSize`. */
export class MessageTooLargeError extends MQClientError<'MESSAGE_TOO_LARGE'> {
  constructor(
    readonly topic: string,
    /** bytes */
    readonly size: number,
    /** bytes */
    readonly maxMessageSize: number,
  ) {
    super(
      'MESSAGE_TOO_LARGE',
      `the body for topic ${topic} has ${size} bytes and maxMessageSize is ${maxMessageSize}. Send less, ` +
        'keep large content elsewhere and send a reference, or raise maxMessageSize here and at the broker.',
    );
  }
}

/** No name server of the list answered. `causes` holds one error for each address that was tried. */
export class NameServerUnreachableError extends MQClientError<'NAME_SERVER_UNREACHABLE'> {
  constructor(
    readonly addresses: readonly string[],
    readonly causes: readonly unknown[],
  ) {
    super(
      'NAME_SERVER_UNREACHABLE',
      `no name server answers; asked ${addresses.join(', ')}: ${causes.map(describe).join('; ')} ` +
        'Check option nameServer, and that a name server runs there.',
      { cause: causes[0] },
    );
  }
}

/** A server of the list knows no routes: it is a broker. */
export class NotNameServerError extends MQClientError<'NOT_A_NAME_SERVER'> {
  constructor(
    readonly address: string,
    options?: { cause?: unknown },
  ) {
    super(
      'NOT_A_NAME_SERVER',
      `${address} answers, but is no name server: it knows no routes, as a broker does. Set option nameServer to the name ` +
        'server, whose port is usually 9876; 10911 is a broker.',
      options,
    );
  }
}

/** The topic has no route, and brokers do not create topics by themselves. */
export class TopicNotFoundError extends MQClientError<'NOT_FOUND_TOPIC'> {
  constructor(
    readonly topic: string,
    readonly nameServers: readonly string[],
    reason = `has no route, and no broker creates topics automatically (${AUTO_CREATE_TOPIC_KEY} has no route either)`,
    options?: { cause?: unknown },
  ) {
    super(
      'NOT_FOUND_TOPIC',
      `topic ${topic} ${reason}; name servers asked: ${nameServers.join(', ')}. Create it (client.admin.createTopic, ` +
        'or mqadmin updateTopic), or set autoCreateTopicEnable=true at the broker.',
      options,
    );
  }
}

/** The broker that a queue belongs to has no address in the route. */
export class BrokerNotFoundError extends MQClientError<'BROKER_NOT_EXIST'> {
  constructor(
    readonly brokerName: string,
    readonly topic: string,
  ) {
    super(
      'BROKER_NOT_EXIST',
      `broker ${brokerName} of topic ${topic} has no address in the route. Is its master down, or not registered yet?`,
    );
  }
}

/** The name servers know no broker at all. */
export class NoBrokerError extends MQClientError<'NO_BROKER'> {
  constructor(readonly nameServers: readonly string[]) {
    super(
      'NO_BROKER',
      `no broker is registered at ${nameServers.join(', ')}. One that has just been started may need some seconds; ` +
        'else check its namesrvAddr.',
    );
  }
}

/** Why a send failed. */
export type SendFailure = 'unreachable' | 'timeout' | 'connection lost' | 'refused';

/** Every attempt to send failed. `cause` is the error of the last attempt that may have stored the message, else of the last one. */
export class SendFailedError extends MQClientError<'SEND_FAILED'> {
  /**
   * 'unreachable': no connection could be made, and nothing was sent. After 'timeout' and 'connection lost' the message may
   * be stored all the same. 'refused': the broker answered with an error.
   */
  readonly reason: SendFailure;

  constructor(
    readonly topic: string,
    readonly attempts: number,
    /** ms */
    readonly elapsed: number,
    /** The broker of each attempt. */
    readonly brokersTried: readonly string[],
    options: { cause?: unknown; lastFailure?: unknown },
  ) {
    const { cause, lastFailure = cause } = options;
    const reason = sendFailureOf(cause);
    super(
      'SEND_FAILED',
      `sending to topic ${topic} failed after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'} in ${elapsed} ms ` +
        `(brokers: ${[...new Set(brokersTried)].join(', ') || 'none'}), ${REASONS[reason]}: ${describe(cause)}` +
        (lastFailure === cause ? '' : ` Last attempt: ${describe(lastFailure)}`),
      { cause },
    );
    this.reason = reason;
  }
}

const REASONS: Record<SendFailure, string> = {
  unreachable: 'no broker could be reached and nothing was sent',
  timeout: 'no answer came in time and the message may be stored',
  'connection lost': 'the connection was lost and the message may be stored',
  refused: 'the broker refused it',
};

function sendFailureOf(cause: unknown): SendFailure {
  if (cause instanceof RequestTimeoutError) return 'timeout';
  if (cause instanceof ConnectionClosedError) return 'connection lost';
  return cause instanceof ResponseError ? 'refused' : 'unreachable';
}

/** More sends wait for their turn in this client than it may hold. Nothing of this one was sent. */
export class TooManySendsError extends MQClientError<'TOO_MUCH_REQUEST'> {
  constructor(
    readonly underWay: number,
    readonly waiting: number,
    /** bytes */
    readonly waitingBytes: number,
    limits: { readonly maxWaitingSends: number; readonly maxWaitingSendSize: number },
  ) {
    super(
      'TOO_MUCH_REQUEST',
      `${underWay} sends are under way, and ${waiting} (${waitingBytes} bytes) wait for their turn: this one was not sent. ` +
        `maxWaitingSends is ${limits.maxWaitingSends}, maxWaitingSendSize is ${limits.maxWaitingSendSize} bytes. ` +
        'Await sends before you begin more, or raise these options of the client.',
    );
  }
}

/** A broker does not take a condition in SQL92: that filter is switched off there, or the condition is wrong. */
export class SubscriptionRefusedError extends MQClientError<'SUBSCRIPTION_REFUSED'> {
  constructor(
    readonly group: string,
    readonly topic: string,
    readonly expression: string,
    options: { cause: unknown },
  ) {
    const { cause } = options;
    const isWrong = cause instanceof ResponseError && cause.responseCode === ResponseCode.SUBSCRIPTION_PARSE_FAILED;
    const remedy = isWrong
      ? 'Correct the condition; the README of nest-rocketmq shows what may stand in one.'
      : 'Set enablePropertyFilter=true on the broker, or filter by tags.';
    super(
      'SUBSCRIPTION_REFUSED',
      `the broker refuses the SQL92 condition of group ${group} on topic ${topic}, '${expression}': ` +
        `${describe(cause).replace(/\.$/, '')}. ${remedy}`,
      options,
    );
  }
}

/** A second producer or consumer of the same group in one client. */
export class GroupInUseError extends MQClientError<'GROUP_IN_USE'> {
  constructor(
    readonly kind: 'producer' | 'consumer',
    readonly group: string,
  ) {
    super(
      'GROUP_IN_USE',
      `a ${kind} of group ${group} is already started in this client. Use another group or client.`,
    );
  }
}

/** A message is to be delivered later than the producer's `maxDelay` allows. Nothing was sent. */
export class DelayTooLongError extends MQClientError<'DELAY_TOO_LONG'> {
  constructor(
    readonly topic: string,
    /** ms */
    readonly delay: number,
    /** ms */
    readonly maxDelay: number,
  ) {
    super(
      'DELAY_TOO_LONG',
      `the delay of a message for topic ${topic} is ${delay} ms and maxDelay is ${maxDelay} ms. Send it later, or raise ` +
        'maxDelay here and timerMaxDelaySec at the broker.',
    );
  }
}

/** The broker delays by levels only (Apache 4.x), and none of them has this length. Nothing was sent. */
export class DelayNotSupportedError extends MQClientError<'DELAY_NOT_SUPPORTED'> {
  constructor(
    readonly topic: string,
    /** ms */
    readonly delay: number,
    readonly brokerName: string,
    /** The two nearest levels, as the broker's messageDelayLevel names them. */
    readonly nearest: readonly string[],
  ) {
    super(
      'DELAY_NOT_SUPPORTED',
      `a delay of ${delay} ms for topic ${topic} is not possible: broker ${brokerName} is of a version before 5.0, which ` +
        `knows fixed levels only. Nearest are ${nearest.join(' and ')}: use one of them, add a level to its ` +
        'messageDelayLevel, or use brokers of 5.0 or later.',
    );
  }
}

/**
 * Why a message could not be recalled. 'too late': it was due already. 'unknown': the broker has no such message pending,
 * or it was recalled before. 'foreign': the handle is no recall handle, or one of another topic or of no broker here.
 * 'not enabled': the broker takes no recalls.
 */
export type RecallFailure = 'too late' | 'unknown' | 'foreign' | 'not enabled';

/** The message was not recalled. */
export class RecallFailedError extends MQClientError<'RECALL_FAILED'> {
  constructor(
    readonly topic: string,
    readonly recallHandle: string,
    readonly reason: RecallFailure,
    detail: string,
    options?: { cause?: unknown },
  ) {
    super('RECALL_FAILED', `a message for topic ${topic} was not recalled, ${reason}: ${detail}.`, options);
  }
}

/** The half message is stored, but a copy of it may be lost: it was rolled back, and nothing of it is delivered. */
export class TransactionNotBegunError extends MQClientError<'TRANSACTION_NOT_BEGUN'> {
  constructor(
    readonly topic: string,
    readonly transactionId: string,
    readonly sendStatus: string,
  ) {
    super(
      'TRANSACTION_NOT_BEGUN',
      `transaction ${transactionId} on topic ${topic} was rolled back: its half message is stored with ${sendStatus}. ` +
        "Begin a new one; look at the broker's disk and replicas.",
    );
  }
}

/** A transaction is to be committed that was rolled back, or the other way round. */
export class TransactionEndedError extends MQClientError<'TRANSACTION_ENDED'> {
  constructor(
    readonly transactionId: string,
    readonly state: string,
  ) {
    super('TRANSACTION_ENDED', `transaction ${transactionId} has ended with ${state} already. End each once.`);
  }
}
