// Sends requests to a peer and matches their answers, and hands the peer's requests to the handlers. Both ends use it.
import type { Duplex } from 'node:stream';
import type { Clock } from '../time/clock.js';
import { NO_BODY, ONEWAY_FLAG, RESPONSE_FLAG, isResponse } from '../frame/command.js';
import type { RemotingCommand, SerializeType } from '../frame/command.js';
import { ConnectionClosedError, FrameError } from '../errors.js';
import { FlowControl } from './flow-control.js';
import type { ConnectionBounds } from './flow-control.js';
import {
  BINARY_TYPE,
  FRAME_HEAD,
  JSON_TYPE,
  decodeFrame,
  encodeFrame,
  encodeFrameInParts,
  leadingCode,
} from '../frame/frame.js';
import type { FrameLimits } from '../frame/frame.js';
import { BINARY_FLAG_AT, BINARY_OPAQUE_AT, BINARY_REMARK_AT, fitsBinaryHeader } from '../frame/header-binary.js';
import { formatAddress, packHost } from './host.js';
import { readInt } from '../frame/bytes.js';
import { plainLog } from './log-throttle.js';
import type { EventLog } from './log-throttle.js';
import { printable } from '../logger.js';
import type { Logger } from '../logger.js';
import { PeerLiveness } from './peer-liveness.js';
import { PendingRequests } from './pending-requests.js';
import type { Reply, ReplyReceiver } from './pending-requests.js';
import type { Answer, HeaderOf, RequestRow } from '../requests/request.js';
import { DEFAULT_REQUEST_TIMEOUT_MS, answerCommand, requestCommand } from './request-command.js';
import type { RequestOptions } from './request-command.js';
import type { SendMemory } from './send-memory.js';

/** For the hot path: gets the frame before anything is decoded, or the command where its header is JSON. */
export interface RawHandler {
  /** One whole frame with a binary header, its 4 length bytes included, is in `bytes` from `start` to `end`. */
  binary(bytes: Buffer, start: number, end: number, connection: Connection): void;
  /**
   * @param frame one whole frame whose JSON header begins with its code
   * @returns false to have it decoded, and `command` called
   */
  json?(frame: Buffer, connection: Connection): boolean;
  command(command: RemotingCommand, connection: Connection): void;
}

/** Answers incoming requests: see `HandlerTable`. */
export interface RequestHandlers {
  rawHandler(code: number): RawHandler | undefined;
  /** Answers the request on `connection`. Does not throw. */
  handle(command: RemotingCommand, connection: Connection, log: EventLog): void;
}

export interface ConnectionOptions {
  /** the peer, as 'host:port', for messages and for `Connections` */
  readonly address: string;
  readonly handlers: RequestHandlers;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<FrameLimits>;
  /** the header's form in requests; default 'json'. Answers take the form of their request. */
  readonly serializeType?: SerializeType;
  /** bytes that may wait for a peer that does not read, before the connection is closed; default 64 MiB */
  readonly maxUnsentBytes?: number | (() => number);
  readonly bounds?: ConnectionBounds;
  /** where frames for a socket are lent from; default: memory of its own */
  readonly sendMemory?: SendMemory;
  /** adds signature fields to each request */
  readonly sign?: (command: RemotingCommand) => void;
  /**
   * close when a request timed out and not one byte has come since it was sent, for 2 s at least, or a frame that has begun does
   * not end: the peer is gone, or its bytes are no answers any more. Default false.
   */
  readonly closeWhenSilent?: boolean;
}

/** A request that encodes itself and receives its answer, without an object for either. */
export interface EncodedRequest extends ReplyReceiver {
  /** @returns one whole frame, which may be in memory that the connection lends */
  encode(opaque: number, connection: Connection): Buffer;
}

export class Connection {
  readonly address: string;
  /** the peer's address, packed in 4 or 16 bytes */
  readonly remoteHost: Buffer;
  readonly remotePort: number;
  /** limits and counts what goes in and out */
  readonly flow: FlowControl;
  /** monotonic ms of the last byte in or out */
  lastActivity: number;
  readonly #stream: Duplex;
  readonly #options: ConnectionOptions;
  readonly #log: EventLog;
  readonly #pending: PendingRequests;
  readonly #closeListeners: ((connection: Connection, error?: Error) => void)[] = [];
  #serializeType: SerializeType;
  #opaque = 0;
  readonly #liveness = new PeerLiveness();
  #lastRead: number;
  /** When the frame under way has begun, monotonic ms. */
  #frameSince = 0;
  #reads = 0;
  #closed = false;

