// Puts the parts of POP together, and starts and stops them.
import { reviveTopic } from '@nest-rocketmq/remoting/internal';
import type { Connection, EventLog } from '@nest-rocketmq/remoting/internal';
import type { Environment } from '../environment.js';
import type { MessageWriter } from '../message/message-writer.js';
import type { Groups } from '../metadata/groups.js';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import { youngBytes } from '../metadata/young-queue.js';
import { REVIVE_QUEUES } from '../metadata/topics.js';
import type { Topics } from '../metadata/topics.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import type { MessageStore } from '../store/store.js';
import { Acknowledgements } from './acknowledgements.js';
import { InFlight } from './in-flight.js';
import { OrderInfos } from './order-infos.js';
import { PopPolling } from './pop-polling.js';
import { PopQueues } from './pop-queues.js';
import { ReviveQueue } from './revive-queue.js';
import { RevivedBefore } from './revived-before.js';
import { Reviver } from './reviver.js';

export interface PopServiceDeps {
  store: MessageStore;
  topics: Topics;
  groups: Groups;
  offsets: ConsumerOffsets;
  messageWriter: MessageWriter;
  stats: BrokerStats;
  log: EventLog;
  messageTimer: { deliveredUntil(now: number): number };
}

export class PopService {
  readonly polling: PopPolling;
  /** Requests that wait to be told of messages. */
  readonly notifications: PopPolling;
  readonly queues: PopQueues;
  readonly acknowledgements: Acknowledgements;
  readonly orderInfos: OrderInfos;
  readonly #revives: readonly ReviveQueue[];
  readonly #reviveTopic: string;

  private constructor(environment: Environment, deps: PopServiceDeps, orderInfos: OrderInfos, before: RevivedBefore) {
    const { config, storeHost } = environment;
    const { clock, brokerName, brokerClusterName } = config;
    this.orderInfos = orderInfos;
    this.polling = new PopPolling(clock, config);
    this.notifications = new PopPolling(clock, config);
    this.#reviveTopic = reviveTopic(brokerClusterName);
    const inFlight = new InFlight(config.popCkMaxBufferSize);
    const names = { brokerName, reviveTopic: this.#reviveTopic, storeHost };
    const parts = { ...deps, ...names, config, clock, inFlight, orderInfos, polling: this.polling };
    this.queues = new PopQueues({ ...parts, accessMessageInMemoryMaxBytes: youngBytes() });
    this.acknowledgements = new Acknowledgements(parts);
    const reviver = new Reviver({ ...parts, before });
    this.#revives = Array.from({ length: REVIVE_QUEUES }, (_, id) => new ReviveQueue({ ...parts, reviver }, id));
    orderInfos.onFree = (topic, group, queueId) => this.wake(topic, group, queueId);
  }

  static async open(environment: Environment, deps: PopServiceDeps): Promise<PopService> {
    const file = await environment.openConfig('consumerOrderInfo.json', 'table');
    const { config } = environment;
    const before = await RevivedBefore.find(deps.store, deps.offsets, reviveTopic(config.brokerClusterName));
    return new PopService(environment, deps, new OrderInfos({ ...config, ...file }), before);
  }

  start(): void {
    for (const revive of this.#revives) revive.start();
  }

  /** A message has come into a queue. */
  arrived(topic: string, queueId: number, tagsCode: number): void {
    if (topic === this.#reviveTopic) return this.#revives[queueId]?.wake();
    this.polling.arrived(topic, queueId, tagsCode);
    this.notifications.arrived(topic, queueId, tagsCode);
  }

  connectionClosed(connection: Connection): void {
    this.polling.connectionClosed(connection);
    this.notifications.connectionClosed(connection);
  }

  /** Ends what it does of its own. */
  async stop(): Promise<void> {
    await Promise.all(this.#revives.map((revive) => revive.stop()));
    this.polling.stop();
    this.notifications.stop();
  }

  save(): Promise<void> {
    return this.orderInfos.stop();
  }

  /** Something is there for the group in this queue. */
  wake(topic: string, group: string, queueId: number): void {
    this.polling.wake(topic, group, queueId);
    this.notifications.wake(topic, group, queueId);
  }
}
