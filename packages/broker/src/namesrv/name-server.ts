// Answers the requests that a name server receives.
import {
  MASTER_ID,
  MQVersion,
  Permission,
  Repeating,
  ResponseCode,
  bodyCrc,
  decodeDataVersion,
  decodeRegisterBroker,
  encodeClusterInfo,
  encodeJson,
  encodeMemberGroup,
  encodeRouteData,
  parseJson,
  printable,
} from '@nest-rocketmq/remoting/internal';
import type { Answer, Clock, Handlers, IncomingRequest, Logger, Requests } from '@nest-rocketmq/remoting/internal';
import { ORDER_TOPIC_CONFIG } from './kv-config.js';
import type { KVConfig } from './kv-config.js';
import type { RouteTable } from './route-table.js';

/** How often silent brokers are looked for, ms. */
const SCAN_NOT_ACTIVE_BROKER_INTERVAL = 5_000;

type Request<Name extends keyof typeof Requests> = IncomingRequest<(typeof Requests)[Name]>;

export class NameServer {
  readonly #scan: Repeating;

  constructor(
    private readonly routes: RouteTable,
    private readonly kv: KVConfig,
    private readonly options: { clock: Clock; logger: Logger; supportActingMaster: boolean },
  ) {
    const { clock, logger } = options;
    this.#scan = new Repeating({
      clock,
      logger,
      name: 'the scan for silent brokers',
      interval: SCAN_NOT_ACTIVE_BROKER_INTERVAL,
      run: () => this.#closeSilent(),
      isNeeded: () => routes.brokers().size > 0,
    });
  }

  handlers(): Handlers<'namesrv'> {
    return {
      ...this.#kvHandlers(),
      ...this.#toolHandlers(),
      REGISTER_BROKER: (request) => this.#register(request),
      UNREGISTER_BROKER: ({ header }) => {
        this.routes.unregister(header);
        return {};
      },
      QUERY_DATA_VERSION: ({ header, body }) => {
        const version = body.length > 0 ? decodeDataVersion(parseJson(body)) : undefined;
        const { changed, known } = this.routes.compareVersion(header, version);
        return { header: { changed }, ...(known && { body: encodeJson(known) }) };
      },
      BROKER_HEARTBEAT: ({ header }) => {
        this.routes.heartbeat(header);
        return {};
      },
      GET_BROKER_MEMBER_GROUP: ({ header: { clusterName, brokerName } }) => {
        const known = this.routes.brokers().get(brokerName);
        const brokerAddrs = known?.cluster === clusterName ? known.brokerAddrs : new Map<number, string>();
        return { body: encodeMemberGroup(clusterName, brokerName, brokerAddrs) };
      },
      GET_ROUTEINFO_BY_TOPIC: (request) => this.#route(request),
      GET_BROKER_CLUSTER_INFO: () => this.#clusterInfo(),
      GET_ALL_TOPIC_LIST_FROM_NAMESERVER: () => ({ body: encodeJson({ topicList: this.routes.topicNames() }) }),
      GET_TOPICS_BY_CLUSTER: ({ header }) => ({
        body: encodeJson({ topicList: this.routes.topicNamesOfCluster(header.cluster) }),
      }),
      DELETE_TOPIC_IN_NAMESRV: ({ header }) => {
        this.routes.deleteTopic(header.topic, header.clusterName);
        return {};
      },
    };
  }

  /** Ends the registrations of brokers that were reached over this connection. */
  connectionClosed(connection: object): void {
    this.routes.channelClosed(connection);
  }

  stop(): void {
    this.#scan.stop();
  }

  #kvHandlers(): Pick<
    Handlers<'namesrv'>,
    'PUT_KV_CONFIG' | 'GET_KV_CONFIG' | 'DELETE_KV_CONFIG' | 'GET_KVLIST_BY_NAMESPACE'
  > {
    return {
      PUT_KV_CONFIG: async ({ header }) => {
        await this.kv.put(header.namespace, header.key, header.value);
        return {};
      },
      GET_KV_CONFIG: ({ header: { namespace, key } }) => {
        const value = this.kv.get(namespace, key);
        if (value !== undefined) return { header: { value } };
        const remark = `No config item, Namespace: ${printable(namespace)} Key: ${printable(key)}`;
        return { code: ResponseCode.QUERY_NOT_FOUND, remark };
      },
      DELETE_KV_CONFIG: async ({ header }) => {
        await this.kv.delete(header.namespace, header.key);
        return {};
      },
      GET_KVLIST_BY_NAMESPACE: ({ header }) => {
        const table = this.kv.list(header.namespace);
        if (table) return { body: encodeJson({ table }) };
        return {
          code: ResponseCode.QUERY_NOT_FOUND,
          remark: `No config item, Namespace: ${printable(header.namespace)}`,
        };
      },
    };
  }

  #toolHandlers(): Pick<
    Handlers<'namesrv'>,
    'GET_SYSTEM_TOPIC_LIST_FROM_NS' | 'GET_NAMESRV_CONFIG' | 'WIPE_WRITE_PERM_OF_BROKER' | 'ADD_WRITE_PERM_OF_BROKER'
  > {
    return {
      GET_SYSTEM_TOPIC_LIST_FROM_NS: () => this.#systemTopics(),
      GET_NAMESRV_CONFIG: () => ({
        body: Buffer.from(
          `scanNotActiveBrokerInterval=${SCAN_NOT_ACTIVE_BROKER_INTERVAL}\n` +
            `supportActingMaster=${this.options.supportActingMaster}\n`,
          'utf8',
        ),
      }),
      WIPE_WRITE_PERM_OF_BROKER: ({ header }) => ({
        header: { wipeTopicCount: this.routes.changePermission(header.brokerName, (perm) => perm & ~Permission.WRITE) },
      }),
      ADD_WRITE_PERM_OF_BROKER: ({ header }) => ({
        header: {
          // As in Apache's: no other bit is kept.
          addTopicCount: this.routes.changePermission(header.brokerName, () => Permission.READ | Permission.WRITE),
        },
      }),
    };
  }

  #register({ header, body, connection }: Request<'REGISTER_BROKER'>): Answer<typeof Requests.REGISTER_BROKER> {
    if (header.bodyCrc32 && bodyCrc(body) !== header.bodyCrc32) {
      return { code: ResponseCode.SYSTEM_ERROR, remark: 'crc32 not match' };
    }
    if (header.compressed) {
      return {
        code: ResponseCode.SYSTEM_ERROR,
        remark: 'a compressed registration is not read: set compressedRegister=false',
      };
    }
    const { dataVersion, topicConfigTable } = decodeRegisterBroker(body);
    const { brokerName, brokerAddr, clusterName, brokerId, haServerAddr, heartbeatTimeoutMillis } = header;
    const { enableActingMaster } = header;
    const answer = this.routes.register({
      brokerName,
      brokerAddr,
      clusterName,
      brokerId,
      haServerAddr,
      heartbeatTimeoutMillis,
      enableActingMaster,
      dataVersion,
      topics: topicConfigTable.values(),
      channel: connection,
    });
    if (answer.refused) return { code: ResponseCode.SYSTEM_ERROR, remark: answer.refused };
    this.#scan.start();
    const { masterAddr, haServerAddr: masterHa } = answer;
    const order = this.kv.list(ORDER_TOPIC_CONFIG);
    return {
      header: brokerId === MASTER_ID ? {} : { masterAddr, haServerAddr: masterHa },
      ...(order && { body: encodeJson({ table: order }) }),
    };
  }

  #route({ header, version }: Request<'GET_ROUTEINFO_BY_TOPIC'>): Answer<typeof Requests.GET_ROUTEINFO_BY_TOPIC> {
    const route = this.routes.route(header.topic);
    if (!route) {
      const remark = `No topic route info in name server for the topic: ${printable(header.topic)}`;
      return { code: ResponseCode.TOPIC_NOT_EXIST, remark };
    }
    const standard = version >= MQVersion.V4_9_4 || header.acceptStandardJsonOnly === true;
    return { body: encodeRouteData(route, standard) };
  }

  #clusterInfo(): Answer<typeof Requests.GET_BROKER_CLUSTER_INFO> {
    const clusterAddrTable = new Map([...this.routes.clusters()].map(([name, members]) => [name, [...members]]));
    return { body: encodeClusterInfo({ brokerAddrTable: new Map(this.routes.brokers()), clusterAddrTable }) };
  }

  /** Topics that bear the name of a cluster or a broker, and an address to ask that broker for its own. */
  #systemTopics(): Answer {
    const brokers = [...this.routes.brokers().values()];
    const topicList = [...this.routes.clusters().keys(), ...brokers.map((broker) => broker.brokerName)];
    const [brokerAddr = ''] = brokers.flatMap((broker) => [...broker.brokerAddrs.values()]);
    return { body: encodeJson({ topicList, brokerAddr }) };
  }

  #closeSilent(): void {
    for (const channel of this.routes.expire()) (channel as { close?: () => void }).close?.();
  }
}