  constructor(stream: Duplex, options: ConnectionOptions) {
    this.address = options.address;
    this.#stream = stream;
    this.#options = options;
    this.#serializeType = options.serializeType ?? 'json';
    const socket = stream as Partial<{ remoteAddress: string; remotePort: number }>;
    this.remoteHost = packHost(socket.remoteAddress ?? '127.0.0.1');
    this.remotePort = socket.remotePort ?? 0;
    this.lastActivity = this.#lastRead = options.clock.monotonic();
    this.#pending = new PendingRequests(
      this.address,
      options.clock,
      () => this.#reads,
      (sentAt) => this.#onTimeout(sentAt),
    );
    const { clock, limits, maxUnsentBytes, bounds, sendMemory } = options;
    this.#log = bounds?.log ?? plainLog(options.logger);
    this.flow = new FlowControl(stream, {
      clock,
      limits,
      maxUnsentBytes,
      bounds,
      sendMemory,
      onFrame: (bytes, start, end) => this.#onFrame(bytes, start, end),
      onFault: (error) => this.#onFault(error),
      onTooSlow: (reason) => this.close(new ConnectionClosedError(this.address, reason)),
    });
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('error', (cause) => this.close(new ConnectionClosedError(this.address, cause.message, { cause })));
    stream.on('end', () => this.close());
    stream.on('close', () => this.close());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The peer as 'ip:port'. */
  get remoteAddress(): string {
    const socket = this.#stream as Partial<{ remoteAddress: string }>;
    const host = (socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, '');
    return formatAddress(host, this.remotePort);
  }

