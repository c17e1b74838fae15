// Sends requests to brokers, on connections over which the broker knows this client already. Dialling, greeting and
// answering share one time limit.
import type {
  Clock,
  Connection,
  Connections,
  HeaderOf,
  Reply,
  RequestOptions,
  RequestRow,
} from '@nest-rocketmq/remoting/internal';
import {
  ConnectError,
  DEFAULT_REQUEST_TIMEOUT_MS,
  RequestTimeoutError,
  within,
} from '@nest-rocketmq/remoting/internal';
import type { Heartbeat } from '../groups/heartbeat.js';

/** For one request. A connection that is lost while the broker is greeted has carried nothing of it yet. */
const MOST_DIALS = 2;

export interface BrokersOptions {
  clock: Clock;
  connections: Connections;
  heartbeat: Heartbeat;
}

export class Brokers {
  readonly #options: BrokersOptions;

  constructor(options: BrokersOptions) {
    this.#options = options;
  }

  /** Resolves with the answer whatever its code. @throws ConnectError, RequestTimeoutError, ConnectionClosedError */
  async request<Row extends RequestRow>(
    address: string,
    row: Row,
    header: HeaderOf<Row>,
    options: RequestOptions = {},
  ): Promise<Reply<Row>> {
    const ready = this.ready(address);
    if (ready) return ready.request(row, header, options);
    const { clock } = this.#options;
    const timeout = options.timeout ?? DEFAULT_REQUEST_TIMEOUT_MS;
    const startedAt = clock.monotonic();
    let dialled = false;
    const connecting = this.connection(address, () => (dialled = true));
    const connection = await within(clock, connecting, timeout, () =>
      dialled
        ? new RequestTimeoutError(address, row.name, timeout)
        : new ConnectError(address, `no connection within ${timeout} ms`),
    );
    const left = Math.max(1, Math.ceil(timeout - (clock.monotonic() - startedAt)));
    return connection.request(row, header, { ...options, timeout: left });
  }

  /** Resolves when the bytes are queued, with the connection. @throws ConnectError, ConnectionClosedError */
  async oneway<Row extends RequestRow>(
    address: string,
    row: Row,
    header: HeaderOf<Row>,
    options: RequestOptions = {},
  ): Promise<Connection> {
    const connection = this.ready(address) ?? (await this.connection(address));
    connection.oneway(row, header, options);
    return connection;
  }

  /** @param onDialled called when the connection is open, before the first heartbeat. @throws ConnectError */
  async connection(address: string, onDialled?: () => void): Promise<Connection> {
    for (let dials = 1; ; dials++) {
      const connection = await this.#options.connections.get(address);
      onDialled?.();
      await this.#options.heartbeat.greet(connection);
      if (!connection.closed) return connection;
      if (dials === MOST_DIALS) throw new ConnectError(address, 'the connection was lost before its first request');
    }
  }

  /** Of MQVersion, as the broker's answer to our heartbeat says; undefined when it has not answered one yet. */
  versionOf(connection: Connection): number | undefined {
    return this.#options.heartbeat.versionOf(connection);
  }

  /** The open connection over which the broker knows this client already. */
  ready(address: string): Connection | undefined {
    const connection = this.#options.connections.existing(address);
    return connection && this.#options.heartbeat.hasGreeted(connection) ? connection : undefined;
  }
}
