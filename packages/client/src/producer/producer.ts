// Owns a producer: the calls an application makes, and its start and end. Leaves attempts to send, queue choice to
// choose-queue, batches and transactions to the files of their names.
import { InvalidOptionError, NotRunningError } from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import { InvalidMessageError } from '../errors.js';
import type { ProducerMember, TransactionCheck } from '../groups/group-registry.js';
import { prepareBatch } from './batch.js';
import { integerIn } from '../config/options.js';
import { sharedAbortController } from '../time/timing.js';
import { RoundRobin, queueOfKey } from './choose-queue.js';
import { Requester } from './request.js';
import { addressed, replyMessage, sendReply } from './reply.js';
import { compressed, prepare } from './outgoing.js';
import type { PreparedMessage } from './outgoing.js';
import { resolveProducerOptions } from './producer-options.js';
import type {
  AskOptions,
  OutgoingMessage,
  ProducerOptions,
  ReplyOptions,
  ResolvedProducerOptions,
  SendOptions,
  SendResult,
  TransactionSendResult,
} from './producer-options.js';
import { Sender } from './send.js';
import { Transactions } from './transaction.js';
import { Turns } from './turns.js';

type State = 'not started' | 'running' | 'shut down';

const DEFAULT_SHUTDOWN_DEADLINE_MS = 30_000;
const LONGEST_REQUEST_MS = 24 * 3_600_000;

/** Made by RocketMQClient.createProducer. */
export class Producer implements ProducerMember {
  readonly group: string;
  readonly #context: ClientContext;
  readonly #options: ResolvedProducerOptions;
  readonly #sender: Sender;
  readonly #roundRobin = new RoundRobin();
  readonly #transactions: Transactions | undefined;
  readonly #closing = sharedAbortController();
  readonly #turns: Turns;
  readonly #requester: Requester;
  #state: State = 'not started';

  /** @internal */
  constructor(context: ClientContext, options: ProducerOptions) {
    this.#context = context;
    this.#options = resolveProducerOptions(options);
    this.group = this.#options.group;
    this.#turns = new Turns(this.group, context);
    const { clock, routes, brokers, logger } = context;
    const closing = this.#closing.signal;
    this.#sender = new Sender({ clock, routes, brokers, roundRobin: this.#roundRobin, closing }, this.#options);
    this.#requester = new Requester({
      group: this.group,
      context,
      turns: this.#turns,
      prepare: (message) => this.#prepare(message),
      send: (prepared, message, sendOptions) => this.#send(prepared, message, sendOptions),
    });
    const listener = this.#options.transactionListener;
    this.#transactions =
      listener && new Transactions({ group: this.group, listener, clock, closing, logger, routes, brokers });
  }

  /** @throws NameServerUnreachableError, GroupInUseError, NotRunningError after shutdown */
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
   * Takes no more sends, waits for those under way, and leaves the group.
   * @param options deadline for the sends under way, ms; default 30000. What still waits for its turn then is rejected.
   */
  async shutdown(options: { deadline?: number } = {}): Promise<void> {
    const wasRunning = this.#state === 'running';
    this.#state = 'shut down';
    if (!wasRunning) return;
    await this.#turns.drain(options.deadline ?? DEFAULT_SHUTDOWN_DEADLINE_MS);
    this.#closing.abort();
    this.#requester.abandon();
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
    return this.#turns.take({
      prepare: () => this.#prepare(message),
      send: (prepared) => this.#send(prepared, message, options),
    });
  }

  /** Resolves once the bytes are handed to the connection; nobody says whether the message was stored. */
  async sendOneway(message: OutgoingMessage, options: SendOptions = {}): Promise<void> {
    this.#mustRun();
    await this.#turns.take({
      prepare: () => this.#prepare(message),
      send: async (prepared) => {
        const { writable } = await this.#sender.route(prepared.topic, options.timeout ?? this.#options.sendMsgTimeout);
        const queue = chosenQueue(writable, message, options) ?? this.#roundRobin.choose(prepared.topic, writable);
        return this.#sender.sendOneway(queue, prepared);
      },
      freed: (connection) => connection.written(),
    });
  }

  /** Stores messages of one topic in one request, one after the other in one queue. */
  async sendBatch(messages: OutgoingMessage[], options: SendOptions = {}): Promise<SendResult> {
    this.#mustRun();
    const { ids, clock } = this.#context;
    return this.#turns.take({
      prepare: () => prepareBatch(messages, ids, clock.now(), this.#options.maxMessageSize),
      send: (prepared) => this.#send(prepared, messages[0]!, options),
    });
  }

  /**
   * Stores the message undelivered, runs `executeLocalTransaction`, and lets the broker deliver or drop it accordingly.
   * @throws as `send` when the half message could not be stored; then the listener is not called
   */
  async sendMessageInTransaction(message: OutgoingMessage, arg?: unknown): Promise<TransactionSendResult> {
    this.#mustRun();
    const transactions = this.#transactions;
    if (!transactions) {
      throw new InvalidOptionError('transactionListener', undefined, 'one is needed to send messages in transactions');
    }
    return this.#turns.during(async () => {
      const sent = await this.#turns.take({
        prepare: async () => transactions.half(await this.#prepare(message)),
        send: (half) => this.#sender.sendToAny(half, this.#options.sendMsgTimeout),
      });
      return transactions.conclude(message, sent, arg);
    });
  }

  /**
   * Sends a request to whoever consumes its topic, and resolves with the first reply. The request is a message like any
   * other: it is stored, and may be consumed after its time is over.
   * @throws ReplyTimeoutError when none came in time, TooManyRequestsError, and as `send` when it could not be sent
   */
  async request(message: OutgoingMessage, options: AskOptions = {}): Promise<MessageExt> {
    this.#mustRun();
    const timeout = integerIn('timeout', options.timeout, this.#options.sendMsgTimeout, 1, LONGEST_REQUEST_MS, ' (ms)');
    return this.#requester.ask(message, options, timeout);
  }

  /**
   * Replies to a request that a consumer was given. Resolves when the requester has the reply.
   * @throws NotARequestError, RequesterGoneError when the requester is not connected any more, SendFailedError
   */
  async replyTo(request: MessageExt, body: Uint8Array | string, options: ReplyOptions = {}): Promise<SendResult> {
    this.#mustRun();
    const { timeout = this.#options.sendMsgTimeout, ...content } = options;
    const message = replyMessage(request, { ...content, body });
    const { clock } = this.#context;
    return this.#turns.take({
      prepare: async () => addressed(await this.#prepare(message), request),
      send: (prepared) =>
        sendReply({ sender: this.#sender, clock, closing: this.#closing.signal }, prepared, request, timeout),
    });
  }

  /** @internal */
  checkTransaction(check: TransactionCheck, message: MessageExt): void {
    if (this.#transactions) return this.#transactions.check(check, message);
    this.#context.logger.warn(
      `a broker asks producer ${this.group} about transaction ${message.msgId}, but it has no transactionListener`,
    );
  }

  /** The queues that messages of the topic are spread over. @throws TopicNotFoundError, NameServerUnreachableError */
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
        `the message is for topic ${message.topic}, but the queue given is of topic ${options.messageQueue.topic}`,
      );
    }
    return options.messageQueue;
  }
  if (options.selector) {
    const queue = options.selector(queues, message);
    if (!queue) throw new InvalidMessageError('the selector chose no queue');
    return queue;
  }
  return options.shardingKey === undefined ? undefined : queueOfKey(queues, options.shardingKey);
}
