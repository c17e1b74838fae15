// Provides the calls that an application makes of a producer, its start and its shutdown.
import { InvalidOptionError, NotRunningError, sharedAbortController } from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import type { TransactionCheck } from '../groups/group-registry.js';
import { AutoBatch } from './batch/auto-batch.js';
import { BatchSender } from './batch/batch-sender.js';
import { RoundRobin } from './queues/choose-queue.js';
import { FaultStrategy } from './queues/fault-strategy.js';
import { joinTopics } from './join-topics.js';
import { Requester } from './request-reply/request.js';
import { addressed, replyMessage, sendReply } from './request-reply/reply.js';
import { resolveProducerOptions } from './options/producer-options.js';
import type {
  AskOptions,
  BatchMessage,
  OutgoingMessage,
  ReplyOptions,
  ResolvedProducerOptions,
  SendOptions,
  SendResult,
  Transaction,
  TransactionSendResult,
} from './options/producer-options.js';
import { producerTrace } from './send/trace-sender.js';
import { recall } from './recall.js';
import { runInTransaction } from './transaction/run-in-transaction.js';
import { Sender } from './send/send.js';
import { SendCalls } from './send/send-calls.js';
import { HALF, ONEWAY, REPLY, REQUEST, SEND, SendHooks } from './hooks/send-hooks.js';
import type { ShutdownOptions } from '../shutdown-options.js';
import { Transactions } from './transaction/transaction.js';
import { PendingSends } from './send/pending-sends.js';

type State = 'not started' | 'running' | 'shut down';

const DEFAULT_SHUTDOWN_DEADLINE_MS = 30_000;

