// Owns telling brokers of this client's groups: to all every 30 s, and to one before anything else is sent on a new
// connection, since a broker that has just (re)started knows neither groups nor subscriptions.
import type { Clock, Connection, Connections, Logger } from '@nest-rocketmq/remoting';
import { Requests, encodeHeartbeat, expectSuccess } from '@nest-rocketmq/remoting';
import { describe } from './errors.js';
import type { Members } from './members.js';
import { Repeating } from './timing.js';

export interface HeartbeatOptions {
  clientId: string;
  clock: Clock;
  logger: Logger;
  connections: Connections;
  members: Members;
  /** The brokers to tell, asked anew each time. */
  addresses: () => Iterable<string>;
  /** ms */
  interval: number;
  /** ms */
  timeout: number;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #greetings = new WeakMap<Connection, Promise<void>>();
  readonly #greeted = new WeakSet<Connection>();
  /** Addresses whose last heartbeat failed, so that an outage is one line in the log. */
  readonly #failing = new Set<string>();
  readonly #timer: Repeating;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    const { clock, logger, interval } = options;
    this.#timer = new Repeating({ clock, logger, name: 'the heartbeat', interval, run: () => this.beat() });
  }

  start(): void {
    this.#timer.start();
  }

  stop(): void {
    this.#timer.stop();
  }

  /** Tells all known brokers now. Never rejects: a broker that is away hears of us when it is back. */
  async beat(): Promise<void> {
    await Promise.all([...this.#options.addresses()].map((address) => this.#beatAddress(address)));
  }

  /** Whether the broker at the other end has already heard of us on this connection. */
  hasGreeted(connection: Connection): boolean {
    return this.#greeted.has(connection);
  }

  /** Makes sure that it has. Never rejects. */
  greet(connection: Connection): Promise<void> {
    return this.#greetings.get(connection) ?? this.#tell(connection);
  }

  async #beatAddress(address: string): Promise<void> {
    try {
      await this.#tell(await this.#options.connections.get(address));
    } catch (error) {
      this.#failed(address, error);
    }
  }

  #tell(connection: Connection): Promise<void> {
    const telling = this.#send(connection)
      .then(() => void this.#failing.delete(connection.address))
      .catch((error: unknown) => this.#failed(connection.address, error))
      .finally(() => this.#greeted.add(connection));
    this.#greetings.set(connection, telling);
    return telling;
  }

  async #send(connection: Connection): Promise<void> {
    const { clientId, members, timeout } = this.#options;
    const consumers = [...members.consumers.values()].map((consumer) => consumer.heartbeatData());
    const producerGroups = [...members.producers.keys()];
    if (consumers.length + producerGroups.length === 0) return;
    const body = encodeHeartbeat({
      clientID: clientId,
      producerGroups,
      consumers,
      heartbeatFingerprint: 0,
      withoutSub: false,
    });
    expectSuccess(await connection.request(Requests.HEART_BEAT, {}, { body, timeout }), connection.address);
  }

  #failed(address: string, error: unknown): void {
    if (this.#failing.has(address)) return;
    this.#failing.add(address);
    this.#options.logger.warn(`the heartbeat to broker ${address} failed: ${describe(error)}`);
  }
}
