// Accepts connections over TCP and in process, and holds them to the server's limits.
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../time/clock.js';
import { Connection } from './connection.js';
import { ConnectionWatch, watchDefaults } from './connection-watch.js';
import type { WatchLimits } from './connection-watch.js';
import { ConnectionClosedError, ListenError } from '../errors.js';
import type { ConnectionBounds } from './flow-control.js';
import type { FrameLimits } from '../frame/frame.js';
import type { HandlerTable } from './handler-table.js';
import type { HostAndPort } from './host.js';
import { LogThrottle } from './log-throttle.js';
import type { Logger } from '../logger.js';
import { DEFAULT_MAX_UNSENT_BYTES } from './write-buffer.js';
import { SendMemory } from './send-memory.js';
import { UnfinishedFrames } from '../frame/unfinished-frames.js';
import { UnsentBytes } from './unsent-bytes.js';

export interface RemotingServerOptions extends Partial<ServerLimits> {
  readonly handlers: HandlerTable;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<FrameLimits>;
  /** counts unsent answers, for handlers that wait before they send more; default: the server's own */
  readonly unsent?: UnsentBytes;
}

/** Limits of a server for its peers, in bytes and ms. */
export interface ServerLimits extends WatchLimits {
  /** connections at a time; further ones are closed at once; default 10,000 */
  readonly maxConnections: number;
  /** bytes that may wait for one peer that does not read, before its connection is closed; default 64 MiB */
  readonly maxUnsentBytes: number;
  /** unsent bytes of one peer, above which it is not read from and is sent nothing large; default 1 MiB */
  readonly writeBufferHighWaterMark: number;
  /** unsent bytes of all peers, above which nobody is sent anything large; default 64 MiB */
  readonly maxTotalUnsentBytes: number;
  /** requests of one connection that are under way at a time; default 1,024 */
  readonly maxRequestsPerConnection: number;
  /** bytes of partly received frames of all connections; default 64 MiB */
  readonly maxUnfinishedFrameBytes: number;
}

export const serverDefaults: ServerLimits = {
  ...watchDefaults,
  maxConnections: 10_000,
  maxUnsentBytes: DEFAULT_MAX_UNSENT_BYTES,
  writeBufferHighWaterMark: 1024 * 1024,
  maxTotalUnsentBytes: 64 * 1024 * 1024,
  maxRequestsPerConnection: 1_024,
  maxUnfinishedFrameBytes: 64 * 1024 * 1024,
};

export class RemotingServer {
  readonly #options: RemotingServerOptions;
  readonly #connections = new Set<Connection>();
  readonly #servers: Server[] = [];
  readonly #closedListeners: ((connection: Connection) => void)[] = [];
  readonly #limits: ServerLimits;
  readonly #bounds: ConnectionBounds;
  readonly #watch: ConnectionWatch;
  readonly #sendMemory = new SendMemory();
  #closed = false;

  constructor(options: RemotingServerOptions) {
    const { clock, logger } = options;
    const limits = limitsOf(options);
    this.#options = options;
    this.#limits = limits;
    this.#bounds = {
      writeBufferHighWaterMark: limits.writeBufferHighWaterMark,
      maxRequests: limits.maxRequestsPerConnection,
      unsent: options.unsent ?? new UnsentBytes(limits.maxTotalUnsentBytes),
      unfinished: new UnfinishedFrames(limits.maxUnfinishedFrameBytes, clock),
      log: new LogThrottle(clock, logger),
    };
    this.#watch = new ConnectionWatch({ clock, limits, unsent: this.#bounds.unsent, connections: this.#connections });
    this.#bounds.unsent.onWanted = () => this.#watch.hurry();
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
    const { handlers, clock, logger, limits } = this.#options;
    const connection = new Connection(stream, {
      address,
      handlers,
      clock,
      logger,
      maxUnsentBytes: this.#limits.maxUnsentBytes,
      bounds: this.#bounds,
      sendMemory: this.#sendMemory,
      ...(limits && { limits }),
    });
    this.#connections.add(connection);
    connection.onClose((_, error) => {
      if (error) this.#tellClosed(connection, error);
      this.#connections.delete(connection);
      for (const listener of this.#closedListeners) listener(connection);
    });
    if (this.#closed) connection.close();
    else this.#watch.arm();
    return connection;
  }

  /** Stops listening and closes all connections. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watch.stop();
    this.#bounds.unfinished.stop();
    const closing = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const connection of this.#connections) connection.close();
    await Promise.all(closing);
    this.#bounds.log.end();
  }

  /** Logs a connection that this server closed because of its peer. */
  #tellClosed(connection: Connection, error: Error): void {
    if (error instanceof ConnectionClosedError && error.cause === undefined)
      this.#bounds.log.say(
        'warn',
        'closing connections',
        `closing the connection with ${connection.remoteAddress}: ${error.reason}`,
      );
  }

  #acceptSocket(socket: Socket): void {
    const { maxConnections } = this.#limits;
    if (this.#connections.size >= maxConnections) {
      const message = `refusing a connection from ${socket.remoteAddress}: maxConnections is ${maxConnections}`;
      this.#bounds.log.say('warn', 'refusing connections', message);
      socket.destroy();
      return;
    }
    this.accept(socket, `${socket.remoteAddress}:${socket.remotePort}`);
  }
}

function limitsOf(options: RemotingServerOptions): ServerLimits {
  const limits = { ...serverDefaults };
  for (const name of Object.keys(limits) as (keyof ServerLimits)[])
    (limits as Record<keyof ServerLimits, number>)[name] = options[name] ?? limits[name];
  return limits;
}
