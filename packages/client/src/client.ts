// Owns one client: its identity, its connections, and the producers and consumers on them. Two clients share nothing.
import { randomBytes } from 'node:crypto';
import {
  AUTO_CREATE_TOPIC_KEY,
  Connections,
  NotRunningError,
  Requests,
  UniqueIdMaker,
  localHost,
  signer,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import { Admin } from './admin.js';
import { Brokers } from './routes/brokers.js';
import { callbackHandlers } from './groups/callbacks.js';
import type { PushConsumerOptions } from './consumer/consumer-options.js';
import { LitePullConsumer } from './consumer/lite-pull-consumer.js';
import type { LitePullConsumerOptions } from './consumer/lite-pull-options.js';
import { PushConsumer } from './consumer/push-consumer.js';
import type { ClientContext } from './client-context.js';
import { describe } from './errors.js';
import { Heartbeat } from './groups/heartbeat.js';
import { GroupRegistry } from './groups/group-registry.js';
import { NameServers } from './routes/name-servers.js';
import { resolveClientOptions } from './config/options.js';
import { Outages } from './outages.js';
import type { ClientOptions, ResolvedClientOptions } from './config/options.js';
import { Producer } from './producer/producer.js';
import type { ProducerOptions } from './producer/producer-options.js';
import { PendingReplies } from './replies/pending-replies.js';
import type { RequestCounts } from './replies/pending-replies.js';
import { SendWindow } from './send-window.js';
import { Routes } from './routes/routes.js';
import { sharedAbortController } from './time/timing.js';

/** Any topic would do; this one brokers ask for as well. */
const TOPIC_TO_TRY_NAME_SERVER = AUTO_CREATE_TOPIC_KEY;

/** Of requests other than sends that wait for one broker: 64 MiB. */
const MOST_OTHER_BYTES = 64 * 1024 * 1024;

type Made = Producer | PushConsumer | LitePullConsumer;

export class RocketMQClient {
  readonly clientId: string;
  readonly admin: Admin;
  readonly #options: ResolvedClientOptions;
  readonly #connections: Connections;
  readonly #nameServers: NameServers;
  readonly #routes: Routes;
  readonly #heartbeat: Heartbeat;
  readonly #members = new GroupRegistry();
  readonly #replies: PendingReplies;
  readonly #context: ClientContext;
  readonly #made = new Set<Made>();
  readonly #closing = sharedAbortController();
  readonly #outages: Outages;
  #starting: Promise<void> | undefined;
  #started = false;
  #shutDown = false;

  /** @throws InvalidOptionError */
  constructor(options: ClientOptions) {
    this.#options = resolveClientOptions(options);
    const { clock, logger, clientIP, instanceName } = this.#options;
    this.clientId = `${clientIP ?? localHost()}@${instanceName ?? `${process.pid}#${randomBytes(6).toString('hex')}`}`;
    this.#outages = new Outages(clock, logger, this.#closing.signal);
    this.#replies = new PendingReplies(this.#options);
    this.#connections = this.#dialling();
    this.#nameServers = new NameServers({
      clock,
      closing: this.#closing.signal,
      outages: this.#outages,
      connections: this.#connections,
      addresses: this.#options.nameServers,
      timeout: this.#options.mqClientApiTimeout,
    });
    this.#routes = new Routes({
      clock,
      logger,
      outages: this.#outages,
      nameServers: this.#nameServers,
      interval: this.#options.pollNameServerInterval,
    });
    this.#heartbeat = this.#heart(clock, logger);
    this.#context = {
      clientId: this.clientId,
      clock,
      logger,
      options: this.#options,
      ids: new UniqueIdMaker(clientIP),
      members: this.#members,
      routes: this.#routes,
      brokers: new Brokers({ clock, connections: this.#connections, heartbeat: this.#heartbeat }),
      heartbeat: this.#heartbeat,
      outages: this.#outages,
      sendWindow: new SendWindow(this.#options),
      replies: this.#replies,
      closing: this.#closing.signal,
      start: () => this.start(),
      unregister: (groups) => this.#unregister(groups),
    };
    this.admin = new Admin(this.#context, this.#nameServers);
  }

  /** What has become of the requests of its producers. */
  get requestCounts(): RequestCounts {
    return this.#replies.counts;
  }

  /** @throws NameServerUnreachableError when no name server of the list answers within a bounded time */
  start(): Promise<void> {
    if (this.#shutDown) return Promise.reject(new NotRunningError('this client', 'shut down'));
    this.#starting ??= this.#start().catch((error: unknown) => {
      // The next call may find the name servers there.
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** @throws InvalidOptionError, InvalidNameError */
  createProducer(options: ProducerOptions): Producer {
    return this.#keep(new Producer(this.#context, options));
  }

  /** @throws InvalidOptionError, InvalidNameError */
  createPushConsumer(options: PushConsumerOptions): PushConsumer {
    return this.#keep(new PushConsumer(this.#context, options));
  }

  /** @throws InvalidOptionError, InvalidNameError */
  createLitePullConsumer(options: LitePullConsumerOptions): LitePullConsumer {
    return this.#keep(new LitePullConsumer(this.#context, this.admin, options));
  }

  /**
   * Shuts down what was made from it, consumers first, and closes all connections. Sends that are under way are waited
   * for; those that outlast the producer's deadline are rejected.
   */
  async shutdown(): Promise<void> {
    if (this.#shutDown) return;
    this.#shutDown = true;
    if (!this.#started) this.#closing.abort();
    await this.#starting?.catch(() => undefined);
    const made = [...this.#made];
    await Promise.all(made.filter((each) => !(each instanceof Producer)).map((consumer) => consumer.shutdown()));
    await Promise.all(made.filter((each) => each instanceof Producer).map((producer) => producer.shutdown()));
    this.#closing.abort();
    this.#heartbeat.stop();
    this.#routes.stop();
    this.#connections.closeAll();
  }

  async #start(): Promise<void> {
    await this.#nameServers.request(Requests.GET_ROUTEINFO_BY_TOPIC, {
      topic: TOPIC_TO_TRY_NAME_SERVER,
      acceptStandardJsonOnly: true,
    });
    this.#started = true;
    this.#routes.start();
    this.#heartbeat.start();
  }

  #keep<T extends Made>(made: T): T {
    this.#made.add(made);
    return made;
  }

  #dialling(): Connections {
    const { clock, logger, dial, connectTimeout, serializeType, accessKey, secretKey, securityToken } = this.#options;
    const { backPressureForAsyncSendSize } = this.#options;
    const signed = accessKey !== undefined && secretKey !== undefined;
    return new Connections({
      dial,
      clock,
      logger,
      connectTimeout,
      serializeType,
      // What may be under way is bounded by the send window already; this is for a peer that takes nothing at all.
      maxUnsentBytes: 2 * backPressureForAsyncSendSize + MOST_OTHER_BYTES,
      handlers: callbackHandlers({ members: this.#members, replies: this.#replies, clock, logger }),
      ...(signed && { sign: signer({ accessKey, secretKey, ...(securityToken && { securityToken }) }) }),
    });
  }

  #heart(clock: Clock, logger: Logger): Heartbeat {
    return new Heartbeat({
      clientId: this.clientId,
      clock,
      logger,
      connections: this.#connections,
      members: this.#members,
      outages: this.#outages,
      // Replicas are pulled from, never sent to: only consumers need to be known there.
      addresses: () => this.#routes.brokerAddresses(this.#members.consumers.size > 0),
      interval: this.#options.heartbeatBrokerInterval,
      timeout: this.#options.mqClientApiTimeout,
    });
  }

  async #unregister(groups: { producerGroup?: string; consumerGroup?: string }): Promise<void> {
    const { logger, mqClientApiTimeout } = this.#options;
    const open = this.#routes.brokerAddresses(true).flatMap((address) => this.#connections.existing(address) ?? []);
    await Promise.all(
      open.map((connection) =>
        connection
          .request(Requests.UNREGISTER_CLIENT, { clientID: this.clientId, ...groups }, { timeout: mqClientApiTimeout })
          .catch((error: unknown) => logger.debug?.(`unregister at ${connection.address}: ${describe(error)}`)),
      ),
    );
  }
}
