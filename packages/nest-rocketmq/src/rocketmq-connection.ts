// Holds the app's one client and one producer and the backend under them: started at first use, closed with the app.
import { NotRunningError } from '@nest-rocketmq/remoting/internal';
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from '@nestjs/common';
import { RocketMQClient } from '@nest-rocketmq/client';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { DroppedReply, Producer, RequestCounts, TransactionListener } from '@nest-rocketmq/client';
import type { Clock, Logger as ClientLogger } from '@nest-rocketmq/remoting/internal';
import type { RocketMQBackend } from './backends/backend.js';
import type { WatchedWork } from './backends/embedded-options.js';
import { ConnectionStatus } from './connection-status.js';
import { located } from './option-checks.js';
import { loggerOf } from './options/cluster-logger.js';
import type { CheckedProducerSettings } from './options/producer-settings.js';
import type { ResolvedOptions } from './options/rocketmq.options.js';
import { ROCKETMQ_BACKEND, ROCKETMQ_RESOLVED_OPTIONS } from './rocketmq.tokens.js';
import { createDeclaredTopics } from './topics/declared-topics.js';
import { TransactionListeners } from './transactions/transaction-listeners.js';
import {
  CLIENT_ON_MANUAL_CLOCK,
  autoBatchOnManualClock,
  inRealTime,
  isManual,
  withClockHeld,
} from './manual-clock-settings.js';

interface Started {
  readonly client: RocketMQClient;
  readonly producer: Producer;
}

/** What a template sends with. */
export type ProducerSource = Pick<
  RocketMQConnection,
  'clock' | 'droppedReplies' | 'requestCounts' | 'producer' | 'running' | 'status'
>;

/** A producer besides the one of the connection. */
export interface ExtraProducer {
  readonly group: string;
  readonly settings: CheckedProducerSettings;
}

const NO_REQUESTS: RequestCounts = {
  pending: 0,
  answered: 0,
  timedOut: 0,
  failed: 0,
  late: 0,
  duplicate: 0,
  unknown: 0,
};

