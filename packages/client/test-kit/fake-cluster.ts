// Fakes a name server and brokers in memory, which do what a test tells them.
import type { Duplex } from 'node:stream';
import {
  ConnectError,
  ManualClock,
  RemotingServer,
  ResponseCode,
  duplexPair,
  encodeClusterInfo,
  encodeRouteData,
  handlerTable,
  silentLogger,
} from '@nest-rocketmq/remoting/internal';
import type { Answer, Dial, Requests, TopicRouteData } from '@nest-rocketmq/remoting/internal';
import { FakeBroker } from './fake-broker.js';

export const NAME_SERVER = 'ns-a:9876';
type RouteAnswers = (nameServer: string, topic: string) => Answer<typeof Requests.GET_ROUTEINFO_BY_TOPIC> | undefined;

const START = Date.UTC(2026, 2, 1);

export class FakeCluster {
  readonly clock = new ManualClock(START);
  readonly brokers: FakeBroker[] = [];
  /** topic -> queues on each broker */
  readonly topics = new Map<string, number>();
  readonly down = new Set<string>();
  /** Addresses that take a connection and never say a word. */
  readonly hung = new Set<string>();
  /** Addresses that are dialled for ever. */
  readonly undialled = new Set<string>();
  readonly dialled: string[] = [];
  /** Requests for routes, in order. */
  readonly routeRequests: string[] = [];
  /** What each name server keeps. */
  readonly kv: Map<string, string>[] = [];
  /** Instead of what name servers say of a topic. */
  routes: RouteAnswers | undefined;
  readonly #nameServers = new Map<string, RemotingServer>();
  /** Other addresses of brokers. */
  readonly #aliases = new Map<string, FakeBroker>();
  /** Those that a test takes away, too. */
  readonly #allBrokers: readonly FakeBroker[];
  readonly #open: { address: string; stream: Duplex }[] = [];

  constructor(
    options: { brokers?: string[]; topics?: Record<string, number>; autoCreate?: boolean; nameServers?: string[] } = {},
  ) {
    for (const [topic, queues] of Object.entries(options.topics ?? {})) this.topics.set(topic, queues);
    if (options.autoCreate ?? true) this.topics.set('TBW102', 8);
    for (const name of options.brokers ?? ['broker-a']) {
      this.brokers.push(new FakeBroker(this, name, `${name}:${10_911 + this.brokers.length}`));
    }
    this.#allBrokers = [...this.brokers];
    for (const address of options.nameServers ?? [NAME_SERVER]) {
      this.#nameServers.set(address, this.#nameServer(address));
    }
  }

  get broker(): FakeBroker {
    return this.brokers[0]!;
  }

  readonly dial: Dial = (address) => {
    this.dialled.push(address);
    if (this.down.has(address)) return Promise.reject(new ConnectError(address, 'connection refused'));
    if (this.undialled.has(address)) return new Promise(() => undefined);
    const [ours, theirs] = duplexPair();
    if (!this.hung.has(address)) {
      const server =
        this.#nameServers.get(address) ??
        (this.#aliases.get(address) ?? this.brokers.find((broker) => broker.address === address))?.server;
      if (!server) return Promise.reject(new ConnectError(address, 'nobody is there'));
      server.accept(theirs);
    }
    this.#open.push({ address, stream: theirs });
    return Promise.resolve(ours);
  };

  /** Ends all connections to `address`, and takes no more. */
  takeDown(address: string): void {
    this.down.add(address);
    for (const open of this.#open) if (open.address === address) open.stream.destroy();
  }

  /** Ends everything of the cluster's, so that timers which are left are the client's. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#nameServers.values(), ...this.#allBrokers.map(({ server }) => server)].map((server) => server.close()),
    );
    for (const broker of this.#allBrokers) broker.releasePulls({ code: ResponseCode.PULL_NOT_FOUND });
    await this.clock.advance(0);
  }

  bringUp(address: string): void {
    this.down.delete(address);
  }

  /** Has name servers say this of topics; undefined: the truth. An answer that is undefined: there is no such topic. */
  answerRoutes(answers: RouteAnswers | undefined): void {
    this.routes = answers;
  }

  /** Makes the broker known by another address, too. */
  alias(address: string, broker: FakeBroker): void {
    this.#aliases.set(address, broker);
  }

  /** Whatever comes to `address` from now on is neither read nor answered. */
  silence(address: string): void {
    this.hung.add(address);
    for (const open of this.#open) if (open.address === address) open.stream.removeAllListeners('data').pause();
  }

  /** Lets everything happen that needs no time, until `test` is true. */
  async until(what: string, test: () => boolean): Promise<void> {
    for (let turn = 0; turn < 200; turn++) {
      if (test()) return;
      await this.clock.advance(0);
    }
    throw new Error(`it did not come about without time passing: ${what}`);
  }

  routeOf(topic: string): TopicRouteData | undefined {
    const queues = this.topics.get(topic);
    if (queues === undefined) return undefined;
    const up = this.brokers.filter((broker) => !broker.unregistered);
    return {
      queueDatas: up.map(({ name }) => ({
        brokerName: name,
        readQueueNums: queues,
        writeQueueNums: queues,
        perm: 6,
        topicSysFlag: 0,
      })),
      brokerDatas: up.map(({ name, address }) => ({
        cluster: 'DefaultCluster',
        brokerName: name,
        brokerAddrs: new Map([[0, address]]),
      })),
    };
  }

  #nameServer(nameServer: string): RemotingServer {
    const kv = new Map<string, string>();
    this.kv.push(kv);
    const handlers = handlerTable({
      PUT_KV_CONFIG: ({ header: { namespace, key, value } }) => {
        kv.set(`${namespace}/${key}`, value);
        return {};
      },
      GET_KV_CONFIG: ({ header: { namespace, key } }) => {
        const value = kv.get(`${namespace}/${key}`);
        return value === undefined ? { code: ResponseCode.QUERY_NOT_FOUND } : { header: { value } };
      },
      GET_ROUTEINFO_BY_TOPIC: ({ header }) => {
        this.routeRequests.push(header.topic);
        const said = this.routes?.(nameServer, header.topic);
        if (said || this.routes) return said ?? { code: ResponseCode.TOPIC_NOT_EXIST, remark: 'no route' };
        const route = this.routeOf(header.topic);
        return route
          ? { body: encodeRouteData(route, true) }
          : { code: ResponseCode.TOPIC_NOT_EXIST, remark: 'no route' };
      },
      GET_BROKER_CLUSTER_INFO: () => ({
        body: encodeClusterInfo({
          brokerAddrTable: new Map(
            this.routeOf('TBW102')?.brokerDatas.map((broker) => [broker.brokerName, broker]) ?? [],
          ),
          clusterAddrTable: new Map([['DefaultCluster', this.brokers.map(({ name }) => name)]]),
        }),
      }),
    });
    return new RemotingServer({ handlers, clock: this.clock, logger: silentLogger });
  }
}
