// Owns the errors of the wire. Each has a stable code, and a message that says what to do.

export class RocketMQError extends Error {
  /** @param code stable name of the kind of failure, for programs to compare */
  constructor(
    readonly code: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** An option is missing, or has a value that it cannot have. Raised before anything is started or sent. */
export class InvalidOptionError extends RocketMQError {
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
export class NotRunningError extends RocketMQError {
  constructor(
    what: string,
    state: string,
    remedy = 'Call start() before; one that was shut down cannot be used again',
  ) {
    super('NOT_RUNNING', `${what} is ${state}. ${remedy}.`);
  }
}

/** No connection could be made to `address`. */
export class ConnectError extends RocketMQError {
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
export class RequestTimeoutError extends RocketMQError {
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
export class ConnectionClosedError extends RocketMQError {
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
export class FrameError extends RocketMQError {
  constructor(message: string) {
    super('BAD_FRAME', `${message}. Is the peer a RocketMQ remoting client or server?`);
  }
}

/** A header field is missing or is not of its type. */
export class HeaderError extends RocketMQError {
  constructor(message: string) {
    super('BAD_HEADER', message);
  }
}

/** Bytes that are not a message record, a batch or a body of this protocol. */
export class DecodeError extends RocketMQError {
  constructor(message: string) {
    super('BAD_BODY', message);
  }
}

/** What a request asks for cannot be; thrown by a handler, it becomes the answer. */
export class RequestRefusedError extends RocketMQError {
  /** @param responseCode of `ResponseCode` */
  constructor(
    readonly responseCode: number,
    message: string,
  ) {
    super('REQUEST_REFUSED', message);
  }
}

/** The peer answered with a response code other than SUCCESS. */
export class ResponseError extends RocketMQError {
  constructor(
    readonly responseCode: number,
    readonly remark: string | undefined,
    readonly address: string,
    readonly request: string,
  ) {
    super('RESPONSE_CODE', `${address} answered ${request} with code ${responseCode}${remark ? `: ${remark}` : ''}`);
  }
}

const MOST_NAMED = 5;

/** A clock that is turned by hand waited in vain for something under way. */
export class ClockHeldError extends RocketMQError {
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

/** As in '/var/lib/store/file' and 'C:\\store\\file'. */
const PATH = /(?<![\w%-])(?:[A-Za-z]:)?[\\/][^\s'",;:()]*/g;

/**
 * What a peer may be told of an error that was not made for it: never where files lie. What the file system says is in
 * the log of whoever met it.
 */
export function toldToPeer(error: unknown): string {
  const { code, syscall } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  if (syscall !== undefined) return `the server's disk or network refused (${code ?? syscall}): see its log`;
  return describe(error).replace(PATH, '…');
}

/** One line about any thrown value, for messages and logs. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const LONGEST_SHOWN = 200;

/** A value as messages show it: on one line, and not long. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${cut(value)}'`;
  if (typeof value !== 'object' || value === null) return cut(String(value));
  try {
    return cut(JSON.stringify(value));
  } catch {
    // A cycle, or a BigInt within: its kind says enough.
    return Object.prototype.toString.call(value);
  }
}

function cut(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
