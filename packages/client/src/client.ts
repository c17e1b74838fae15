// Puts a client together: its identity, its connections, and the producers and consumers on them.
import { randomBytes } from 'node:crypto';
import {
  AUTO_CREATE_TOPIC_KEY,
  Connections,
  NotRunningError,
  Requests,
  UniqueIdMaker,
  localHost,
  sharedAbortController,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import { Admin } from './admin/admin.js';
import { Brokers } from './routes/brokers.js';
import { callbackHandlers } from './groups/callbacks.js';
import type { PushConsumerOptions } from './consumer/options/consumer-options.js';
import { LitePullConsumer } from './consumer/lite-pull/lite-pull-consumer.js';
import type { LitePullConsumerOptions } from './consumer/lite-pull/lite-pull-options.js';
import { PushConsumer } from './consumer/push-consumer.js';
import type { ClientContext } from './client-context.js';
import { describe } from './errors.js';
import { Heartbeat } from './groups/heartbeat.js';
import { GroupRegistry } from './groups/group-registry.js';
import { KvConfig } from './routes/kv-config.js';
import { NameServers } from './routes/name-servers.js';
import { resolveBackPressure, resolveClientOptions } from './config/options.js';
import { NamespacedAdmin } from './namespace/namespaced-admin.js';
import { NamespacedLitePullConsumer } from './namespace/namespaced-lite-pull-consumer.js';
import { NamespacedProducer } from './namespace/namespaced-producer.js';
import { NamespacedPushConsumer } from './namespace/namespaced-push-consumer.js';
import { requestHook } from './config/request-hook.js';
import { Namespace } from './config/namespace.js';
import { Outages } from './outages.js';
import type { ClientOptions, ResolvedClientOptions } from './config/options.js';
import { Producer } from './producer/producer.js';
import type { ProducerOptions } from './producer/options/producer-options.js';
import { PendingReplies } from './replies/pending-replies.js';
import type { RequestCounts } from './replies/pending-replies.js';
import { SendWindow } from './send-window.js';
import type { BackPressure, SendWindowState } from './send-window.js';
import { Routes } from './routes/routes.js';

/** Any topic would do. */
const TOPIC_TO_TRY_NAME_SERVER = AUTO_CREATE_TOPIC_KEY;

/** Most unsent bytes of requests other than sends, for one broker. */
const MOST_OTHER_BYTES = 64 * 1024 * 1024;

type Made = Producer | PushConsumer | LitePullConsumer;

/**
 * A client of one RocketMQ cluster. Its producers and consumers share its connections; two clients share nothing.
 * Create producers and consumers from it, start them, and end with `shutdown`.
 */
export class RocketMQClient {
  /** How brokers know this client: its address, and `instanceName` or the process id and random characters. */
  readonly clientId: string;
  /** Topics, offsets, and looking messages up. */
  readonly admin: Admin;
  /** The same, by the names that brokers know. */
  readonly #admin: Admin;
  readonly #options: ResolvedClientOptions;
  readonly #connections: Connections;
  readonly #nameServers: NameServers;
  readonly #routes: Routes;
  readonly #heartbeat: Heartbeat;
  readonly #members = new GroupRegistry();
  readonly #replies: PendingReplies;
  readonly #sendWindow: SendWindow;
  readonly #context: ClientContext;
  /** Those that are not shut down yet. */
  readonly #made = new Set<Made>();
  readonly #closing = sharedAbortController();
  readonly #outages: Outages;
  #starting: Promise<void> | undefined;
  #started = false;
  #stopping: Promise<void> | undefined;

  /** @throws InvalidOptionError */
  constructor(options: ClientOptions) {
    this.#options = resolveClientOptions(options);
    const { clock, logger, clientIP, instanceName } = this.#options;
    this.clientId = `${clientIP ?? localHost()}@${instanceName ?? `${process.pid}#${randomBytes(6).toString('hex')}`}`;
    this.#outages = new Outages(clock, logger, this.#closing.signal);
    this.#replies = new PendingReplies(this.#options);
    this.#sendWindow = new SendWindow(this.#options);
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
      names: new Namespace(this.#options.namespace),
      outages: this.#outages,
      kvConfig: new KvConfig(this.#nameServers),
      sendWindow: this.#sendWindow,
      replies: this.#replies,
      closing: this.#closing.signal,
      start: () => this.start(),
      ended: (made) => void this.#made.delete(made as Made),
      unregister: (groups) => this.#unregister(groups),
    };
    const { namespace } = this.#options;
    this.#admin = new Admin(this.#context, this.#nameServers);
    this.admin = namespace ? new NamespacedAdmin(this.#context, this.#nameServers) : this.#admin;
  }

  /** How many sends are under way and wait, and the limits of the former. */
  get backPressure(): SendWindowState {
    return this.#sendWindow.state;
  }

  /**
   * Changes the limits of the sends under way (Java: of a producer). It counts at once, also for sends that wait already.
   * @throws InvalidOptionError
   */
  setBackPressure(limits: Partial<BackPressure>): void {
    this.#sendWindow.adjust(resolveBackPressure(limits, this.#sendWindow.state));
  }

  /**
   * Servers that do not answer at present, and are tried again: 'host:port'. That is noticed by whatever is asked of them, and by
   * the next heartbeat at the latest.
   */
  get unreachable(): readonly string[] {
    return this.#outages.servers;
  }

  /** Calls back when `unreachable` has changed; the function returned ends that. The listener must not throw. */
  onUnreachableChanged(listener: () => void): () => void {
    return this.#outages.onChange(listener);
  }

  /** What has become of the requests of its producers. */
  get requestCounts(): RequestCounts {
    return this.#replies.counts;
  }

  /**
   * Finds a name server and begins to send heartbeats. Producers and consumers do this when they start.
   * @throws NameServerUnreachableError when no name server of the list answers within `mqClientApiTimeout` each;
   * NotRunningError after shutdown
   */
  start(): Promise<void> {
    if (this.#stopping) return Promise.reject(new NotRunningError('this client', 'shut down'));
    this.#starting ??= this.#start().catch((error: unknown) => {
      // The next call may find the name servers there.
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** A producer, to be started. @throws InvalidOptionError, InvalidNameError */
  createProducer(options: ProducerOptions): Producer {
    const { namespace } = this.#options;
    return this.#keep(
      namespace ? new NamespacedProducer(this.#context, options) : new Producer(this.#context, options),
    );
  }

  /** A push consumer, to be started. @throws InvalidOptionError, InvalidNameError */
  createPushConsumer(options: PushConsumerOptions): PushConsumer {
    const { namespace } = this.#options;
    return this.#keep(
      namespace ? new NamespacedPushConsumer(this.#context, options) : new PushConsumer(this.#context, options),
    );
  }

  /** @throws InvalidOptionError, InvalidNameError */
  createLitePullConsumer(options: LitePullConsumerOptions): LitePullConsumer {
    const { namespace } = this.#options;
    return this.#keep(
      namespace
        ? new NamespacedLitePullConsumer(this.#context, this.#admin, options)
        : new LitePullConsumer(this.#context, this.#admin, options),
    );
  }

  /**
   * Shuts down its consumers, then its producers, and closes all connections. Waits for listener calls and sends under
   * way, 30 s each at most; sends that take longer are rejected. Never rejects. A second call waits for the first.
   */
  shutdown(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (!this.#started) {
      this.#closing.abort();
      // A name server that says nothing would hold it up.
      this.#connections.closeAll();
    }
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
    const header = { topic: TOPIC_TO_TRY_NAME_SERVER, acceptStandardJsonOnly: true };
    await this.#nameServers.request(Requests.GET_ROUTEINFO_BY_TOPIC, header, () => undefined);
    this.#started = true;
    this.#routes.start();
    this.#heartbeat.start();
  }

  #keep<T extends Made>(made: T): T {
    this.#made.add(made);
    return made;
  }

  #dialling(): Connections {
    const { clock, logger, dial, connectTimeout, serializeType } = this.#options;
    const sendWindow = this.#sendWindow;
    const sign = requestHook(this.#options);
    return new Connections({
      dial,
      clock,
      logger,
      connectTimeout,
      serializeType,
      // The send window limits the sends already; this is for a peer that takes nothing at all.
      maxUnsentBytes: () => 2 * sendWindow.state.backPressureForAsyncSendSize + MOST_OTHER_BYTES,
      handlers: callbackHandlers({ members: this.#members, replies: this.#replies, clock, logger }),
      ...(sign && { sign }),
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
      open.map(async (connection) => {
        await this.#heartbeat.whenIdle(connection);
        await connection
          .request(Requests.UNREGISTER_CLIENT, { clientID: this.clientId, ...groups }, { timeout: mqClientApiTimeout })
          .catch((error: unknown) => logger.debug?.(`unregister at ${connection.address}: ${describe(error)}`));
      }),
    );
  }
}
