// Keeps the brokers that a name server knows, and when each of them was last heard of, and finds the routes to topics.
import { MASTER_ID, MEMBER_GROUP_TOPIC_PREFIX, Permission, printable } from '@nest-rocketmq/remoting/internal';
import type {
  BrokerData,
  Clock,
  DataVersion,
  Logger,
  QueueData,
  TopicConfig,
  TopicRouteData,
} from '@nest-rocketmq/remoting/internal';
import { withActingMasters } from './acting-master.js';
import { LimitExceededError, requireAtMost, requireShort } from '../config/limits.js';
import { TopicQueues } from './topic-queues.js';

/** A broker that has been silent for this long is gone, ms; it may name another time itself. */
export const BROKER_CHANNEL_EXPIRED_TIME = 120_000;
/** The longest time that it may name, ms: one that never expires would stay for good. */
export const MAX_HEARTBEAT_TIMEOUT = 3_600_000;

const SHORTEST_HEARTBEAT_TIMEOUT = 1_000;

export interface BrokerIdentity {
  clusterName: string;
  brokerName: string;
  brokerAddr: string;
  brokerId: number;
}

export interface BrokerRegistration extends BrokerIdentity {
  haServerAddr: string;
  /** ms; default BROKER_CHANNEL_EXPIRED_TIME */
  heartbeatTimeoutMillis?: number | undefined;
  /** Whether a slave may act for its master. Undefined: a broker before 5.0, whose slaves do not say what topics there are. */
  enableActingMaster?: boolean | undefined;
  dataVersion: DataVersion;
  topics: Iterable<TopicConfig>;
  /** The broker's connection: the registration ends with it. */
  channel: object;
  /** Whether it is the name server's own broker, which no other one can replace. */
  own?: boolean;
}

export interface RouteTableOptions {
  clock: Clock;
  logger: Logger;
  maxRegisteredBrokers: number;
  maxRegisteredTopics: number;
  /** Whether routes name a slave as the master that is away, where its brokers allow it. */
  supportActingMaster: boolean;
}

interface LiveBroker extends BrokerIdentity {
  /** On the clock's monotonic scale, ms. */
  lastUpdate: number;
  /** ms */
  timeout: number;
  dataVersion: DataVersion;
  haServerAddr: string;
  channel: object;
  own: boolean;
}

export class RouteTable {
  readonly #topics = new TopicQueues();
  readonly #brokers = new Map<string, BrokerData>();
  readonly #clusters = new Map<string, Set<string>>();
  /** by broker name and id: an address alone would belong to whichever broker named it last */
  readonly #live = new Map<string, LiveBroker>();

  constructor(private readonly options: RouteTableOptions) {}