  /**
   * Sends a request. Resolves with the answer, whatever its response code: see `expectSuccess`.
   * @throws RequestTimeoutError, ConnectionClosedError: the request may or may not have been carried out
   */
  request<Row extends RequestRow>(row: Row, header: HeaderOf<Row>, options: RequestOptions = {}): Promise<Reply<Row>> {
    if (this.#closed) return Promise.reject(new ConnectionClosedError(this.address, 'it was closed before'));
    const timeout = options.timeout ?? DEFAULT_REQUEST_TIMEOUT_MS;
    const command = this.#command(row, header, options, 0);
    return new Promise((resolve, reject) => {
      this.#pending.wait(command.opaque, row, timeout, { resolve: resolve as ReplyReceiver['resolve'], reject });
      this.write(encodeFrame(command));
    });
  }

  /**
   * Sends a request that encodes itself, for the hot path. It is rejected as `request` is.
   * @param timeout ms
   */
  requestEncoded(row: RequestRow, request: EncodedRequest, timeout: number): void {
    if (this.#closed) return request.reject(new ConnectionClosedError(this.address, 'it was closed before'));
    const opaque = this.#nextOpaque();
    const frame = request.encode(opaque, this);
    this.#pending.wait(opaque, row, timeout, request);
    this.write(frame);
  }

  /** From now on, requests go out with binary headers: the peer is known to read them. */
  useBinaryHeaders(): void {
    this.#serializeType = 'binary';
  }

  /** Whether requests go out with binary headers, and without a signature: then they may be encoded elsewhere. */
  get takesEncodedRequests(): boolean {
    return this.#serializeType === 'binary' && !this.#options.sign;
  }

  /** Sends a request that is not answered. @throws ConnectionClosedError */
  oneway<Row extends RequestRow>(row: Row, header: HeaderOf<Row>, options: RequestOptions = {}): void {
    if (this.#closed) throw new ConnectionClosedError(this.address, 'it was closed before');
    this.write(encodeFrame(this.#command(row, header, options, ONEWAY_FLAG)));
  }

  /** Answers a request, after its handler has returned. */
  answer<Row extends RequestRow>(
    request: { readonly opaque: number; readonly serializeType: SerializeType },
    row: Row | undefined,
    answer: Answer<Row>,
  ): void {
    const { body = NO_BODY } = answer;
    const parts = Buffer.isBuffer(body) ? undefined : body;
    const command = answerCommand(request, row, answer, parts ? NO_BODY : (body as Buffer));
    if (!parts) return this.write(encodeFrame(command));
    for (const part of encodeFrameInParts(command, parts)) this.write(part);
  }

  /** Queues whole frames. Frames that are queued within one turn of the event loop go out as one write. */
  write(frames: Buffer): void {
    if (this.#closed) return;
    this.lastActivity = this.#options.clock.monotonic();
    this.flow.write(frames);
  }

  /** Sends what is queued now, not at the end of the turn: with large frames the peer can start meanwhile. */
  flush(): void {
    this.flow.flush();
  }

  /** Resolves when the stream has taken everything written so far, or the connection has ended. */
  written(): Promise<void> {
    return this.#closed ? Promise.resolve() : this.flow.written();
  }

  /** Memory for a frame, or a part of one, that is written next. It is reused once a socket has taken it. */
  memory(length: number): Buffer {
    return this.flow.memory(length);
  }

  onClose(listener: (connection: Connection, error?: Error) => void): void {
    this.#closeListeners.push(listener);
  }

  /** Ends the connection; requests that wait for an answer are rejected. */
  close(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.flow.end(error !== undefined);
    this.#pending.rejectAll(error ?? new ConnectionClosedError(this.address, 'it was closed'));
    for (const listener of this.#closeListeners) listener(this, error);
  }

  #command(row: RequestRow, header: object, options: RequestOptions, flag: number): RemotingCommand {
    const command = requestCommand(row, header, options, flag, this.#nextOpaque());
    this.#options.sign?.(command);
    if (this.#serializeType === 'binary' && fitsBinaryHeader(command)) command.serializeType = 'binary';
    return command;
  }

  #nextOpaque(): number {
    return (this.#opaque = (this.#opaque + 1) & 0x7fffffff);
  }

  #onTimeout(sentAt: number): void {
    if (!this.#options.closeWhenSilent || this.#closed) return;
    const now = this.#options.clock.monotonic();
    const [lastRead, frameSince] = [this.#lastRead, this.#frameSince];
    const fault = this.#liveness.fault({ sentAt, now, lastRead, frameSince, flow: this.flow });
    if (fault !== undefined) this.close(new ConnectionClosedError(this.address, fault));
  }

  #onData(chunk: Buffer): void {
    if (this.#closed) return;
    this.lastActivity = this.#lastRead = this.#options.clock.monotonic();
    this.#reads++;
    const { flow } = this;
    const { midFrame, frames } = flow;
    flow.data(chunk);
    if (!midFrame || flow.frames !== frames) this.#frameSince = this.#lastRead;
  }

  #onFault(error: unknown): void {
    const cause = error instanceof Error ? error : new FrameError(String(error));
    const message = `closing the connection with ${this.remoteAddress}: ${printable(cause.message)}`;
    this.#log.say('warn', 'closing connections that send no frames of this protocol', message);
    this.close(cause);
  }

  #onFrame(bytes: Buffer, start: number, end: number): void {
    const { handlers } = this.#options;
    const header = start + FRAME_HEAD;
    const isBinary = bytes[start + 4] === BINARY_TYPE && end - header >= BINARY_REMARK_AT;
    const isAnswer = isBinary && (bytes[header + BINARY_FLAG_AT]! & RESPONSE_FLAG) !== 0;
    if (isBinary && !isAnswer) {
      // The code has 16 bits.
      const raw = handlers.rawHandler(readInt(bytes, header) >> 16);
      if (raw) return raw.binary(bytes, start, end, this);
    }
    const frame = bytes.subarray(start, end);
    if (isAnswer && this.#pending.settleBinary(readInt(bytes, header + BINARY_OPAQUE_AT), frame)) return;
    if (frame[4] === JSON_TYPE) {
      const raw = handlers.rawHandler(leadingCode(frame));
      if (raw?.json?.(frame, this)) return;
    }
    const command = decodeFrame(frame);
    if (isResponse(command)) return this.#pending.settle(command);
    const raw = handlers.rawHandler(command.code);
    if (raw) return raw.command(command, this);
    return handlers.handle(command, this, this.#log);
  }
}
