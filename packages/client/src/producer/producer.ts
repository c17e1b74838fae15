// Provides the calls that an application makes of a producer, its start and its shutdown.
import { InvalidOptionError, NotRunningError } from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import { InvalidMessageError } from '../errors.js';
import type { TransactionCheck } from '../groups/group-registry.js';
import { prepareBatch } from './batch.js';
import { sharedAbortController } from '../time/timing.js';
import { RoundRobin, queueOfKey } from './choose-queue.js';
import { compressed, prepare } from './outgoing.js';
import type { PreparedMessage } from './outgoing.js';
import { resolveProducerOptions } from './producer-options.js';
import type {
  OutgoingMessage,
  ProducerOptions,
  ResolvedProducerOptions,
  SendOptions,
  SendResult,
  TransactionSendResult,
} from './producer-options.js';
import { Sender } from './send.js';
import { Transactions } from './transaction.js';
import { PendingSends } from './pending-sends.js';

type State = 'not started' | 'running' | 'shut down';

const DEFAULT_SHUTDOWN_DEADLINE_MS = 30_000;

/** Sends messages. Created by `RocketMQClient.createProducer`; start it before the first send. */
export class Producer {
  /** The producer group. */
  readonly group: string;
  readonly #context: ClientContext;
  readonly #options: ResolvedProducerOptions;
  readonly #sender: Sender;
  readonly #roundRobin = new RoundRobin();
  readonly #transactions: Transactions | undefined;
  readonly #closing = sharedAbortController();
  readonly #pending: PendingSends;
  #state: State = 'not started';

  /** @internal */
  constructor(context: ClientContext, options: ProducerOptions) {
    this.#context = context;
    this.#options = resolveProducerOptions(options);
    this.group = this.#options.group;
    this.#pending = new PendingSends(this.group, context);
    const { clock, routes, brokers, logger } = context;
    const closing = this.#closing.signal;
    this.#sender = new Sender({ clock, routes, brokers, roundRobin: this.#roundRobin, closing }, this.#options);
    const listener = this.#options.transactionListener;
    this.#transactions =
      listener && new Transactions({ group: this.group, listener, clock, closing, logger, routes, brokers });
  }