@Injectable()
export class RocketMQConnection {
  readonly #logger: Logger;
  readonly #droppedReplies = new Subject<DroppedReply>();
  readonly #declared = new Set<string>();
  /** Whether servers answer. */
  readonly status = new ConnectionStatus();
  #client: RocketMQClient | undefined;
  #started: Promise<Started> | undefined;
  #running: Producer | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    @Inject(ROCKETMQ_BACKEND) private readonly backend: RocketMQBackend,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    private readonly transactions: TransactionListeners,
  ) {
    this.#logger = loggerOf(options.cluster);
  }

  /** What the log calls the backend: 'embedded', 'cluster', … */
  get backendName(): string {
    return this.backend.name;
  }

  /** The backend's clock; undefined for the machine's. */
  get clock(): Clock | undefined {
    return this.backend.clock;
  }

  /** Shows the app to a backend that a test uses. */
  adopt(listeners: object): void {
    this.backend.adopt?.(listeners);
  }

  /** Tells a backend that a test uses what the app waits for outside of its brokers. */
  watch(work: WatchedWork): void {
    this.backend.watch?.(work);
  }

  /** Says that the app begins to start, before it connects to any cluster. */
  discovering(): void {
    this.backend.discovering?.();
  }

  /** What runs around sends, listeners and polls. */
  get hooks(): ResolvedOptions['hooks'] {
    return this.options.hooks;
  }

  /** Replies that came for requests that were over. */
  get droppedReplies(): Observable<DroppedReply> {
    return this.#droppedReplies;
  }

  /** What has become of the app's requests; all zero before the first. */
  get requestCounts(): RequestCounts {
    return this.#client?.requestCounts ?? NO_REQUESTS;
  }

  /** Starts the connection if nobody has: another provider's onModuleInit may send before this module's has run. */
  async client(): Promise<RocketMQClient> {
    return (await this.#start()).client;
  }

  async producer(): Promise<Producer> {
    return (await this.#start()).producer;
  }

  /** Starts another producer on the connection, which ends with it. */
  async extraProducer(extra: ExtraProducer): Promise<Producer> {
    return this.#startProducer(await this.client(), extra);
  }

  /** The producer, if the connection is started and not closing: then there is nothing to wait for. */
  get running(): Producer | undefined {
    return this.#closing ? undefined : this.#running;
  }

  /** Says that the app has begun to close. Listeners that still run may send until `close`. */
  closing(): void {
    this.backend.stopping?.();
  }

  /** Closes once, however often it is called: Nest closes an app again whose start has failed. */
  close(): Promise<void> {
    return (this.#closing ??= this.#closeAll());
  }

  async #closeAll(): Promise<void> {
    this.status.closed();
    const starting = this.#started;
    if (!starting) return;
    // If the start failed, its caller has the error, and there is nothing to close.
    const started = await starting.catch(() => undefined);
    if (!started) return;
    await this.#closePart('the client', () => this.#shutDown(started));
    await this.#closePart(`the ${this.backend.name} backend`, () => this.backend.stop());
  }

  async #shutDown({ client, producer }: Started): Promise<void> {
    const { shutdownTimeout } = this.options;
    if (isManual(this.clock)) await inRealTime(shutdownTimeout, (late) => producer.shutdown(late));
    await client.shutdown();
  }

  #start(): Promise<Started> {
    if (this.#closing) {
      return Promise.reject(new NotRunningError('the app', 'closed', 'Nothing more can be sent or received'));
    }
    this.#started ??= this.#connect();
    return this.#started;
  }

  async #connect(): Promise<Started> {
    await this.transactions.discover();
    const nameServer = await this.backend.start().catch((error: unknown) => {
      throw located(error, this.options.where, 'embedded');
    });
    let client: RocketMQClient | undefined;
    try {
      client = this.#newClient(nameServer);
      await client.start();
      this.#client = client;
      await this.#createTopics(client);
      const producer = await this.#startProducer(client, {
        group: this.options.group,
        settings: this.options.producer,
      });
      this.#running = producer;
      if (this.backend.name !== 'embedded') this.#logger.log(`connected to ${this.backend.name} ${nameServer}`);
      this.status.connected(client);
      return { client, producer };
    } catch (error) {
      await this.#closePart('the client', async () => client?.shutdown());
      await this.#closePart(`the ${this.backend.name} backend`, () => this.backend.stop());
      throw located(error, this.options.where, 'producer');
    }
  }

  /** Creates the topics of modules that were loaded after the start. @throws TopicNotCreatedError */
  async declareTopics(): Promise<void> {
    if (this.#started) await this.#createTopics(await this.client());
  }

  async #createTopics({ admin }: RocketMQClient): Promise<void> {
    const fresh = this.options.topics().filter(({ name }) => !this.#declared.has(name));
    for (const { name } of fresh) this.#declared.add(name);
    await createDeclaredTopics(admin, fresh);
  }

  async #startProducer(client: RocketMQClient, { group, settings }: ExtraProducer): Promise<Producer> {
    const producer = client.createProducer({
      ...settings,
      hooks: this.hooks,
      ...(isManual(this.clock) && autoBatchOnManualClock(settings)),
      group,
      transactionListener: this.#transactionListener(),
      // Brokers check transactions only with producers that they know: register before the first send.
      topics: this.transactions.topics,
    });
    await producer.start();
    return producer;
  }

  /** @throws InvalidOptionError */
  #newClient(nameServer: string): RocketMQClient {
    try {
      return new RocketMQClient({
        nameServer,
        dial: this.backend.dial,
        clock: this.backend.clock,
        localOffsetStoreDir: this.backend.localOffsetStoreDir,
        logger: this.#clientLogger(),
        onReplyDropped: (dropped) => this.#droppedReplies.next(dropped),
        ...(isManual(this.clock) && CLIENT_ON_MANUAL_CLOCK),
        ...this.options.identity,
      });
    } catch (error) {
      // Without a place among the producer's options.
      throw located(error, this.options.where);
    }
  }

  /** What the client logs about routes and queues matters on a cluster only: an embedded broker creates topics as needed. */
  #clientLogger(): ClientLogger {
    if (this.backend.name !== 'embedded') return this.#logger;
    return {
      log: () => {},
      warn: (message) => this.#logger.warn(message),
      error: (message) => this.#logger.error(message),
    };
  }

  #transactionListener(): TransactionListener {
    return {
      executeLocalTransaction: (message, arg) => this.transactions.executeLocalTransaction(message, arg),
      checkLocalTransaction: (message) =>
        withClockHeld(this.clock, `the check of transaction ${message.msgId} on topic ${message.topic}`, () =>
          this.transactions.checkLocalTransaction(message),
        ),
    };
  }

  /** An error in one part must not keep the others open. */
  async #closePart(what: string, close: () => Promise<void> | undefined): Promise<void> {
    try {
      await close();
    } catch (error) {
      this.#logger.error(`${what} did not close cleanly: ${String(error)}`);
    }
  }
}
