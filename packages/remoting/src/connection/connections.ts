// Keeps a client's connections: one for each address, dialled at its first use and again after it is lost.
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../time/clock.js';
import type { RemotingCommand, SerializeType } from '../frame/command.js';
import { Connection } from './connection.js';
import { Deadline } from '../time/deadline.js';
import { ConnectError } from '../errors.js';
import type { HandlerTable } from './handler-table.js';
import { parseAddress } from './host.js';
import type { Logger } from '../logger.js';
import { SendMemory } from './send-memory.js';

/**
 * Opens a stream of bytes to 'host:port'. Embedded, stand-alone and cluster differ only in this.
 * @param given aborts when nobody waits for the stream any more: what has been opened in part should be closed then
 */
export type Dial = (address: string, given?: AbortSignal) => Promise<Duplex>;

export const dialTcp: Dial = (address, given) =>
  new Promise((resolve, reject) => {
    const { host, port } = parseAddress(address, 'the address to connect to');
    const socket = connect({ host, port, noDelay: true });
    // A peer that answers nothing would keep the socket, and the process, for minutes.
    const giveUp = (): void => {
      socket.destroy();
      reject(new ConnectError(address, 'nobody waits for it any more'));
    };
    // It stays: an error may come before the connection listens for it.
    socket.on('error', (cause) => reject(new ConnectError(address, cause.message, { cause })));
    socket.once('close', () => given?.removeEventListener('abort', giveUp));
    socket.once('connect', () => {
      given?.removeEventListener('abort', giveUp);
      resolve(socket);
    });
    if (given?.aborted) giveUp();
    else given?.addEventListener('abort', giveUp, { once: true });
  });

export const DEFAULT_CONNECT_TIMEOUT_MS = 3000;

const SHUT_DOWN = 'this client has been shut down';

export interface ConnectionsOptions {
  readonly dial?: Dial;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly handlers: HandlerTable;
  /** ms; default 3000 */
  readonly connectTimeout?: number;
  readonly serializeType?: SerializeType;
  /** bytes that may wait for a peer that does not read, before its connection is closed; default 64 MiB */
  readonly maxUnsentBytes?: number | (() => number);
  readonly sign?: (command: RemotingCommand) => void;
  /** called for each new connection, before anybody uses it */
  readonly onConnect?: (connection: Connection) => void;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #open = new Map<string, Connection>();
  readonly #dialling = new Map<string, Promise<Connection>>();
  /** Ends each dial that is under way. */
  readonly #giveUp = new Set<(reason: string) => void>();
  readonly #sendMemory = new SendMemory();
  #closed = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** The connection to `address`, dialled where there is none. @throws ConnectError */
  get(address: string): Promise<Connection> {
    const open = this.existing(address);
    if (open) return Promise.resolve(open);
    if (this.#closed) return Promise.reject(new ConnectError(address, SHUT_DOWN));
    let dialling = this.#dialling.get(address);
    if (!dialling) {
      dialling = this.#connect(address).finally(() => this.#dialling.delete(address));
      this.#dialling.set(address, dialling);
    }
    return dialling;
  }

  existing(address: string): Connection | undefined {
    const connection = this.#open.get(address);
    return connection && !connection.closed ? connection : undefined;
  }

  all(): Connection[] {
    return [...this.#open.values()].filter((connection) => !connection.closed);
  }

  /** Closes all connections, and gives up what is being dialled. */
  closeAll(): void {
    this.#closed = true;
    for (const giveUp of this.#giveUp) giveUp(SHUT_DOWN);
    for (const connection of this.#open.values()) connection.close();
    this.#open.clear();
  }

  async #connect(address: string): Promise<Connection> {
    const stream = await this.#dial(address);
    const { clock, logger, handlers, serializeType, maxUnsentBytes, sign } = this.#options;
    const connection = new Connection(stream, {
      address,
      handlers,
      clock,
      logger,
      closeWhenSilent: true,
      sendMemory: this.#sendMemory,
      ...(serializeType && { serializeType }),
      ...(maxUnsentBytes !== undefined && { maxUnsentBytes }),
      ...(sign && { sign }),
    });
    if (this.#closed) {
      connection.close();
      throw new ConnectError(address, SHUT_DOWN);
    }
    if (stream.destroyed) throw new ConnectError(address, 'the connection was lost at once');
    this.#open.set(address, connection);
    connection.onClose(() => {
      if (this.#open.get(address) === connection) this.#open.delete(address);
    });
    this.#options.onConnect?.(connection);
    return connection;
  }

  /** Gives up a dial that takes longer than the time-out, or the client's life; a stream that opens later is closed. */
  #dial(address: string): Promise<Duplex> {
    const { clock, dial = dialTcp, connectTimeout = DEFAULT_CONNECT_TIMEOUT_MS } = this.#options;
    const given = new AbortController();
    return new Promise((resolve, reject) => {
      const giveUp = (reason: string): void => {
        end();
        reject(new ConnectError(address, reason));
        given.abort();
      };
      const expired = (): void => giveUp(`no connection within ${connectTimeout} ms`);
      const deadline = new Deadline({ clock, timeout: connectTimeout, expired });
      const end = (): void => {
        deadline.cancel();
        this.#giveUp.delete(giveUp);
      };
      this.#giveUp.add(giveUp);
      dial(address, given.signal).then(
        (stream) => {
          end();
          if (given.signal.aborted) stream.destroy();
          else resolve(stream);
        },
        (cause: unknown) => {
          end();
          const reason = cause instanceof Error ? cause.message : String(cause);
          reject(cause instanceof ConnectError ? cause : new ConnectError(address, reason, { cause }));
        },
      );
    });
  }
}