  /**
   * Registers a broker, or renews it. Returns the addresses that a slave asks for, or why the broker is refused.
   * @throws LimitExceededError
   */
  register(broker: BrokerRegistration): { masterAddr?: string; haServerAddr?: string; refused?: string } {
    const topics = [...broker.topics];
    const known = this.#brokers.get(broker.brokerName);
    const first = known?.brokerAddrs.get(broker.brokerId) === undefined;
    if (first && topics.length === 1) return { refused: 'the first registration of a broker must name all its topics' };
    const conflict = this.#conflict(broker);
    if (conflict !== undefined) return { refused: conflict };
    // The own broker's topics are limited by its own options.
    if (!broker.own) this.#requireRoom(broker, topics);
    const before = this.#live.get(liveKey(broker));
    const data = this.#brokerData(broker);
    this.#moveAddress(data, broker);
    data.brokerAddrs.set(broker.brokerId, broker.brokerAddr);
    if (broker.brokerId === MASTER_ID) this.#updateQueues(broker, topics, first);
    else if (isPrimeSlave(broker, data))
      this.#updateQueues(broker, broker.enableActingMaster ? readOnly(topics) : topics, first);
    this.#live.set(liveKey(broker), {
      ...identityOf(broker),
      lastUpdate: this.options.clock.monotonic(),
      // The own broker unregisters itself.
      timeout: broker.own ? Infinity : timeoutOf(broker),
      dataVersion: broker.dataVersion,
      haServerAddr: broker.haServerAddr,
      channel: broker.channel,
      own: broker.own === true,
    });
    if (before && before.clusterName !== broker.clusterName) this.#leaveCluster(before);
    const masterAddr = data.brokerAddrs.get(MASTER_ID);
    if (broker.brokerId === MASTER_ID || masterAddr === undefined) return {};
    const master = this.#live.get(liveKey({ ...broker, brokerId: MASTER_ID }));
    return { masterAddr, haServerAddr: master?.haServerAddr ?? '' };
  }

  /** A broker unregisters. The name server's own broker cannot be unregistered by others. */
  unregister(broker: BrokerIdentity, channel?: object): void {
    const live = this.#live.get(liveKey(broker));
    if (live && live.brokerAddr === broker.brokerAddr && !(live.own && live.channel !== channel)) this.#remove(live);
  }

  /** Why the registration is refused; undefined where it is not. */
  #conflict(broker: BrokerRegistration): string | undefined {
    const live = this.#live.get(liveKey(broker));
    if (!live || live.channel === broker.channel) return undefined;
    if (live.own) return `broker ${broker.brokerName} with id ${broker.brokerId} is the name server's own`;
    if (live.brokerAddr === broker.brokerAddr) return undefined;
    // As in Apache's: an older state of a broker does not replace a newer one.
    if (live.dataVersion.stateVersion > broker.dataVersion.stateVersion)
      return `broker ${broker.brokerName} with id ${broker.brokerId} is registered in a newer state at ${live.brokerAddr}`;
    const places = `from ${printable(live.brokerAddr)} to ${printable(broker.brokerAddr)}`;
    this.options.logger.warn(`broker ${printable(broker.brokerName)} with id ${broker.brokerId} moves ${places}`);
    return undefined;
  }

  #requireRoom(broker: BrokerRegistration, topics: readonly TopicConfig[]): void {
    const { maxRegisteredBrokers, maxRegisteredTopics } = this.options;
    for (const name of [broker.brokerName, broker.clusterName, broker.brokerAddr, broker.haServerAddr])
      requireShort(name, 'a name or address of a broker');
    if (!this.#live.has(liveKey(broker)))
      requireAtMost(this.#live.size + 1, maxRegisteredBrokers, 'maxRegisteredBrokers', 'brokers');
    let fresh = 0;
    for (const { topicName } of topics) {
      requireShort(topicName, 'a topic');
      if (!this.#topics.has(topicName)) fresh++;
    }
    if (fresh > 0 && this.#topics.size + fresh > maxRegisteredTopics)
      throw new LimitExceededError('topics', 'maxRegisteredTopics', maxRegisteredTopics);
  }

  #remove(broker: BrokerIdentity): void {
    this.#live.delete(liveKey(broker));
    this.#leaveCluster(broker);
    const data = this.#brokers.get(broker.brokerName);
    if (!data || data.brokerAddrs.get(broker.brokerId) !== broker.brokerAddr) return;
    data.brokerAddrs.delete(broker.brokerId);
    if (data.brokerAddrs.size > 0) {
      // A slave that acts for its master takes no messages.
      const isActing = data.enableActingMaster === true && !data.brokerAddrs.has(MASTER_ID);
      if (isActing) this.changePermission(broker.brokerName, (perm) => perm & ~Permission.WRITE);
      return;
    }
    this.#brokers.delete(broker.brokerName);
    this.#topics.removeBroker(broker.brokerName);
  }

  /** A cluster lasts as long as a broker says that it is in it: a name is not kept for ever. */
  #leaveCluster({ clusterName, brokerName }: BrokerIdentity): void {
    for (const live of this.#live.values())
      if (live.clusterName === clusterName && live.brokerName === brokerName) return;
    const members = this.#clusters.get(clusterName);
    members?.delete(brokerName);
    if (members?.size === 0) this.#clusters.delete(clusterName);
  }

  /** Unregisters the brokers that were reached by `channel`, which has closed. */
  channelClosed(channel: object): void {
    for (const live of this.#live.values()) if (live.channel === channel) this.#remove(live);
  }

  /** Unregisters the brokers that have been silent for too long, and gives back what they were reached by. */
  expire(): object[] {
    const now = this.options.clock.monotonic();
    const silent = [...this.#live.values()].filter((live) => live.lastUpdate + live.timeout < now);
    for (const live of silent) this.#remove(live);
    return silent.map((live) => live.channel);
  }

  route(topic: string): TopicRouteData | undefined {
    const queues = this.#topics.of(topic);
    if (!queues) return undefined;
    const queueDatas: QueueData[] = [];
    const brokerDatas: BrokerData[] = [];
    for (const [brokerName, queueData] of queues) {
      const data = this.#brokers.get(brokerName);
      if (!data) continue;
      queueDatas.push(queueData);
      brokerDatas.push(data);
    }
    if (brokerDatas.length === 0) return undefined;
    const isPlain = !this.options.supportActingMaster || topic.startsWith(MEMBER_GROUP_TOPIC_PREFIX);
    return isPlain ? { queueDatas, brokerDatas } : withActingMasters({ queueDatas, brokerDatas });
  }

  /** A sign of life. */
  heartbeat({ brokerName, brokerAddr }: Pick<BrokerIdentity, 'brokerName' | 'brokerAddr'>): void {
    for (const live of this.#live.values())
      if (live.brokerName === brokerName && live.brokerAddr === brokerAddr)
        live.lastUpdate = this.options.clock.monotonic();
  }

  /** The version of its topics that the broker told last, and whether `version` differs. Counts as a sign of life. */
  compareVersion(broker: BrokerIdentity, version: DataVersion | undefined): { changed: boolean; known?: DataVersion } {
    const live = this.#live.get(liveKey(broker));
    if (!live || live.brokerAddr !== broker.brokerAddr) return { changed: true };
    live.lastUpdate = this.options.clock.monotonic();
    const known = live.dataVersion;
    return { changed: !version || !sameVersion(known, version), known };
  }

  /** @param clusterName only at the brokers of this cluster; default: everywhere */
  deleteTopic(topic: string, clusterName?: string): void {
    this.#topics.delete(topic, clusterName ? (this.#clusters.get(clusterName) ?? []) : undefined);
  }

  /** Changes what routes say of a broker's topics, until it registers them changed. @returns how many there are */
  changePermission(brokerName: string, change: (perm: number) => number): number {
    return this.#topics.changePermission(brokerName, change);
  }

  topicNames(): string[] {
    return this.#topics.names();
  }

  topicNamesOfCluster(clusterName: string): string[] {
    return this.#topics.namesAt(this.#clusters.get(clusterName) ?? new Set());
  }

  brokers(): ReadonlyMap<string, BrokerData> {
    return this.#brokers;
  }

  clusters(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#clusters;
  }

  #brokerData(broker: BrokerRegistration): BrokerData {
    const { clusterName, brokerName } = broker;
    let members = this.#clusters.get(clusterName);
    if (!members) this.#clusters.set(clusterName, (members = new Set()));
    members.add(brokerName);
    const enableActingMaster = broker.enableActingMaster === true;
    const known = this.#brokers.get(brokerName);
    if (known && (known.enableActingMaster ?? false) === enableActingMaster) return known;
    const brokerAddrs = known?.brokerAddrs ?? new Map<number, string>();
    const data = { cluster: known?.cluster ?? clusterName, brokerName, brokerAddrs, enableActingMaster };
    this.#brokers.set(brokerName, data);
    return data;
  }

  /** One address is one broker: a restart under another id must not leave the address under the old one. */
  #moveAddress(data: BrokerData, broker: BrokerIdentity): void {
    for (const [id, address] of data.brokerAddrs) {
      if (address === broker.brokerAddr && id !== broker.brokerId) data.brokerAddrs.delete(id);
    }
  }

  #updateQueues(broker: BrokerRegistration, topics: readonly TopicConfig[], first: boolean): void {
    const known = this.#live.get(liveKey(broker))?.dataVersion;
    this.#topics.update(broker.brokerName, topics, first || !known || !sameVersion(known, broker.dataVersion));
  }
}

/** The slave with the smallest id says what topics there are while the master is away, and it has not been there before. */
function isPrimeSlave({ brokerId, enableActingMaster }: BrokerRegistration, { brokerAddrs }: BrokerData): boolean {
  return enableActingMaster !== undefined && brokerId === Math.min(...brokerAddrs.keys());
}

function readOnly(topics: readonly TopicConfig[]): TopicConfig[] {
  return topics.map((topic) => ({ ...topic, perm: topic.perm & ~Permission.WRITE }));
}

const liveKey = ({ brokerName, brokerId }: BrokerIdentity): string => `${brokerId}@${brokerName}`;

/** What a broker says, within bounds: neither at once nor never. */
function timeoutOf({ heartbeatTimeoutMillis }: BrokerRegistration): number {
  const wanted = heartbeatTimeoutMillis ?? BROKER_CHANNEL_EXPIRED_TIME;
  return Math.min(Math.max(wanted, SHORTEST_HEARTBEAT_TIMEOUT), MAX_HEARTBEAT_TIMEOUT);
}

function identityOf({ clusterName, brokerName, brokerAddr, brokerId }: BrokerIdentity): BrokerIdentity {
  return { clusterName, brokerName, brokerAddr, brokerId };
}

function sameVersion(one: DataVersion, other: DataVersion): boolean {
  return one.counter === other.counter && one.timestamp === other.timestamp && one.stateVersion === other.stateVersion;
}
