// Calls the hooks of a producer around its sends.
import type { ClientContext } from '../../client-context.js';
import type { Namespace } from '../../config/namespace.js';
import { callEach, enabled } from '../../hooks/hooks.js';
import { BatchSendFailedError } from '../batch/batch-errors.js';
import type {
  EndTransactionContext,
  ProducerHook,
  SendMessageContext,
  SentMessageContext,
  SentMessageType,
} from '../options/producer-hooks.js';
import type { OutgoingMessage, SendOptions, SendResult } from '../options/messages.js';
import { SendForbiddenError } from './send-forbidden-error.js';

type Call = Pick<SendMessageContext, 'call' | 'communicationMode'> & { readonly isHalf?: boolean };

/** What hooks are told of each call of a producer. */
export const SEND: Call = { call: 'send', communicationMode: 'SYNC' };
export const ONEWAY: Call = { call: 'send', communicationMode: 'ONEWAY' };
export const HALF: Call = { ...SEND, isHalf: true };
export const REQUEST: Call = { call: 'request', communicationMode: 'SYNC' };
export const REPLY: Call = { call: 'reply', communicationMode: 'SYNC' };

/** How a transaction has ended; with its half message if the broker had asked. */
type TransactionEnd = Pick<EndTransactionContext, 'topic' | 'msgId' | 'transactionId' | 'transactionState'> &
  Partial<Pick<EndTransactionContext, 'half' | 'brokerAddr' | 'exception'>>;
/** A context keeps its identity, so that a hook can find what it began. */
type Context = { -readonly [Field in keyof SentMessageContext]: SentMessageContext[Field] };

export class SendHooks {
  readonly #context: ClientContext;
  readonly #hooks: readonly ProducerHook[];
  readonly #names: Namespace;
  readonly #group: string;

  constructor(context: ClientContext, hooks: readonly ProducerHook[], group: string) {
    this.#context = context;
    this.#hooks = hooks;
    this.#names = context.names;
    this.#group = this.#names.strip(group);
  }

