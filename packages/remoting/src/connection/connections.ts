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

/** Opens a stream of bytes to 'host:port'. Embedded, stand-alone and cluster differ only in this. */
export type Dial = (address: string) => Promise<Duplex>;

export const dialTcp: Dial = (address) =>
  new Promise((resolve, reject) => {
    const { host, port } = parseAddress(address, 'the address to connect to');
    const socket = connect({ host, port, noDelay: true });
    socket.once('error', (cause) => reject(new ConnectError(address, cause.message, { cause })));
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });

export const DEFAULT_CONNECT_TIMEOUT_MS = 3000;

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
  readonly #sendMemory = new SendMemory();
  #closed = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** The connection to `address`, dialled where there is none. @throws ConnectError */
  get(address: string): Promise<Connection> {
    const open = this.existing(address);
    if (open) return Promise.resolve(open);
    if (this.#closed) return Promise.reject(new ConnectError(address, 'this client has been shut down'));
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

  closeAll(): void {
    this.#closed = true;
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
      throw new ConnectError(address, 'this client has been shut down');
    }
    this.#open.set(address, connection);
    connection.onClose(() => {
      if (this.#open.get(address) === connection) this.#open.delete(address);
    });
    this.#options.onConnect?.(connection);
    return connection;
  }

  /** Gives up a dial that takes longer than the time-out; a stream that opens later is closed. */
  #dial(address: string): Promise<Duplex> {
    const { clock, dial = dialTcp, connectTimeout = DEFAULT_CONNECT_TIMEOUT_MS } = this.#options;
    return new Promise((resolve, reject) => {
      let late = false;
      const expired = (): void => {
        late = true;
        reject(new ConnectError(address, `no connection within ${connectTimeout} ms`));
      };
      const deadline = new Deadline({ clock, timeout: connectTimeout, expired });
      dial(address).then(
        (stream) => {
          deadline.cancel();
          if (late) stream.destroy();
          else resolve(stream);
        },
        (cause: unknown) => {
          deadline.cancel();
          const reason = cause instanceof Error ? cause.message : String(cause);
          reject(cause instanceof ConnectError ? cause : new ConnectError(address, reason, { cause }));
        },
      );
    });
  }
}
