// Registers the broker at name servers: at its own directly, at others over the network.
import {
  Connections,
  Repeating,
  Requests,
  bodyCrc,
  encodeRegisterBroker,
  expectSuccess,
  handlerTable,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, Dial, Logger, TopicConfig, TopicTable } from '@nest-rocketmq/remoting/internal';
import type { BrokerIdentity, RouteTable } from './route-table.js';
import type { Topics } from '../metadata/topics.js';

/** Longest wait for a name server's answer, ms. */
const REGISTER_TIMEOUT_MS = 6_000;

export interface RegistrationDeps {
  routes: RouteTable;
  topics: Topics;
  clock: Clock;
  logger: Logger;
  dial: Dial;
  identity: BrokerIdentity;
  /** Where slaves would copy from, `host:port`. */
  haServerAddr: string;
  /** Outside name servers, `host:port`. */
  namesrvAddr: readonly string[];
  /** ms between two registrations. */
  registerNameServerPeriod: number;
}

export class Registration {
  readonly #connections: Connections;
  readonly #repeating: Repeating;
  #stopped = false;

  constructor(private readonly deps: RegistrationDeps) {
    const { clock, logger, dial, topics, registerNameServerPeriod: interval } = deps;
    const run = (): Promise<void> => this.#registerAll();
    this.#repeating = new Repeating({ clock, logger, name: 'registration at the name servers', interval, run });
    this.#connections = new Connections({ clock, logger, dial, handlers: handlerTable() });
    topics.onChanged((changed) => this.#topicChanged(changed));
  }

  /**
   * Registers everywhere, and again periodically at the name servers outside, which forget a broker that is silent. One
   * that cannot be reached is tried again the next time.
   */
  async start(): Promise<void> {
    await this.#registerAll();
    if (!this.#stopped && this.deps.namesrvAddr.length > 0) this.#repeating.start();
  }

  /** Takes the broker out of all routes. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#repeating.stop();
    this.deps.routes.unregister(this.deps.identity, this);
    await Promise.all(this.deps.namesrvAddr.map((address) => this.#unregister(address)));
    this.#connections.closeAll();
  }

  async #registerAll(): Promise<void> {
    if (this.#stopped) return;
    const { table } = this.deps.topics;
    this.#registerHere(table);
    await this.#registerOutside(table);
  }

  /** Registers a new topic at once, so that its route need not wait for the next registration. */
  #topicChanged(changed: TopicConfig): void {
    if (this.#stopped) return;
    const { dataVersion } = this.deps.topics.table;
    const table: TopicTable = { dataVersion, topicConfigTable: new Map([[changed.topicName, changed]]) };
    this.#registerHere(table);
    void this.#registerOutside(table);
  }

  #registerHere({ dataVersion, topicConfigTable }: TopicTable): void {
    const { routes, identity, haServerAddr } = this.deps;
    routes.register({
      ...identity,
      haServerAddr,
      dataVersion,
      topics: topicConfigTable.values(),
      channel: this,
      own: true,
    });
  }

  async #registerOutside(table: TopicTable): Promise<void> {
    await Promise.all(this.deps.namesrvAddr.map((address) => this.#register(address, table)));
  }

  async #register(address: string, table: TopicTable): Promise<void> {
    const { identity, haServerAddr, logger } = this.deps;
    const body = encodeRegisterBroker(table);
    const header = {
      ...identity,
      haServerAddr,
      enableActingMaster: false,
      compressed: false,
      bodyCrc32: bodyCrc(body),
    };
    try {
      const connection = await this.#connections.get(address);
      const reply = await connection.request(Requests.REGISTER_BROKER, header, { body, timeout: REGISTER_TIMEOUT_MS });
      expectSuccess(reply, address);
    } catch (error) {
      logger.warn(
        `not registered at name server ${address}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  async #unregister(address: string): Promise<void> {
    const connection = this.#connections.existing(address);
    if (!connection) return;
    try {
      await connection.request(Requests.UNREGISTER_BROKER, this.deps.identity);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.deps.logger.warn(`not unregistered at name server ${address}: ${reason}`);
    }
  }
}