/** Sends messages. Created by `RocketMQClient.createProducer`; start it before the first send. */
export class Producer {
  /** The producer group. */
  readonly group: string;
  readonly #context: ClientContext;
  readonly #options: ResolvedProducerOptions;
  readonly #sender: Sender;
  readonly #transactions: Transactions;
  readonly #closing = sharedAbortController();
  readonly #pending: PendingSends;
  readonly #requester: Requester;
  readonly #trace: ReturnType<typeof producerTrace>;
  readonly #calls: SendCalls;
  readonly #batches: BatchSender;
  readonly #autoBatch: AutoBatch | undefined;
  readonly #faults: FaultStrategy;
  readonly #hooks: SendHooks | undefined;
  #state: State = 'not started';
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  /** @internal */
  constructor(context: ClientContext, options: Parameters<typeof resolveProducerOptions>[0]) {
    this.#context = context;
    this.#options = resolveProducerOptions(options);
    this.group = this.#options.group;
    this.#pending = new PendingSends(this.group, context);
    const { clock, routes, brokers, logger } = context;
    const closing = this.#closing.signal;
    const roundRobin = new RoundRobin();
    this.#faults = new FaultStrategy({ clock, logger, routes, brokers, roundRobin }, this.#options);
    const faults = this.#options.sendLatencyFaultEnable ? { faults: this.#faults } : {};
    const trace = (this.#trace = producerTrace(context, this.#options));
    this.#sender = new Sender({ clock, routes, brokers, roundRobin, closing, trace, ...faults }, this.#options);
    const parts = { context, clock, options: this.#options, pending: this.#pending, sender: this.#sender, roundRobin };
    const calls = new SendCalls(parts);
    this.#calls = calls;
    const batches = new BatchSender({ ...parts, calls, closing });
    this.#batches = batches;
    const { autoBatch } = this.#options;
    if (autoBatch) this.#autoBatch = new AutoBatch({ ...parts, calls, batches }, autoBatch);
    this.#requester = new Requester({ ...parts, calls });
    const { group, transactionListener: listener, hooks } = this.#options;
    this.#hooks = hooks && new SendHooks(context, hooks, group);
    const ended = this.#hooks;
    this.#transactions = new Transactions({ group, listener, clock, closing, logger, routes, brokers, trace, ended });
  }

  /**
   * Joins the group. Does nothing when it is running already.
   * @throws NameServerUnreachableError, GroupInUseError, NotRunningError after shutdown
   */
  start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  /**
   * Refuses further sends, waits for those under way, and leaves the group.
   * @param options deadline for the sends under way, ms; default 30000. Sends that still wait after it are rejected. An abort
   * of the signal ends the wait at once. A second call waits for the first.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(options).finally(() => this.#context.ended(this));
    return this.#stopping;
  }

  /**
   * Resolves when a broker has stored the message.
   * @throws SendFailedError when all attempts failed, TopicNotFoundError, MessageTooLargeError, TooManySendsError when
   * too many sends wait for their turn already, ResponseError when the broker refused it for good
   */
  async send(message: OutgoingMessage, options: SendOptions = {}): Promise<SendResult> {
    this.#mustRun();
    if (!this.#hooks) return this.#send(message, options);
    return this.#hooks.one(SEND, message, options, (copy) => this.#send(copy, options));
  }

  /** Resolves once the bytes are given to the connection. The broker does not say whether it stored the message. */
  async sendOneway(message: OutgoingMessage, options: SendOptions = {}): Promise<void> {
    this.#mustRun();
    if (!this.#hooks) return this.#calls.sendOneway(message, options);
    return this.#hooks.one(ONEWAY, message, options, (copy) => this.#calls.sendOneway(copy, options));
  }

  /**
   * Sends many messages in as few requests as their topics, queues and sizes allow: a request has at most `maxMessageSize`
   * bytes. What no batch may hold is refused before anything is sent: delays, retry topics. Bodies are not compressed.
   * @returns a result for each message, in their order
   * @throws BatchSendFailedError with the results and the failures, if some could not be sent; before anything is sent
   * InvalidMessageError, InvalidOptionError, InvalidNameError, MessageTooLargeError
   */
  async sendBatch(messages: readonly BatchMessage[], options: SendOptions = {}): Promise<SendResult[]> {
    this.#mustRun();
    const send = (list: readonly BatchMessage[]): Promise<SendResult[]> => this.#batches.send(list, options);
    return this.#pending.track(() => this.#hooks?.many(messages, options, send) ?? send(messages));
  }

  /**
   * Stores the message without delivering it, runs `executeLocalTransaction`, and has the broker deliver or drop it
   * accordingly.
   * @throws as `send` when the half message could not be stored; then the listener is not called
   */
  async sendMessageInTransaction(
    message: OutgoingMessage,
    arg?: unknown,
    options: SendOptions = {},
  ): Promise<TransactionSendResult> {
    this.#mustRun();
    if (!this.#options.transactionListener) {
      throw new InvalidOptionError('transactionListener', undefined, 'one is needed to send messages in transactions');
    }
    return this.#pending.track(async () =>
      this.#transactions.conclude(message, await this.#sendHalf(message, options), arg),
    );
  }

  /**
   * Stores the message undelivered, for a local transaction that ends elsewhere: by the handle's `commit` or `rollback`.
   * Should this process end before, the broker asks the `transactionListener` of another producer of the group.
   * @throws as `send`; TransactionNotBegunError
   */
  async beginTransaction(message: OutgoingMessage, options: SendOptions = {}): Promise<Transaction> {
    this.#mustRun();
    return this.#pending.track(async () => this.#transactions.begin(await this.#sendHalf(message, options)));
  }

  /**
   * Stores the message undelivered and runs `work`: its return lets the broker deliver the message, its throw or rejection
   * lets the broker drop it.
   * @returns what `work` has returned
   * @throws what `work` has thrown; as `beginTransaction`, and then `work` is not called
   */
  async transaction<T>(
    message: OutgoingMessage,
    work: (message: OutgoingMessage & { transactionId: string }) => Promise<T> | T,
    options: SendOptions = {},
  ): Promise<T> {
    this.#mustRun();
    return this.#pending.track(async () => {
      const transaction = await this.#transactions.begin(await this.#sendHalf(message, options));
      const { transactionId } = transaction;
      return runInTransaction(transaction, () => work({ ...message, transactionId }));
    });
  }

  /**
   * Sends a request to whoever consumes its topic, and resolves with the first reply. The request is a message like any
   * other: it is stored, and may be consumed after its time is over.
   * @throws ReplyTimeoutError when none came in time, TooManyRequestsError, and as `send` when it could not be sent
   */
  async request(message: OutgoingMessage, options: AskOptions = {}): Promise<MessageExt> {
    this.#mustRun();
    if (!this.#hooks) return this.#requester.ask(message, options);
    return this.#hooks.one(REQUEST, message, options, (copy) => this.#requester.ask(copy, options));
  }

  /**
   * Replies to a request that a consumer was given. Resolves when the requester has the reply.
   * @throws NotARequestError, RequesterGoneError when the requester is not connected any more, SendFailedError
   */
  async replyTo(request: MessageExt, body: Uint8Array | string, options: ReplyOptions = {}): Promise<SendResult> {
    this.#mustRun();
    const { timeout = this.#options.sendMsgTimeout, ...content } = options;
    const message = replyMessage(request, { ...content, body });
    const parts = { sender: this.#sender, clock: this.#context.clock, closing: this.#closing.signal };
    const send = (reply: OutgoingMessage): Promise<SendResult> =>
      this.#pending.run({
        prepare: async () => addressed(await this.#calls.prepare(reply, {}), request),
        send: (prepared) => sendReply(parts, prepared, request, timeout),
      });
    return this.#hooks?.one(REPLY, message, {}, send) ?? send(message);
  }

  /**
   * Takes a delayed message back before it is due.
   * @param recallHandle of the message's SendResult
   * @returns the message's id
   * @throws RecallFailedError, whose `reason` tells why not; BrokerNotFoundError while the broker's master is away
   */
  async recall(topic: string, recallHandle: string, options: Pick<SendOptions, 'timeout'> = {}): Promise<string> {
    this.#mustRun();
    const parts = { ...this.#context, group: this.group, trace: this.#trace };
    const timeout = options.timeout ?? this.#options.sendMsgTimeout;
    return this.#pending.track(() => recall(parts, topic, recallHandle, timeout));
  }

  /** @internal */
  checkTransaction(check: TransactionCheck, message: MessageExt): void {
    this.#transactions.check(check, message);
  }

  /** The queues that messages of the topic go to. @throws TopicNotFoundError, NameServerUnreachableError */
  async fetchPublishMessageQueues(topic: string): Promise<MessageQueue[]> {
    this.#mustRun();
    return [...(await this.#sender.route(topic, this.#options.sendMsgTimeout)).writable];
  }

  async #start(): Promise<void> {
    if (this.#state === 'running') return;
    this.#mustNotBeShutDown();
    await this.#context.start();
    this.#mustNotBeShutDown();
    this.#context.members.addProducer(this);
    this.#state = 'running';
    this.#faults.start();
    try {
      await joinTopics(this.#context, this.group, this.#options.topics);
    } catch (error) {
      // Shut down meanwhile: that has seen to the rest.
      if (!this.#isRunning()) throw error;
      this.#state = 'not started';
      this.#autoBatch?.flush();
      await this.#pending.drain(DEFAULT_SHUTDOWN_DEADLINE_MS);
      // It may be started again: what closes it for good is left alone.
      await this.#leave();
      throw error;
    }
  }

  async #stop({ deadline = DEFAULT_SHUTDOWN_DEADLINE_MS, signal }: ShutdownOptions): Promise<void> {
    const wasRunning = this.#state === 'running';
    this.#state = 'shut down';
    if (!wasRunning) return;
    this.#autoBatch?.close();
    await this.#pending.drain(deadline, signal);
    await this.#trace?.close();
    this.#closing.abort();
    await this.#leave();
  }

  #send(message: OutgoingMessage, options: SendOptions): Promise<SendResult> {
    return this.#autoBatch ? this.#autoBatch.send(message, options) : this.#calls.send(message, options);
  }

  #sendHalf(given: OutgoingMessage, options: SendOptions): Promise<SendResult> {
    const send = (message: OutgoingMessage): Promise<SendResult> =>
      this.#calls.sendHalf(message, options, (prepared) => this.#transactions.half(prepared));
    return this.#hooks?.one(HALF, given, options, send) ?? send(given);
  }

  async #leave(): Promise<void> {
    this.#requester.abandon();
    this.#faults.stop();
    this.#context.members.remove(this);
    for (const topic of this.#options.topics) this.#context.routes.unwatch(topic);
    await this.#context.unregister({ producerGroup: this.group });
  }

  #isRunning(): boolean {
    return this.#state === 'running';
  }

  #mustNotBeShutDown(): void {
    if (this.#state === 'shut down') throw new NotRunningError(`producer ${this.group}`, this.#state);
  }

  #mustRun(): void {
    if (this.#state !== 'running') throw new NotRunningError(`producer ${this.group}`, this.#state);
  }
}
