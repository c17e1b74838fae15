// Defines the base of all errors of these packages, and the errors of the protocol and of options.
import { brand, isInstanceOf } from './both-formats.js';

/** Base of every error of these packages. docs/errors.md lists them all. */
export class RocketMQError<Code extends string = string> extends Error {
  /** `instanceof` holds for errors of the packages' other module format, too, should a process load both. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isInstanceOf(this, RocketMQError, value);
  }

  /**
   * @param code stable name of the kind of failure, for programs to compare
   * @param message what happened, and what to do about it
   */
  constructor(
    readonly code: Code,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}
brand(RocketMQError);

/** An option is missing, or has a value that it cannot have. Raised before anything is started or sent. */
export class InvalidOptionError extends RocketMQError<'INVALID_OPTION'> {
  /**
   * @param option its name; within an object, its path: 'embedded.listen'
   * @param given what was given
   * @param allowed what would have been right, in words
   * @param where whose option it is: 'RocketMQTemplate.send'
   */
  constructor(
    readonly option: string,
    readonly given: unknown,
    readonly allowed: string,
    readonly where?: string,
    options?: { cause?: unknown },
  ) {
    const whose = where === undefined ? '' : ` of ${where}`;
    super('INVALID_OPTION', `option ${option}${whose} is ${shown(given)}; allowed: ${allowed}.`, options);
  }
}

/** A call on something that was not started yet, or is shut down. */
export class NotRunningError extends RocketMQError<'NOT_RUNNING'> {
  constructor(
    what: string,
    state: string,
    remedy = 'Call start() before; one that was shut down cannot be used again',
  ) {
    super('NOT_RUNNING', `${what} is ${state}. ${remedy}.`);
  }
}

/** No connection could be made to `address`. */
export class ConnectError extends RocketMQError<'CONNECT_FAILED'> {
  constructor(
    readonly address: string,
    reason: string,
    options?: { cause?: unknown },
  ) {
    super(
      'CONNECT_FAILED',
      `cannot connect to ${address}: ${reason}. Check that a RocketMQ server listens there.`,
      options,
    );
  }
}

/** The peer did not answer within the time allowed. The request may or may not have been carried out. */
export class RequestTimeoutError extends RocketMQError<'REQUEST_TIMEOUT'> {
  constructor(
    readonly address: string,
    readonly request: string,
    /** ms */
    readonly timeout: number,
  ) {
    super(
      'REQUEST_TIMEOUT',
      `${address} did not answer ${request} within ${timeout} ms. Raise the timeout, or look at that server's load.`,
    );
  }
}

/** The connection ended before the answer came. The request may or may not have been carried out. */
export class ConnectionClosedError extends RocketMQError<'CONNECTION_CLOSED'> {
  constructor(
    readonly address: string,
    /** in words */
    readonly reason: string,
    options?: { cause?: unknown },
  ) {
    super(
      'CONNECTION_CLOSED',
      `the connection to ${address} is closed: ${reason}. Send again: it is dialled anew.`,
      options,
    );
  }
}

/** Bytes that are not a frame of this protocol; the connection they came on is of no further use. */
export class FrameError extends RocketMQError<'BAD_FRAME'> {
  constructor(message: string) {
    super('BAD_FRAME', `${message}. Is the peer a RocketMQ remoting client or server?`);
  }
}

/**
 * A header field is missing or is not of its type. The message is what the peer is answered, in Apache's words, and so
 * names the field only: the remedy is to send it as the request's row in requests/ has it.
 */
export class HeaderError extends RocketMQError<'BAD_HEADER'> {
  constructor(message: string) {
    super('BAD_HEADER', message);
  }
}

/** Bytes that are not a message record, a batch or a body of this protocol. */
export class DecodeError extends RocketMQError<'BAD_BODY'> {
  constructor(message: string) {
    super('BAD_BODY', `${message}. Was it written by a RocketMQ client or broker, and is all of it there?`);
  }
}

/** A request cannot be carried out. Thrown by a handler, its code and message become the answer to the peer. */
export class RequestRefusedError extends RocketMQError<'REQUEST_REFUSED'> {
  /** @param responseCode of `ResponseCode` */
  constructor(
    readonly responseCode: number,
    message: string,
  ) {
    super('REQUEST_REFUSED', message);
  }
}

/** The peer answered with a response code other than SUCCESS. */
export class ResponseError extends RocketMQError<'RESPONSE_CODE'> {
  constructor(
    readonly responseCode: number,
    readonly remark: string | undefined,
    readonly address: string,
    readonly request: string,
  ) {
    const reason = remark ? `: ${remark}` : '. It gives no reason; look at its log.';
    super('RESPONSE_CODE', `${address} answered ${request} with code ${responseCode}${reason}`);
  }
}

/** An address is not written as HOST:PORT. */
export class AddressError extends RocketMQError<'BAD_ADDRESS'> {
  /** @param where it was given, in words */
  constructor(given: string, where: string) {
    super(
      'BAD_ADDRESS',
      `${where} must be HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:9876; given: '${given}'`,
    );
  }
}

/** A server cannot listen: the port is taken, or the host is not an address of this machine. */
export class ListenError extends RocketMQError<'LISTEN_FAILED'> {
  constructor(host: string, port: number, cause: NodeJS.ErrnoException) {
    const why = cause.code === 'EADDRINUSE' ? 'another process listens there' : cause.message;
    super('LISTEN_FAILED', `cannot listen on ${host}:${port}: ${why}. Give another address, or end that process.`, {
      cause,
    });
  }
}

const MOST_NAMED = 5;

/** A clock that a test turns waited in vain for work under way to end. */
export class ClockHeldError extends RocketMQError<'CLOCK_HELD'> {
  /**
   * @param work what has not ended
   * @param waited ms of real time
   */
  constructor(
    readonly work: readonly string[],
    waited: number,
  ) {
    const more = work.length > MOST_NAMED ? ` and ${work.length - MOST_NAMED} more` : '';
    super(
      'CLOCK_HELD',
      `the clock has waited ${waited} ms for ${work.slice(0, MOST_NAMED).join(', ')}${more} to end before it is turned further. ` +
        'If it only takes long, give it more time: advance(time, { timeout: 60_000 }). ' +
        'If it is meant to hang, or waits for this clock: advance(time, { wait: false }).',
    );
  }
}

/** The codes of the errors of this package. */
export type RemotingErrorCode = (
  | InvalidOptionError
  | NotRunningError
  | ConnectError
  | RequestTimeoutError
  | ConnectionClosedError
  | FrameError
  | HeaderError
  | DecodeError
  | RequestRefusedError
  | ResponseError
  | AddressError
  | ListenError
  | ClockHeldError
)['code'];

/** As in '/var/lib/store/file' and 'C:\\store\\file'. */
const PATH = /(?<![\w%-])(?:[A-Za-z]:)?[\\/][^\s'",;:()]*/g;

/**
 * The part of an error's message that a peer may see: never the paths of files. The full message is in the log of this
 * process.
 */
export function toldToPeer(error: unknown): string {
  const { code, syscall } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  if (syscall !== undefined) return `the server's disk or network refused (${code ?? syscall}): see its log`;
  return describe(error).replace(PATH, '…');
}

/** Says in words what was thrown, for messages and logs. Never throws, whatever it is given. */
export function describe(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    // It has no text: an object without a prototype, or one whose `toString` throws.
    return Object.prototype.toString.call(error);
  }
}

const LONGEST_SHOWN = 200;

/** Formats a value for a message: on one line, and shortened. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${cut(value)}'`;
  if (typeof value !== 'object' || value === null) return cut(String(value));
  try {
    return cut(JSON.stringify(value));
  } catch {
    // It has a cycle or a BigInt in it: its type must do.
    return Object.prototype.toString.call(value);
  }
}

function cut(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
