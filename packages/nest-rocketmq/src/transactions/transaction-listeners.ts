// Finds the app's transaction listeners and calls the one that decides a topic. One producer group serves all topics, so that
// a check reaches this class whatever the topic.
import { HALF_TOPIC, InvalidOptionError, MessageProperty } from '@nest-rocketmq/remoting/internal';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { LocalTransactionState, OutgoingMessage, TransactionListener } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { checkTopic } from '../message/destination.js';
import { GroupMissingError, TransactionListenerError } from '../errors.js';
import { ListenerExplorer } from '../discovery/listener-explorer.js';
import { selectionOf } from '../discovery/listener-selection.js';
import { RocketMQLocalTransactionState } from '../decorators/listener-metadata.js';
import { readPayload } from '../message/read-payload.js';
import type { PayloadReading } from '../message/read-payload.js';
import { isTopic } from '../message/topic.js';
import type { AnyTopic } from '../message/topic.js';
import { checkKeys, inside } from '../option-checks.js';
import { RocketMQContext } from '../decorators/rocketmq-context.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';
import type { DiscoveredTransactionListener } from '../discovery/transaction-host.js';

/** What the template passes to the listener besides the message, inside this process. */
export interface TransactionCall {
  readonly payload: unknown;
  readonly arg: unknown;
  /** Set to what the local transaction threw, for the template's result. */
  error?: unknown;
}

const TO_WIRE: Readonly<Record<RocketMQLocalTransactionState, LocalTransactionState>> = {
  [RocketMQLocalTransactionState.COMMIT]: 'COMMIT_MESSAGE',
  [RocketMQLocalTransactionState.ROLLBACK]: 'ROLLBACK_MESSAGE',
  [RocketMQLocalTransactionState.UNKNOWN]: 'UNKNOW',
};

const FROM_WIRE: Readonly<Record<LocalTransactionState, RocketMQLocalTransactionState>> = {
  COMMIT_MESSAGE: RocketMQLocalTransactionState.COMMIT,
  ROLLBACK_MESSAGE: RocketMQLocalTransactionState.ROLLBACK,
  UNKNOW: RocketMQLocalTransactionState.UNKNOWN,
};

export function fromWire(state: LocalTransactionState): RocketMQLocalTransactionState {
  return FROM_WIRE[state];
}

@Injectable()
export class TransactionListeners implements TransactionListener {
  readonly #logger = new Logger('RocketMQ');
  readonly #byTopic = new Map<string, DiscoveredTransactionListener>();
  /** How payloads of typed topics are read. */
  readonly #readings = new Map<string, PayloadReading>();
  readonly #unchecked = new Set<string>();

