// Defines the errors of asking and answering.
import { MQClientError } from '../client-error.js';

/** No reply came in time. Whether somebody has acted on the request is not known. */
export class ReplyTimeoutError extends MQClientError<'REPLY_TIMEOUT'> {
  constructor(
    readonly topic: string,
    /** ms */
    readonly timeout: number,
    readonly correlationId: string,
    /** Whether a broker has confirmed that it stored the request. */
    readonly stored: boolean,
  ) {
    super(
      'REPLY_TIMEOUT',
      `no reply to the request on topic ${topic} came within ${timeout} ms; ` +
        (stored ? 'the broker has stored the request. ' : 'no broker has confirmed the request yet. ') +
        'Check that a consumer of this topic answers (a Nest listener by what it returns, others by ' +
        'producer.replyTo(message, body)), and how long it takes; ' +
        'or raise timeout.',
    );
  }
}

/** More requests wait for their replies in this client than it may hold. Nothing of this one was sent. */
export class TooManyRequestsError extends MQClientError<'TOO_MANY_REQUESTS'> {
  constructor(
    readonly topic: string,
    readonly maxPendingRequests: number,
  ) {
    super(
      'TOO_MANY_REQUESTS',
      `${maxPendingRequests} requests wait for their replies: the one on topic ${topic} was not sent. ` +
        'Await requests before you begin more, shorten their timeout, or raise option maxPendingRequests of the client.',
    );
  }
}

/** The message cannot be replied to: whoever sent it has not asked for a reply. */
export class NotARequestError extends MQClientError<'CREATE_REPLY_MESSAGE'> {
  constructor(
    readonly msgId: string,
    /** The property that is missing. */
    readonly missing: string,
  ) {
    super(
      'CREATE_REPLY_MESSAGE',
      `message ${msgId} has no property ${missing}, so it is no request and cannot be replied to. Ask isRequest(message) ` +
        'before, and let the other side send it by producer.request().',
    );
  }
}

/** No broker could hand the reply to its requester: that client has ended, or has lost its connection. */
export class RequesterGoneError extends MQClientError<'REQUESTER_GONE'> {
  constructor(
    /** Client id of the requester. */
    readonly requester: string,
    readonly correlationId: string,
    options: { cause: unknown },
  ) {
    super(
      'REQUESTER_GONE',
      `the reply ${correlationId} did not reach client ${requester}: it is not connected to the brokers asked. ` +
        'It has ended, and nobody waits for this reply any more; or its broker was restarted just now, and the next try may ' +
        'find it.',
      options,
    );
  }
}
