// Owns the client's own errors. Errors of the wire (connect, timeout, response code) are remoting's, and stand as the
// `cause` of these where a call was tried more than once.
import {
  AUTO_CREATE_TOPIC_KEY,
  ConnectionClosedError,
  RequestTimeoutError,
  ResponseError,
  RocketMQError,
  describe,
  shown,
} from '@nest-rocketmq/remoting/internal';

export { describe };

/** Base of the errors that the client itself raises. `code` is stable, and is Apache's name where it has one. */
export class MQClientError extends RocketMQError {}

/** A topic or group name that RocketMQ does not take. */
export class InvalidNameError extends MQClientError {
  constructor(
    readonly kind: 'topic' | 'group',
    readonly given: unknown,
    reason: string,
  ) {
    super('INVALID_NAME', `the ${kind} name ${shown(given)} ${reason}.`);
  }
}

/** A message that no broker would take: no body, a reserved property name, or members of a batch that do not match. */
export class InvalidMessageError extends MQClientError {
  constructor(reason: string) {
    super('MESSAGE_ILLEGAL', reason);
  }
}

/** The body is larger than the producer's `maxMessageSize`. */
export class MessageTooLargeError extends MQClientError {
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
export class NameServerUnreachableError extends MQClientError {
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

/** The topic has no route, and brokers do not create topics by themselves. */
export class TopicNotFoundError extends MQClientError {
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
export class BrokerNotFoundError extends MQClientError {
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
export class NoBrokerError extends MQClientError {
  constructor(readonly nameServers: readonly string[]) {
    super(
      'NO_BROKER',
      `no broker is registered at ${nameServers.join(', ')}. One that has just been started may need some seconds; ` +
        'else check its namesrvAddr.',
    );
  }
}

/** Why a send failed: what its last attempt met. */
export type SendFailure = 'unreachable' | 'timeout' | 'connection lost' | 'refused';

/** Every attempt to send failed. `cause` is the error of the last attempt that may have stored the message, else of the last one. */
export class SendFailedError extends MQClientError {
  /**
   * 'unreachable': no connection came about, and nothing was sent. After 'timeout' and 'connection lost' the message may
   * be stored all the same. 'refused': the broker answered by an error.
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
export class TooManySendsError extends MQClientError {
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

/** A broker does not take a condition in SQL92: it has no such filter, or does not understand it. */
export class SubscriptionRefusedError extends MQClientError {
  constructor(
    readonly group: string,
    readonly topic: string,
    readonly expression: string,
    options: { cause: unknown },
  ) {
    super(
      'SUBSCRIPTION_REFUSED',
      `the broker refuses the SQL92 condition of group ${group} on topic ${topic}, '${expression}': ` +
        `${describe(options.cause).replace(/\.$/, '')}. Filter by tags, or use an Apache broker with enablePropertyFilter=true.`,
      options,
    );
  }
}

/** A second producer or consumer of the same group in one client. */
export class GroupInUseError extends MQClientError {
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
