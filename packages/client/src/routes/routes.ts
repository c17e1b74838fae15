// Keeps the routes of topics as name servers give them: the queues to write and read, and the addresses of brokers.
import type { Clock, Logger, MessageQueue, TopicRouteData } from '@nest-rocketmq/remoting/internal';
import {
  MASTER_ID,
  Repeating,
  Requests,
  ResponseCode,
  decodeClusterInfo,
  decodeRouteData,
  expectSuccess,
} from '@nest-rocketmq/remoting/internal';
import { TopicNotFoundError, describe } from '../errors.js';
import type { NameServers } from './name-servers.js';
import type { Outages } from '../outages.js';
import { readableQueues, withinBounds, writableQueues } from './route-queues.js';

export interface TopicRoute {
  readonly topic: string;
  readonly data: TopicRouteData;
  /** The topic does not exist yet: this is the route of the topic that brokers will create it after. */
  readonly assumed: boolean;
  readonly writable: readonly MessageQueue[];
  readonly readable: readonly MessageQueue[];
}

export interface RoutesOptions {
  clock: Clock;
  logger: Logger;
  outages: Outages;
  nameServers: NameServers;
  /** ms */
  interval: number;
}

/** How often a missing topic is asked for: often at first, then less so. ms */
const MISSING_POLL_SOON = 1_000;
const MISSING_POLL_LATER = 5_000;
const MISSING_POLLS_SOON = 10;
/** The shortest time between two refreshes that failures ask for. ms */
const REFRESH_SPACING = 1_000;

export class Routes {
  readonly #options: RoutesOptions;
  readonly #routes = new Map<string, TopicRoute>();
  readonly #asking = new Map<string, Promise<TopicRoute | undefined>>();
  /** topic -> how many watch it */
  readonly #watched = new Map<string, number>();
  readonly #listeners = new Set<(topic: string) => void>();
  /** broker name -> broker id -> address */
  #brokers = new Map<string, ReadonlyMap<number, string>>();
  readonly #refresher: Repeating;
  readonly #missing: Repeating;
  #missingPolls = 0;
  #lastRefresh = -Infinity;
  #running = false;

