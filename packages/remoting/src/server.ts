// Owns the listening end: accepts connections over TCP and in process, and closes those that fell silent.
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, TimerHandle } from './clock.js';
import { Connection } from './connection.js';
import { afterPoll } from './deadline.js';
import { ConnectionClosedError, RocketMQError } from './errors.js';
import type { FrameLimits } from './frame.js';
import type { HandlerTable } from './handler-table.js';
import type { HostAndPort } from './host.js';
import type { Logger } from './logger.js';

export interface RemotingServerOptions {
  readonly handlers: HandlerTable;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<FrameLimits>;
  /** ms without a byte in or out before a connection is closed; default 120,000 as Apache's */
  readonly idleTimeout?: number;
  /** ms that a frame which has begun may take to arrive; default 30,000 */
  readonly frameTimeout?: number;
  /** connections at a time; one more is closed at once; default 10,000 */
  readonly maxConnections?: number;
  /** bytes that may wait for a peer that does not read; default 64 MiB */
  readonly maxUnsentBytes?: number;
}

export const serverDefaults = { idleTimeout: 120_000, frameTimeout: 30_000, maxConnections: 10_000 };

const SWEEP_INTERVAL_MS = 10_000;

/** The port is taken, or the host is none of this machine's. */
export class ListenError extends RocketMQError {
  constructor(host: string, port: number, cause: NodeJS.ErrnoException) {
    const why = cause.code === 'EADDRINUSE' ? 'another process listens there' : cause.message;
    super('LISTEN_FAILED', `cannot listen on ${host}:${port}: ${why}. Give another address, or end that process.`, {
      cause,
    });
  }
}

export class RemotingServer {
  readonly #options: RemotingServerOptions;
  readonly #connections = new Set<Connection>();
  readonly #servers: Server[] = [];
  readonly #closedListeners: ((connection: Connection) => void)[] = [];
  #sweep: TimerHandle | undefined;
  #closed = false;

  constructor(options: RemotingServerOptions) {
    this.#options = options;
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  onConnectionClosed(listener: (connection: Connection) => void): void {
    this.#closedListeners.push(listener);
  }

  /** @param port 0 for any free one. Resolves with the address listened on. @throws ListenError */
  listen(host: string, port: number): Promise<HostAndPort> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, (socket) => this.#acceptSocket(socket));
      server.once('error', (cause) => reject(new ListenError(host, port, cause)));
      server.listen({ host, port, backlog: 1024 }, () => {
        server.removeAllListeners('error');
        server.on('error', (error) => this.#options.logger.error(`the listening socket failed: ${error.message}`));
        this.#servers.push(server);
        resolve({ host, port: (server.address() as AddressInfo).port });
      });
    });
  }

  /** Takes a stream as a connection of this server: a socket, or one end of an in-process pair. */
  accept(stream: Duplex, address = 'in-process'): Connection {
    const { handlers, clock, logger, limits, maxUnsentBytes } = this.#options;
    const connection = new Connection(stream, {
      address,
      handlers,
      clock,
      logger,
      ...(limits && { limits }),
      ...(maxUnsentBytes && { maxUnsentBytes }),
    });
    this.#connections.add(connection);
    connection.onClose(() => {
      this.#connections.delete(connection);
      for (const listener of this.#closedListeners) listener(connection);
    });
    this.#armSweep();
    if (this.#closed) connection.close();
    return connection;
  }

  /** Stops listening and closes all connections. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#options.clock.clearTimeout(this.#sweep);
    const closing = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const connection of this.#connections) connection.close();
    await Promise.all(closing);
  }

  #acceptSocket(socket: Socket): void {
    const limit = this.#options.maxConnections ?? serverDefaults.maxConnections;
    if (this.#connections.size >= limit) {
      this.#options.logger.warn(`refusing a connection from ${socket.remoteAddress}: maxConnections is ${limit}`);
      socket.destroy();
      return;
    }
    this.accept(socket, `${socket.remoteAddress}:${socket.remotePort}`);
  }

  #armSweep(): void {
    if (this.#sweep || this.#closed) return;
    this.#sweep = this.#options.clock.setTimeout(() => {
      this.#sweep = undefined;
      // What has arrived while this process was held up is read first.
      afterPoll(() => this.#closeSilent());
      if (this.#connections.size > 0) this.#armSweep();
    }, SWEEP_INTERVAL_MS);
  }

  #closeSilent(): void {
    const {
      clock,
      idleTimeout = serverDefaults.idleTimeout,
      frameTimeout = serverDefaults.frameTimeout,
    } = this.#options;
    const now = clock.monotonic();
    for (const connection of this.#connections) {
      const silent = now - connection.lastActivity;
      if (silent >= idleTimeout || (connection.midFrame && silent >= frameTimeout)) {
        connection.close(new ConnectionClosedError(connection.address, `it has been silent for ${silent} ms`));
      }
    }
  }
}
