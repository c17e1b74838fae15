// Keeps the connected producers and consumers by group, and what each group subscribes to.
import { Repeating, Requests, printable } from '@nest-rocketmq/remoting/internal';
import type { Clock, Connection, ConsumerData, Logger, SubscriptionData } from '@nest-rocketmq/remoting/internal';
import { GroupAgreement } from './group-agreement.js';
import { SharedClientIds } from './shared-client-ids.js';
import { ProducerConnections } from './producer-connections.js';
import { requireAtMost } from '../config/limits.js';

export interface ClientInfo {
  clientId: string;
  language: string;
  version: number;
  connection: Connection;
  /** On the clock's monotonic scale, ms. */
  lastHeartbeat: number;
  /** The same for tools to show, ms since the epoch. */
  lastUpdateTimestamp: number;
}

export interface ConsumerGroup {
  readonly name: string;
  readonly clients: Map<Connection, ClientInfo>;
  readonly subscriptions: Map<string, SubscriptionData>;
  consumeType: string;
  messageModel: string;
  consumeFromWhere: string;
}

export interface ClientsOptions {
  clock: Clock;
  logger: Logger;
  /** Time without a heartbeat after which a client counts as gone, ms. */
  channelExpiredTimeout: number;
  maxGroupsPerClient: number;
  maxSubscriptionGroups: number;
  /** Whether the members of this group want to hear when others come and go. */
  notifiesChanges(group: string): boolean;
}

const SCAN_INTERVAL_MS = 10_000;
/** How often silent clients are looked for within the time after which they count as gone. */
const SCANS_UNTIL_GONE = 12;

interface Membership {
  producers: Set<string>;
  consumers: Set<string>;
}

const noGroups = (): Membership => ({ producers: new Set(), consumers: new Set() });

export class Clients {
  readonly #producers = new Map<string, Map<Connection, ClientInfo>>();
  readonly #consumers = new Map<string, ConsumerGroup>();
  readonly #producerConnections = new ProducerConnections();
  readonly #agreement: GroupAgreement;
  readonly #sharedIds: SharedClientIds;
  /** The groups that came over each connection: the names of producers' and of consumers'. */
  readonly #groupsOf = new Map<Connection, Membership>();
  readonly #scan: Repeating;
  /** Producers of a group are asked in turn. */
  #turn = 0;