  /**
   * Joins the group. Does nothing when it is running already.
   * @throws NameServerUnreachableError, GroupInUseError, NotRunningError after shutdown
   */
  async start(): Promise<void> {
    if (this.#state === 'running') return;
    if (this.#state === 'shut down') throw new NotRunningError(`producer ${this.group}`, this.#state);
    await this.#context.start();
    this.#context.members.addProducer(this);
    this.#state = 'running';
    try {
      await this.#join();
    } catch (error) {
      await this.shutdown();
      this.#state = 'not started';
      throw error;
    }
  }

  /**
   * Refuses further sends, waits for those under way, and leaves the group.
   * @param options deadline for the sends under way, ms; default 30000. Sends that still wait after it are rejected.
   */
  async shutdown(options: { deadline?: number } = {}): Promise<void> {
    const wasRunning = this.#state === 'running';
    this.#state = 'shut down';
    if (!wasRunning) return;
    await this.#pending.drain(options.deadline ?? DEFAULT_SHUTDOWN_DEADLINE_MS);
    this.#closing.abort();
    this.#context.members.remove(this);
    for (const topic of this.#options.topics) this.#context.routes.unwatch(topic);
    await this.#context.unregister({ producerGroup: this.group });
  }

  /**
   * Resolves when a broker has stored the message.
   * @throws SendFailedError when all attempts failed, TopicNotFoundError, MessageTooLargeError, TooManySendsError when
   * too many sends wait for their turn already, ResponseError when the broker refused it for good
   */
  async send(message: OutgoingMessage, options: SendOptions = {}): Promise<SendResult> {
    this.#mustRun();
    return this.#pending.run({
      prepare: () => this.#prepare(message),
      send: (prepared) => this.#send(prepared, message, options),
    });
  }

  /** Resolves once the bytes are given to the connection. The broker does not say whether it stored the message. */
  async sendOneway(message: OutgoingMessage, options: SendOptions = {}): Promise<void> {
    this.#mustRun();
    await this.#pending.run({
      prepare: () => this.#prepare(message),
      send: async (prepared) => {
        const { writable } = await this.#sender.route(prepared.topic, options.timeout ?? this.#options.sendMsgTimeout);
        const queue = chosenQueue(writable, message, options) ?? this.#roundRobin.choose(prepared.topic, writable);
        return this.#sender.sendOneway(queue, prepared);
      },
      freed: (connection) => connection.written(),
    });
  }

  /**
   * Sends messages of one topic in one request; they are stored one after the other in one queue.
   * @throws as `send`, and InvalidMessageError when a message does not fit the others
   */
  async sendBatch(messages: OutgoingMessage[], options: SendOptions = {}): Promise<SendResult> {
    this.#mustRun();
    const { ids, clock } = this.#context;
    return this.#pending.run({
      prepare: () => prepareBatch(messages, ids, clock.now(), this.#options.maxMessageSize),
      send: (prepared) => this.#send(prepared, messages[0]!, options),
    });
  }

  /**
   * Stores the message without delivering it, runs `executeLocalTransaction`, and has the broker deliver or drop it
   * accordingly.
   * @throws as `send` when the half message could not be stored; then the listener is not called
   */
  async sendMessageInTransaction(message: OutgoingMessage, arg?: unknown): Promise<TransactionSendResult> {
    this.#mustRun();
    const transactions = this.#transactions;
    if (!transactions) {
      throw new InvalidOptionError('transactionListener', undefined, 'one is needed to send messages in transactions');
    }
    return this.#pending.track(async () => {
      const sent = await this.#pending.run({
        prepare: async () => transactions.half(await this.#prepare(message)),
        send: (half) => this.#sender.sendToAny(half, this.#options.sendMsgTimeout),
      });
      return transactions.conclude(message, sent, arg);
    });
  }

  /** @internal */
  checkTransaction(check: TransactionCheck, message: MessageExt): void {
    if (this.#transactions) return this.#transactions.check(check, message);
    this.#context.logger.warn(
      `a broker asks producer ${this.group} about transaction ${message.msgId}, but it has no transactionListener`,
    );
  }

  /** The queues that messages of the topic go to. @throws TopicNotFoundError, NameServerUnreachableError */
  async fetchPublishMessageQueues(topic: string): Promise<MessageQueue[]> {
    this.#mustRun();
    return [...(await this.#sender.route(topic, this.#options.sendMsgTimeout)).writable];
  }

  async #join(): Promise<void> {
    const { routes, heartbeat, logger } = this.#context;
    const { topics } = this.#options;
    for (const topic of topics) routes.watch(topic);
    // Routes first: they say which brokers there are, and only a broker that knows this group can ask it for
    // transactions that an earlier process left open.
    const found = await Promise.all(topics.map((topic) => routes.resolve(topic)));
    for (const [index, topic] of topics.entries()) {
      if (!found[index]) logger.log(`producer ${this.group}: topic ${topic} does not exist yet`);
    }
    if (topics.length > 0) await heartbeat.beat();
    else void heartbeat.beat();
  }

  #prepare(message: OutgoingMessage): PreparedMessage | Promise<PreparedMessage> {
    const { compressMsgBodyOverHowmuch, compressLevel, maxMessageSize } = this.#options;
    const prepared = prepare(message, this.#context.ids, this.#context.clock.now(), maxMessageSize);
    return prepared.body.length < compressMsgBodyOverHowmuch
      ? prepared
      : compressed(prepared, compressMsgBodyOverHowmuch, compressLevel);
  }

  async #send(prepared: PreparedMessage, message: OutgoingMessage, options: SendOptions): Promise<SendResult> {
    const timeout = options.timeout ?? this.#options.sendMsgTimeout;
    if (!options.messageQueue && !options.selector && options.shardingKey === undefined) {
      return this.#sender.sendToAny(prepared, timeout);
    }
    const { clock } = this.#context;
    const startedAt = clock.monotonic();
    const { writable } = await this.#sender.route(prepared.topic, timeout);
    const queue = chosenQueue(writable, message, options)!;
    return this.#sender.sendTo(queue, prepared, Math.max(1, Math.ceil(timeout - (clock.monotonic() - startedAt))));
  }

  #mustRun(): void {
    if (this.#state !== 'running') throw new NotRunningError(`producer ${this.group}`, this.#state);
  }
}

/** The queue that the caller has chosen in one of three ways; undefined when any will do. */
function chosenQueue(
  queues: readonly MessageQueue[],
  message: OutgoingMessage,
  options: SendOptions,
): MessageQueue | undefined {
  if (options.messageQueue) {
    if (options.messageQueue.topic !== message.topic) {
      throw new InvalidMessageError(
        `the message is for topic ${message.topic}, but the queue given is of topic ${options.messageQueue.topic}; give one of its own`,
      );
    }
    return options.messageQueue;
  }
  if (options.selector) {
    const queue = options.selector(queues, message);
    if (!queue) throw new InvalidMessageError('the selector chose no queue; return one of those that it is given');
    return queue;
  }
  return options.shardingKey === undefined ? undefined : queueOfKey(queues, options.shardingKey);
}