  /** @throws SendForbiddenError, and what `send` throws */
  one<M extends OutgoingMessage, T>(
    call: Call,
    message: M,
    options: SendOptions,
    send: (message: M) => Promise<T>,
  ): Promise<T> {
    // What is no message at all is refused by the send itself.
    const hooks = isMessage(message) ? enabled(this.#hooks) : undefined;
    if (!hooks) return send(message);
    return this.#around(hooks, call, [message], options, ([copy]) => send(copy!));
  }

  /** @throws SendForbiddenError, and what `send` throws */
  many<M extends OutgoingMessage, T>(
    messages: readonly M[],
    options: SendOptions,
    send: (messages: readonly M[]) => Promise<T>,
  ): Promise<T> {
    const isList = Array.isArray(messages) && (messages as readonly unknown[]).every(isMessage);
    const hooks = isList ? enabled(this.#hooks) : undefined;
    if (!hooks) return send(messages);
    return this.#around(hooks, { call: 'sendBatch', communicationMode: 'SYNC' }, messages, options, send);
  }

  /** A transaction has ended. */
  ended({ half, brokerAddr, exception, ...end }: TransactionEnd): void {
    const topic = this.#names.strip(end.topic);
    const fromTransactionCheck = half !== undefined;
    const shown = half && this.#names.stripMessage(half);
    const context = { ...end, ...this.#own(), topic, fromTransactionCheck, half: shown, brokerAddr, exception };
    callEach(this.#hooks, this.#context.logger, (hook) => hook.endTransaction?.(context));
  }

  async #around<M extends OutgoingMessage, T>(
    hooks: readonly ProducerHook[],
    call: Call,
    given: readonly M[],
    options: SendOptions,
    send: (messages: readonly M[]) => Promise<T>,
  ): Promise<T> {
    const messages = given.map((message) => this.#shown(message));
    const context = this.#contextOf(call, messages, options);
    check(hooks, context);
    const { logger } = this.#context;
    callEach(hooks, logger, (hook) => hook.sendMessageBefore?.(context));
    try {
      const sent = await send(messages.map((message, index) => this.#toSend(message, given[index]!)));
      context.sendResults = this.#results(resultsIn(sent, messages.length));
      return sent;
    } catch (error) {
      context.exception = error;
      if (!(error instanceof BatchSendFailedError)) throw error;
      context.sendResults = this.#results(error.results);
      throw withGiven(error, given);
    } finally {
      context.brokerAddr = this.#addressOf(context.sendResults);
      callEach(hooks, logger, (hook) => hook.sendMessageAfter?.(context));
    }
  }

  /** A copy, which hooks may change, by the names of the application. */
  #shown<M extends OutgoingMessage>(message: M): M & { properties: Record<string, string> } {
    const { topic } = message;
    return {
      ...message,
      ...(typeof topic === 'string' && { topic: this.#names.strip(topic) }),
      properties: { ...message.properties },
    };
  }

  /** A reply goes to a topic that is in no namespace: what no hook has changed keeps its name. */
  #toSend<M extends OutgoingMessage>(message: M, given: M): M {
    if (message.topic === given.topic) return message;
    const isUnchanged = message.topic === this.#names.strip(given.topic);
    return { ...message, topic: isUnchanged ? given.topic : this.#names.wrap(message.topic) };
  }

  #results(results: readonly (SendResult | undefined)[]): readonly (SendResult | undefined)[] {
    return results.map((result) => result && this.#names.stripResult(result));
  }

  #contextOf(
    { call, communicationMode, isHalf = false }: Call,
    messages: SendMessageContext['messages'],
    options: SendOptions,
  ): Context {
    const [first] = messages;
    const isOneTopic = messages.every(({ topic }) => topic === first?.topic);
    return {
      ...this.#own(),
      call,
      communicationMode,
      topic: isOneTopic && typeof first?.topic === 'string' ? first.topic : undefined,
      messages,
      messageType: isHalf ? 'TRANSACTION' : typeOf(first, options),
      shardingKey: options?.shardingKey,
      sendResults: messages.map(() => undefined),
      brokerAddr: undefined,
      exception: undefined,
    };
  }

  #own(): Pick<SendMessageContext, 'producerGroup' | 'clientId' | 'namespace'> {
    const { clientId, options } = this.#context;
    const namespace = options.namespace ?? options.namespaceV2 ?? '';
    return { producerGroup: this.#group, clientId, namespace };
  }

  #addressOf(results: readonly (SendResult | undefined)[]): string | undefined {
    const brokers = new Set(results.flatMap((result) => result?.messageQueue.brokerName ?? []));
    const [name] = brokers;
    return brokers.size === 1 ? this.#context.routes.brokerAddress(name!) : undefined;
  }
}

/** @throws SendForbiddenError */
function check(hooks: readonly ProducerHook[], context: SendMessageContext): void {
  for (const hook of hooks) {
    try {
      hook.checkForbidden?.(context);
    } catch (cause) {
      throw new SendForbiddenError(context.topic ?? 'several topics', hook.hookName, { cause });
    }
  }
}

/** The application knows its own messages, not their copies. */
export function withGiven(
  { results, failures }: Pick<BatchSendFailedError, 'results' | 'failures'>,
  given: readonly OutgoingMessage[],
): Error {
  return new BatchSendFailedError(
    results,
    failures.map((failure) => ({ ...failure, message: given[failure.index]! })),
  );
}

function isMessage(message: unknown): message is OutgoingMessage {
  return typeof message === 'object' && message !== null;
}

function typeOf(message: Partial<OutgoingMessage> | undefined, options: SendOptions | null): SentMessageType {
  const { delay, deliverAt, delayLevel } = message ?? {};
  if (delay !== undefined || deliverAt !== undefined || (delayLevel ?? 0) > 0) return 'DELAY';
  return options?.shardingKey === undefined ? 'NORMAL' : 'FIFO';
}

/** Of a one-way send there is none, and a request has a message for its answer. */
function resultsIn(sent: unknown, count: number): readonly (SendResult | undefined)[] {
  const results = (Array.isArray(sent) ? sent : [sent]) as (SendResult | undefined)[];
  return Array.from({ length: count }, (_, at) =>
    results[at] && 'sendStatus' in results[at] ? results[at] : undefined,
  );
}
