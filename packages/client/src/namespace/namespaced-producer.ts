// Sends messages in a namespace: its topics and group have names there that the application does not see.
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import type { Namespace } from '../config/namespace.js';
import { BatchSendFailedError } from '../producer/batch/batch-errors.js';
import { Producer } from '../producer/producer.js';
import { withGiven } from '../producer/hooks/send-hooks.js';
import type {
  AskOptions,
  BatchMessage,
  OutgoingMessage,
  ProducerOptions,
  SendOptions,
  SendResult,
  Transaction,
  TransactionListener,
  TransactionSendResult,
} from '../producer/options/producer-options.js';

type QueueChoice = Pick<SendOptions, 'messageQueue' | 'selector'>;

export class NamespacedProducer extends Producer {
  readonly #names: Namespace;

  constructor(context: ClientContext, options: ProducerOptions) {
    const { names } = context;
    const { transactionListener: listener, topics } = options;
    super(context, {
      ...options,
      group: names.wrap(options.group),
      instanceId: context.options.namespace,
      ...(topics && { topics: topics.map((topic) => names.wrap(topic)) }),
      ...(listener && { transactionListener: strippedListener(listener, names) }),
    });
    this.#names = names;
  }

  override async send(message: OutgoingMessage, options: SendOptions = {}): Promise<SendResult> {
    return this.#names.stripResult(await super.send(this.#message(message), this.#options(options)));
  }

  override sendOneway(message: OutgoingMessage, options: SendOptions = {}): Promise<void> {
    return super.sendOneway(this.#message(message), this.#options(options));
  }

  override async sendBatch(messages: readonly BatchMessage[], options: SendOptions = {}): Promise<SendResult[]> {
    const wrap = (message: BatchMessage): BatchMessage =>
      typeof message === 'object' && message !== null
        ? { ...this.#message(message), ...this.#choice(message) }
        : message;
    const wrapped = Array.isArray(messages) ? (messages as readonly BatchMessage[]).map(wrap) : messages;
    try {
      const results = await super.sendBatch(wrapped, this.#options(options));
      return results.map((result) => this.#names.stripResult(result));
    } catch (error) {
      if (!(error instanceof BatchSendFailedError)) throw error;
      const results = error.results.map((result) => result && this.#names.stripResult(result));
      throw withGiven({ results, failures: error.failures }, messages);
    }
  }

  override async sendMessageInTransaction(
    message: OutgoingMessage,
    arg?: unknown,
    options: SendOptions = {},
  ): Promise<TransactionSendResult> {
    return this.#names.stripResult(
      await super.sendMessageInTransaction(this.#message(message), arg, this.#options(options)),
    );
  }

  override async beginTransaction(message: OutgoingMessage, options: SendOptions = {}): Promise<Transaction> {
    const transaction = await super.beginTransaction(this.#message(message), this.#options(options));
    return { ...transaction, sendResult: this.#names.stripResult(transaction.sendResult) };
  }

  override transaction<T>(
    message: OutgoingMessage,
    work: (message: OutgoingMessage & { transactionId: string }) => Promise<T> | T,
    options: SendOptions = {},
  ): Promise<T> {
    const stripped: typeof work = (sent) => work({ ...sent, topic: this.#names.strip(sent.topic) });
    return super.transaction(this.#message(message), stripped, this.#options(options));
  }

  override async request(message: OutgoingMessage, options: AskOptions = {}): Promise<MessageExt> {
    const reply = await super.request(this.#message(message), { ...options, ...this.#options(options) });
    return this.#names.stripMessage(reply);
  }

  override recall(topic: string, recallHandle: string, options: Pick<SendOptions, 'timeout'> = {}): Promise<string> {
    return super.recall(this.#names.wrap(topic), recallHandle, options);
  }

  override async fetchPublishMessageQueues(topic: string): Promise<MessageQueue[]> {
    const queues = await super.fetchPublishMessageQueues(this.#names.wrap(topic));
    return queues.map((queue) => this.#names.stripQueue(queue));
  }

  /** What is no message is refused by the producer. */
  #message(message: OutgoingMessage): OutgoingMessage {
    return typeof message === 'object' && message !== null
      ? { ...message, topic: this.#names.wrap(message.topic) }
      : message;
  }

  #options(options: SendOptions): SendOptions {
    return { ...options, ...this.#choice(options) };
  }

  /** What chooses the queue. */
  #choice({ messageQueue, selector }: QueueChoice): QueueChoice {
    const names = this.#names;
    return {
      ...(messageQueue && { messageQueue: names.wrapQueue(messageQueue) }),
      ...(selector && {
        selector: (queues, message) => {
          const stripped = { ...message, topic: names.strip(message.topic) };
          return names.wrapQueue(
            selector(
              queues.map((queue) => names.stripQueue(queue)),
              stripped,
            ),
          );
        },
      }),
    };
  }
}

function strippedListener(listener: TransactionListener, names: Namespace): TransactionListener {
  return {
    executeLocalTransaction: (message, arg) =>
      listener.executeLocalTransaction({ ...message, topic: names.strip(message.topic) }, arg),
    checkLocalTransaction: (message) => listener.checkLocalTransaction(names.stripMessage(message)),
  };
}
