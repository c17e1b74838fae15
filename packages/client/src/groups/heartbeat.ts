// Tells brokers of this client's groups: all of them every 30 s, and each one before anything else is sent on a new
// connection, since a broker that has just started knows neither groups nor subscriptions.
import type { Clock, Connection, Connections, Logger, TimerHandle } from '@nest-rocketmq/remoting/internal';
import { MQVersion, Repeating, Requests, encodeHeartbeat, expectSuccess } from '@nest-rocketmq/remoting/internal';
import { describe } from '../errors.js';
import type { GroupRegistry } from './group-registry.js';
import type { Outages } from '../outages.js';

export interface HeartbeatOptions {
  clientId: string;
  clock: Clock;
  logger: Logger;
  connections: Connections;
  members: GroupRegistry;
  outages: Outages;
  /** The brokers to send to; asked each time. */
  addresses: () => Iterable<string>;
  /** ms */
  interval: number;
  /** ms */
  timeout: number;
}

/** The pause after a heartbeat that failed; each further one is twice as long, up to the interval. ms */
const FIRST_PAUSE_MS = 250;
/** How long requests go out on a connection whose first heartbeat failed, before another is sent. ms */
const GREET_AGAIN_MS = 1_000;

/** A broker that has not had a heartbeat yet. */
interface Untold {
  pause: number;
  timer: TimerHandle | undefined;
}

/**
 * A broker keeps what the last heartbeat said, and handles two that are under way in any order: so each waits for the one
 * before it, and says what is the case by then.
 */
interface UnderWay {
  /** Ends when the broker has answered. */
  readonly sent: Promise<void>;
  /** The one after it, which all share who ask for one in the meantime. */
  next: Promise<void> | undefined;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #greeted = new WeakSet<Connection>();
  /** The brokers' versions, of MQVersion. */
  readonly #versions = new WeakMap<Connection, number>();
  /** What is under way on each connection. */
  readonly #underWay = new WeakMap<Connection, UnderWay>();
  /** When a first heartbeat failed, monotonic ms. */
  readonly #failedAt = new WeakMap<Connection, number>();
  readonly #untold = new Map<string, Untold>();
  readonly #timer: Repeating;
  #running = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    const { clock, logger, interval } = options;
    this.#timer = new Repeating({ clock, logger, name: 'the heartbeat', interval, run: () => this.beat() });
  }

  start(): void {
    this.#running = true;
    this.#timer.start();
  }

  stop(): void {
    this.#running = false;
    this.#timer.stop();
    for (const { timer } of this.#untold.values()) this.#options.clock.clearTimeout(timer);
    this.#untold.clear();
  }

  /** Sends heartbeats to all known brokers now. Never rejects: a broker that is away gets one when it is back. */
  async beat(): Promise<void> {
    await Promise.all([...this.#options.addresses()].map((address) => this.#beatAddress(address)));
  }

  /** Whether the broker has had a heartbeat on this connection. */
  hasGreeted(connection: Connection): boolean {
    return this.#greeted.has(connection);
  }

  /** The version of the broker at the other end, of MQVersion; undefined before it has answered a heartbeat. */
  versionOf(connection: Connection): number | undefined {
    return this.#versions.get(connection);
  }

  /** Sends the first heartbeat of a connection, unless one failed just before. Never rejects. */
  greet(connection: Connection): Promise<void> {
    if (this.#greeted.has(connection)) return Promise.resolve();
    const underWay = this.#underWay.get(connection);
    if (underWay) return underWay.sent;
    const failedAt = this.#failedAt.get(connection) ?? -Infinity;
    const justFailed = this.#options.clock.monotonic() - failedAt < GREET_AGAIN_MS;
    return justFailed ? Promise.resolve() : this.#tell(connection);
  }

  /**
   * Resolves when no heartbeat is under way on the connection. One that names a group must not reach the broker after the group
   * has left: the broker would give queues to a consumer that is gone.
   */
  async whenIdle(connection: Connection): Promise<void> {
    for (let each = this.#underWay.get(connection); each; each = this.#underWay.get(connection)) {
      await (each.next ?? each.sent);
    }
  }

  async #beatAddress(address: string): Promise<void> {
    try {
      await this.#tell(await this.#options.connections.get(address));
    } catch (error) {
      this.#failed(address, error);
    }
  }

  /** Sends what is the case now, or, when one is under way, what is the case once that is answered. Never rejects. */
  #tell(connection: Connection): Promise<void> {
    const underWay = this.#underWay.get(connection);
    if (underWay) return (underWay.next ??= underWay.sent.then(() => this.#tell(connection)));
    const sent = this.#send(connection)
      .then(() => this.#told(connection))
      .catch((error: unknown) => {
        this.#greeted.delete(connection);
        this.#failedAt.set(connection, this.#options.clock.monotonic());
        this.#failed(connection.address, error);
      })
      .finally(() => this.#underWay.delete(connection));
    this.#underWay.set(connection, { sent, next: undefined });
    return sent;
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
    const reply = await connection.request(Requests.HEART_BEAT, {}, { body, timeout });
    this.#versions.set(connection, reply.version);
    if (reply.version >= MQVersion.V4_1_0) connection.useBinaryHeaders();
    expectSuccess(reply, connection.address);
  }

  #told(connection: Connection): void {
    const { address } = connection;
    this.#options.clock.clearTimeout(this.#untold.get(address)?.timer);
    this.#untold.delete(address);
    this.#options.outages.over(address);
    if (this.#greeted.has(connection) || connection.closed) return;
    this.#greeted.add(connection);
    // A broker forgets us with the connection; one that asks producers how their transactions ended must know us.
    connection.onClose(() => this.#tellAgain(address));
  }

  #failed(address: string, error: unknown): void {
    const { logger, outages } = this.#options;
    if (!outages.met(error) && !this.#untold.has(address)) {
      logger.warn(`broker ${address} does not take the heartbeat: ${describe(error)}`);
    }
    this.#tellAgain(address);
  }

  #tellAgain(address: string): void {
    const { clock, interval, members } = this.#options;
    if (!this.#running || members.consumers.size + members.producers.size === 0) return;
    const untold = this.#untold.get(address) ?? { pause: FIRST_PAUSE_MS, timer: undefined };
    if (untold.timer) return;
    this.#untold.set(address, untold);
    const tell = (): void => {
      untold.timer = undefined;
      if (![...this.#options.addresses()].includes(address)) this.#untold.delete(address);
      else void this.#beatAddress(address);
    };
    untold.timer = clock.setTimeout(tell, untold.pause, `another try to reach the broker ${address}`);
    untold.pause = Math.min(untold.pause * 2, interval);
  }
}