  constructor(options: RoutesOptions) {
    this.#options = options;
    const { clock, logger, interval } = options;
    this.#refresher = new Repeating({ clock, logger, name: 'refreshing routes', interval, run: () => this.refresh() });
    this.#missing = new Repeating({
      clock,
      logger,
      name: 'looking for missing topics',
      interval: MISSING_POLL_SOON,
      run: () => this.#askMissing(),
    });
  }

  get nameServers(): readonly string[] {
    return this.#options.nameServers.addresses;
  }

  start(): void {
    this.#running = true;
    this.#refresher.start();
    if (this.#watched.size > 0) this.#missing.start();
  }

  stop(): void {
    this.#running = false;
    this.#refresher.stop();
    this.#missing.stop();
  }

  /** Calls back when a topic's route has changed, until the returned function is called. */
  onChange(listener: (topic: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Keeps looking for the topic while it does not exist. */
  watch(topic: string): void {
    this.#watched.set(topic, (this.#watched.get(topic) ?? 0) + 1);
    this.#missingPolls = 0;
    if (this.#running) this.#missing.start();
  }

  unwatch(topic: string): void {
    const others = (this.#watched.get(topic) ?? 1) - 1;
    if (others > 0) this.#watched.set(topic, others);
    else this.#watched.delete(topic);
  }

  get(topic: string): TopicRoute | undefined {
    return this.#routes.get(topic);
  }

  /**
   * Asks a name server now. A topic that it does not know, or has no broker of, keeps the route it had.
   * @throws NameServerUnreachableError, ResponseError
   */
  resolve(topic: string): Promise<TopicRoute | undefined> {
    let asking = this.#asking.get(topic);
    if (!asking) {
      asking = this.#ask(topic)
        .then((data) => this.#learn(topic, data))
        .finally(() => this.#asking.delete(topic));
      this.#asking.set(topic, asking);
    }
    return asking;
  }

  /**
   * The route to send to `topic`; for one that does not exist, the route by which a broker will create it.
   * @throws TopicNotFoundError, NameServerUnreachableError
   */
  async forSending(topic: string, createTopicKey: string, defaultTopicQueueNums: number): Promise<TopicRoute> {
    const known = this.#routes.get(topic);
    if (known && known.writable.length > 0) return known;
    const route = await this.resolve(topic);
    if (route && route.writable.length > 0) return route;
    const pattern = route ? undefined : await this.#ask(createTopicKey);
    if (!pattern) {
      const reason = route ? 'has no queue that may be written (its master is down, or perm forbids it)' : undefined;
      throw new TopicNotFoundError(topic, this.nameServers, reason);
    }
    const queueDatas = pattern.queueDatas.map((queue) => {
      const queues = Math.min(defaultTopicQueueNums, queue.readQueueNums);
      return { ...queue, readQueueNums: queues, writeQueueNums: queues };
    });
    return this.#store(topic, { queueDatas, brokerDatas: pattern.brokerDatas }, true);
  }

  /** A send has just created the topic: asks for its route now, for those who wait for it. */
  created(topic: string): void {
    if (!this.#watched.has(topic) || this.#routes.get(topic)?.assumed === false) return;
    this.resolve(topic).catch((error: unknown) => this.#options.logger.warn(`route of ${topic}: ${describe(error)}`));
  }

  /** @param brokerId 0: the master. Undefined when the route has no such broker. */
  brokerAddress(brokerName: string, brokerId = MASTER_ID): string | undefined {
    return this.#brokers.get(brokerName)?.get(brokerId);
  }

  /** Any known topic with a queue on the broker. */
  topicOf(brokerName: string): string | undefined {
    const has = ({ data }: TopicRoute): boolean => data.queueDatas.some((queue) => queue.brokerName === brokerName);
    return [...this.#routes.values()].find((route) => has(route))?.topic;
  }

  /** The preferred broker; else, as Java's clients choose, the replica with the next id, the master, or any other. */
  anyBrokerAddress(brokerName: string, preferredId = MASTER_ID): string | undefined {
    const replicas = this.#brokers.get(brokerName);
    const preferred =
      replicas?.get(preferredId) ?? (preferredId === MASTER_ID ? undefined : replicas?.get(preferredId + 1));
    return preferred ?? replicas?.get(MASTER_ID) ?? replicas?.values().next().value;
  }

  /** Of all brokers of all known routes. */
  brokerAddresses(replicasToo: boolean): string[] {
    const addresses = new Set<string>();
    for (const replicas of this.#brokers.values()) {
      for (const [id, address] of replicas) if (replicasToo || id === MASTER_ID) addresses.add(address);
    }
    return [...addresses];
  }

  /** Any broker, whatever its topics; undefined when none is registered. @throws NameServerUnreachableError */
  async someBrokerAddress(): Promise<string | undefined> {
    const [known] = this.brokerAddresses(false);
    if (known !== undefined) return known;
    const brokers = await this.#options.nameServers.request(Requests.GET_BROKER_CLUSTER_INFO, {}, (reply) => {
      expectSuccess(reply, this.nameServers.join(';'));
      return decodeClusterInfo(reply.body).brokerAddrTable;
    });
    const [replicas] = [...brokers.values()].map((broker) => broker.brokerAddrs);
    return replicas?.get(MASTER_ID) ?? replicas?.values().next().value;
  }

  /** Asks for all known topics anew. */
  async refresh(): Promise<void> {
    this.#lastRefresh = this.#options.clock.monotonic();
    const topics = new Set([...this.#routes.keys(), ...this.#watched.keys()]);
    const asked = await Promise.allSettled([...topics].map((topic) => this.resolve(topic)));
    this.#endOutages();
    const failed = asked.find((result) => result.status === 'rejected');
    if (failed && this.#running && !this.#options.outages.met(failed.reason)) {
      this.#options.logger.warn(`routes cannot be refreshed for now: ${describe(failed.reason)}`);
    }
  }

  /** Asks for fresh routes after a failure: a broker may have moved, and a name server may not have heard of it. */
  refreshSoon(): void {
    if (!this.#running || this.#options.clock.monotonic() - this.#lastRefresh < REFRESH_SPACING) return;
    this.#options.nameServers.turn();
    void this.refresh();
  }

  #ask(topic: string): Promise<TopicRouteData | undefined> {
    const header = { topic, acceptStandardJsonOnly: true };
    return this.#options.nameServers.request(Requests.GET_ROUTEINFO_BY_TOPIC, header, (reply) => {
      if (reply.code === ResponseCode.TOPIC_NOT_EXIST) return undefined;
      expectSuccess(reply, this.nameServers.join(';'));
      return withinBounds(decodeRouteData(reply.body));
    });
  }

  /** A name server that is being restarted knows less than before for a while: no topic, or no broker of it. */
  #learn(topic: string, data: TopicRouteData | undefined): TopicRoute | undefined {
    const known = this.#routes.get(topic);
    if (!data) return known;
    const isEmpty = data.queueDatas.length === 0 || data.brokerDatas.length === 0;
    return isEmpty && known?.assumed === false ? known : this.#store(topic, data, false);
  }

  #store(topic: string, data: TopicRouteData, assumed: boolean): TopicRoute {
    const old = this.#routes.get(topic);
    const route = {
      topic,
      data,
      assumed,
      writable: writableQueues(topic, data),
      readable: readableQueues(topic, data),
    };
    // The newest comes last, so that its addresses win where two routes name the same broker.
    this.#routes.delete(topic);
    this.#routes.set(topic, route);
    if (old && old.assumed === assumed && sameRoute(old.data, data)) return route;
    this.#brokers = brokerTable(this.#routes.values());
    this.#endOutages();
    for (const listener of this.#listeners) listener(topic);
    return route;
  }

  /** A broker is waited for by its address while a route has that, and by its name while a route has it without a master. */
  #endOutages(): void {
    const { outages } = this.#options;
    if (!outages.any) return;
    const addresses = this.brokerAddresses(true);
    outages.endOthers((broker) => addresses.includes(broker) || this.#brokers.get(broker)?.has(MASTER_ID) === false);
  }

  async #askMissing(): Promise<void> {
    const missing = [...this.#watched.keys()].filter((topic) => this.#routes.get(topic)?.assumed !== false);
    if (missing.length === 0) return this.#missing.stop();
    this.#missingPolls++;
    const every = MISSING_POLL_LATER / MISSING_POLL_SOON;
    if (this.#missingPolls > MISSING_POLLS_SOON && this.#missingPolls % every !== 0) return;
    await Promise.all(missing.map((topic) => this.resolve(topic)));
  }
}

function sameRoute(a: TopicRouteData, b: TopicRouteData): boolean {
  return routeText(a) === routeText(b);
}

function routeText(data: TopicRouteData): string {
  const brokers = data.brokerDatas.map((broker) => [broker.brokerName, [...broker.brokerAddrs].map(String).toSorted()]);
  const queues = data.queueDatas.map((q) => [q.brokerName, q.perm, q.readQueueNums, q.writeQueueNums]);
  return JSON.stringify([brokers.map(String).toSorted(), queues.map(String).toSorted(), data.orderTopicConf ?? '']);
}

function brokerTable(routes: Iterable<TopicRoute>): Map<string, ReadonlyMap<number, string>> {
  const table = new Map<string, ReadonlyMap<number, string>>();
  for (const { data } of routes)
    for (const broker of data.brokerDatas) table.set(broker.brokerName, broker.brokerAddrs);
  return table;
}