  constructor(private readonly options: ClientsOptions) {
    this.#agreement = new GroupAgreement(options);
    this.#sharedIds = new SharedClientIds(options);
    this.#scan = new Repeating({
      ...options,
      name: 'the scan for silent clients',
      interval: Math.max(SCAN_INTERVAL_MS, options.channelExpiredTimeout / SCANS_UNTIL_GONE),
      run: () => this.#closeSilent(),
      isNeeded: () => this.#producers.size > 0 || this.#consumers.size > 0,
    });
  }

  /** @throws LimitExceededError */
  registerProducer(group: string, client: ClientInfo): void {
    let clients = this.#producers.get(group);
    if (!clients) {
      const { maxSubscriptionGroups } = this.options;
      requireAtMost(this.#producers.size + 1, maxSubscriptionGroups, 'maxSubscriptionGroups', 'producer groups');
    }
    this.#membership(client.connection, 'producers', group);
    if (!clients) this.#producers.set(group, (clients = new Map()));
    clients.set(client.connection, client);
    this.#producerConnections.set(client.clientId, client.connection);
    this.#scan.start();
  }

  /**
   * Registers a consumer, or renews its registration.
   * @param withoutSub whether its heartbeat had no subscriptions, so that `data` has those of its group
   * @returns whether its group's members or subscriptions have changed
   * @throws LimitExceededError
   */
  registerConsumer(data: ConsumerData, client: ClientInfo, withoutSub = false): boolean {
    this.#membership(client.connection, 'consumers', data.groupName);
    let group = this.#consumers.get(data.groupName);
    if (!group) {
      const { consumeType, messageModel, consumeFromWhere } = data;
      group = {
        name: data.groupName,
        clients: new Map(),
        subscriptions: new Map(),
        consumeType,
        messageModel,
        consumeFromWhere,
      };
      this.#consumers.set(data.groupName, group);
    }
    group.consumeType = data.consumeType;
    group.messageModel = data.messageModel;
    group.consumeFromWhere = data.consumeFromWhere;
    const joined = !group.clients.has(client.connection);
    group.clients.set(client.connection, client);
    const changed = updateSubscriptions(group, data.subscriptionDataSet) || joined;
    this.#sharedIds.heard(data.groupName, client.clientId, client.connection);
    if (!withoutSub) this.#agreement.heard(data, client.clientId, client.connection);
    this.#scan.start();
    if (changed) this.#notify(group);
    return changed;
  }

  unregisterProducer(group: string, connection: Connection): void {
    const clients = this.#producers.get(group);
    this.#leave(connection, 'producers', group);
    if (!this.#groupsOf.get(connection)?.producers.size) this.#producerConnections.delete(connection);
    clients?.delete(connection);
    if (clients?.size === 0) this.#producers.delete(group);
  }

  unregisterConsumer(groupName: string, connection: Connection): void {
    const group = this.#consumers.get(groupName);
    this.#leave(connection, 'consumers', groupName);
    if (!group?.clients.delete(connection)) return;
    this.#agreement.left(groupName, connection);
    this.#sharedIds.left(groupName, connection);
    if (group.clients.size === 0) this.#consumers.delete(groupName);
    else this.#notify(group);
  }

  /** Unregisters all clients of a connection that has closed. */
  connectionClosed(connection: Connection): void {
    const { producers, consumers } = this.#groupsOf.get(connection) ?? noGroups();
    for (const group of producers) this.unregisterProducer(group, connection);
    for (const group of consumers) this.unregisterConsumer(group, connection);
  }

  #membership(connection: Connection, kind: keyof Membership, group: string): void {
    let groups = this.#groupsOf.get(connection);
    if (!groups) this.#groupsOf.set(connection, (groups = noGroups()));
    if (groups[kind].has(group)) return;
    const { maxGroupsPerClient } = this.options;
    const count = groups.producers.size + groups.consumers.size + 1;
    requireAtMost(count, maxGroupsPerClient, 'maxGroupsPerClient', 'groups of one client');
    groups[kind].add(group);
  }

  #leave(connection: Connection, kind: keyof Membership, group: string): void {
    const groups = this.#groupsOf.get(connection);
    groups?.[kind].delete(group);
    if (groups && groups.producers.size + groups.consumers.size === 0) this.#groupsOf.delete(connection);
  }

  consumers(group: string): ConsumerGroup | undefined {
    return this.#consumers.get(group);
  }

  /** Where the client that sends under this id is reached, if any of its producers is online. */
  producerConnection(clientId: string): Connection | undefined {
    return this.#producerConnections.get(clientId);
  }

  producers(group: string): ClientInfo[] {
    return [...(this.#producers.get(group)?.values() ?? [])];
  }

  producerGroups(): string[] {
    return [...this.#producers.keys()];
  }

  /** The groups that are online and subscribe to the topic. */
  groupsSubscribedTo(topic: string): string[] {
    return [...this.#consumers.values()].flatMap((group) => (group.subscriptions.has(topic) ? [group.name] : []));
  }

  /** The next producer of the group, in turn. */
  nextProducer(group: string): ClientInfo | undefined {
    const live = this.producers(group).filter((client) => !client.connection.closed);
    return live[this.#turn++ % live.length];
  }

  stop(): void {
    this.#scan.stop();
  }

  #notify(group: ConsumerGroup): void {
    if (!this.options.notifiesChanges(group.name)) return;
    for (const { connection } of group.clients.values()) {
      if (!connection.closed) connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: group.name });
    }
  }

  /**
   * Ends what no heartbeat has renewed. Go's client does not unregister: one of several consumers in a process that shuts
   * down is only left out of heartbeats from then on. Its client goes on, and so does its connection.
   */
  #closeSilent(): void {
    const latest = this.options.clock.monotonic() - this.options.channelExpiredTimeout;
    for (const [connection, { producers, consumers }] of this.#groupsOf) {
      const memberships = [
        ...[...producers].map((group) => ({
          client: this.#producers.get(group)?.get(connection),
          end: () => this.unregisterProducer(group, connection),
        })),
        ...[...consumers].map((group) => ({
          client: this.#consumers.get(group)?.clients.get(connection),
          end: () => this.unregisterConsumer(group, connection),
        })),
      ];
      const silent = memberships.filter(({ client }) => !client || client.lastHeartbeat < latest);
      if (silent.length === memberships.length) {
        const clientId = silent[0]?.client?.clientId ?? '';
        this.options.logger.warn(
          `client ${printable(clientId)} at ${connection.address} sends no heartbeats: closing its connection`,
        );
        connection.close();
      }
      for (const { end } of silent) end();
    }
  }
}

/** Takes the newest subscriptions. @returns whether one was added, removed or changed */
function updateSubscriptions(group: ConsumerGroup, subscriptions: readonly SubscriptionData[]): boolean {
  let changed = false;
  for (const subscription of subscriptions) {
    const old = group.subscriptions.get(subscription.topic);
    if (old && old.subVersion >= subscription.subVersion) continue;
    changed ||= !old || old.subString !== subscription.subString || old.expressionType !== subscription.expressionType;
    group.subscriptions.set(subscription.topic, subscription);
  }
  const wanted = new Set(subscriptions.map((subscription) => subscription.topic));
  for (const topic of group.subscriptions.keys()) {
    if (wanted.has(topic)) continue;
    group.subscriptions.delete(topic);
    changed = true;
  }
  return changed;
}