  constructor(
    private readonly explorer: ListenerExplorer,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * Finds the app's transaction listeners; called again when a module was loaded later.
   * @throws TransactionListenerError if two classes have one topic
   * @throws GroupMissingError on a cluster without `group`, if there is a class or a transaction log
   */
  async discover(): Promise<void> {
    const { group, groupNeededOn, transactionLog } = this.options;
    if (transactionLog && groupNeededOn !== undefined) {
      throw new GroupMissingError('option transactionLog', groupNeededOn, group);
    }
    const listeners = await this.explorer.transactionListeners(selectionOf(this.options));
    this.#byTopic.clear();
    this.#readings.clear();
    for (const listener of listeners) {
      // Brokers check a transaction with any producer of the group, so the group must be the service's own.
      if (groupNeededOn !== undefined) throw new GroupMissingError(listener.name, groupNeededOn, group);
      inside(`@RocketMQTransactionListener on ${listener.name}`, undefined, () => {
        checkKeys('options', listener.options, ['topic', 'cluster']);
        const topics = [listener.options.topic].flat();
        if (topics.length === 0) throw new InvalidOptionError('topic', topics, 'a topic, or several in an array');
        for (const topic of topics) this.#add(topic, listener);
      });
    }
  }

  /** Those whose brokers may ask this app. A log answers for all topics, so for each broker that stores half messages. */
  get topics(): string[] {
    return [...this.#byTopic.keys(), ...(this.options.transactionLog ? [HALF_TOPIC] : [])];
  }

  /** @throws TransactionListenerError if no class here runs the topic's local transactions */
  requireTopic(topic: string): void {
    const { name, instance } = this.#listenerOf(topic);
    if (instance.executeLocalTransaction) return;
    throw new TransactionListenerError(
      `${name} only checks transactions. Add executeLocalTransaction to it, or use RocketMQTemplate.transaction.`,
    );
  }

  /**
   * Warns, once for each topic, that nobody would answer a check.
   * @throws GroupMissingError: the broker may ask any producer of the group, which so must be this service's own
   */
  prepareForChecks(topic: string, where: string): void {
    const { group, groupNeededOn, transactionLog } = this.options;
    if (groupNeededOn !== undefined) throw new GroupMissingError(where, groupNeededOn, group);
    if (transactionLog || this.#byTopic.has(topic) || this.#unchecked.has(topic)) return;
    this.#unchecked.add(topic);
    this.#logger.warn(
      `nobody answers checks for topic '${topic}': if this process ends during a transaction, its message is dropped even ` +
        'if the work is committed. Set option transactionLog, or add a class with @RocketMQTransactionListener.',
    );
  }

  /**
   * Whether the work of a transaction that failed here is committed all the same; undefined when it cannot be known. A class
   * answers for its topic whether or not there is a log, as in a check: only the broker's half message has what it asks for.
   */
  async isCommitted(topic: string, transactionId: string): Promise<boolean | undefined> {
    if (this.#byTopic.has(topic)) return undefined;
    const { transactionLog } = this.options;
    if (!transactionLog) return false;
    try {
      return await transactionLog.hasCommitted(transactionId);
    } catch (error) {
      this.#logger.error(
        `the transaction log has no answer for ${transactionId}, the broker will ask: ${reasonOf(error)}`,
      );
      return undefined;
    }
  }

  async executeLocalTransaction(
    message: OutgoingMessage & { transactionId: string },
    arg: unknown,
  ): Promise<LocalTransactionState> {
    const call = arg as TransactionCall;
    const { name, instance } = this.#listenerOf(message.topic);
    const keys = message.keys === undefined ? [] : [message.keys].flat();
    const { topic, tags, transactionId } = message;
    try {
      const state = await instance.executeLocalTransaction!(call.payload, {
        topic,
        tags,
        keys,
        transactionId,
        arg: call.arg,
      });
      return this.#toWire(state, methodOf(name, 'executeLocalTransaction'));
    } catch (error) {
      call.error = error;
      this.#logger.error(
        `${methodOf(name, 'executeLocalTransaction')} failed for ${transactionId}; the broker will call checkLocalTransaction: ${reasonOf(error)}`,
      );
      return 'UNKNOW';
    }
  }

  async checkLocalTransaction(message: MessageExt): Promise<LocalTransactionState> {
    const what = `check of transaction ${message.msgId} on topic ${message.topic}`;
    try {
      const { transactionLog } = this.options;
      if (transactionLog && !this.#byTopic.has(message.topic)) {
        const id = message.properties.get(MessageProperty.UNIQ_KEY) ?? message.msgId;
        return (await transactionLog.hasCommitted(id)) ? 'COMMIT_MESSAGE' : 'ROLLBACK_MESSAGE';
      }
      const { name, instance } = this.#listenerOf(message.topic);
      const reading = this.#readings.get(message.topic) ?? { kind: 'json' };
      const payload = await readPayload(this.options.messageConverter, message, reading);
      const context = RocketMQContext.of(message, this.options.group, new AbortController());
      return this.#toWire(
        await instance.checkLocalTransaction(payload, context),
        methodOf(name, 'checkLocalTransaction'),
      );
    } catch (error) {
      // Never a rollback: another process of the group, or a later version of this one, may know the outcome.
      this.#logger.error(`${what} has no answer yet, the broker will ask again: ${reasonOf(error)}`);
      return 'UNKNOW';
    }
  }

  #add(given: string | AnyTopic, listener: DiscoveredTransactionListener): void {
    const topic = checkTopic('topic', isTopic(given) ? given.topic : given);
    if (isTopic(given)) this.#readings.set(topic, { kind: 'json', converter: given.converter, schema: given.schema });
    const other = this.#byTopic.get(topic);
    if (other) {
      throw new TransactionListenerError(
        `${other.name} and ${listener.name} both decide the transactions of topic '${topic}'. Only one class may.`,
      );
    }
    this.#byTopic.set(topic, listener);
  }

  #listenerOf(topic: string): DiscoveredTransactionListener {
    const listener = this.#byTopic.get(topic);
    if (listener) return listener;
    throw new TransactionListenerError(
      `no transaction listener for topic '${topic}' in this app (there are: ${[...this.#byTopic.keys()].join(', ') || 'none'}). ` +
        `Add a provider class with @RocketMQTransactionListener({ topic: '${topic}' }).`,
    );
  }

  #toWire(state: RocketMQLocalTransactionState, method: string): LocalTransactionState {
    const known: LocalTransactionState | undefined = TO_WIRE[state];
    if (known) return known;
    const allowed = Object.values(RocketMQLocalTransactionState).join(', ');
    throw new TransactionListenerError(`${method} returned ${String(state)}; allowed are ${allowed}.`);
  }
}

/** 'OrderTransactions.executeLocalTransaction (OrdersModule)' */
function methodOf(name: string, method: string): string {
  return name.replace(/(?= \(|$)/, `.${method}`);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
