// Reads and writes the metadata that the decorators leave on classes and methods, and declares the interfaces of listeners.
import type { ExpressionType } from '@nest-rocketmq/client';
import type { Configurable } from '../options/option-reader.js';
import type { SharedConsumerOptions } from '../options/consumer-settings.js';
import type { Duration } from '../message/delay.js';
import type { MessageConverter, PayloadKind } from '../message/message-converter.js';
import type { AnyTopic } from '../message/topic.js';
import type { Message } from './message.js';
import type { RocketMQBatchContext } from './rocketmq-batch-context.js';
import type { RocketMQContext } from './rocketmq-context.js';
import {
  LISTENER_METHODS_METADATA,
  MESSAGE_LISTENER_METADATA,
  MISPLACED_LISTENERS_METADATA,
  TRANSACTION_LISTENER_METADATA,
} from '../rocketmq.tokens.js';

/** The class of a payload, also String, Number or Boolean. */
export type PayloadType = abstract new (...args: never) => unknown;

/** Options of `@RocketMQMessageListener`. */
export interface MessageListenerOptions<T extends string | AnyTopic = string | AnyTopic> extends SharedConsumerOptions {
  /** The topic whose messages the listener takes, by its name or as `defineTopic` has made it: with its tag, if it has one. */
  topic: T;
  /**
   * The consumer group: each message goes to one app instance of each group. Listeners of one group share one consumer.
   * Default: the module's `group`.
   */
  consumerGroup?: string;
  /** The cluster that has the topic: `name` of its forRoot. Default: the one without a name. */
  cluster?: string;
  /** Only messages with one of these tags: 'paid', 'paid || refunded' or ['paid', 'refunded']. Default: all. */
  tags?: string | string[];
  /** rocketmq-spring's name for `tags`: 'paid || refunded'. With selectorType 'SQL92', a condition on properties. */
  selectorExpression?: string;
  /** How `selectorExpression` is read. 'SQL92' needs a broker with that filter. Default 'TAG'. */
  selectorType?: ExpressionType;
  /**
   * What the listener is given: the parsed JSON, the body as text, or its bytes. Default: 'string' or 'buffer' if the
   * payload's declared type is string or Buffer, else 'json'. A class: the parsed JSON as an instance of it, which
   * class-transformer makes; it counts as the `payloadType`, too.
   */
  payload?: PayloadKind | PayloadType;
  /**
   * The payload's class, which pipes get as their `metatype`. Default: the declared type of the method's parameter.
   * TypeScript keeps that type for decorated methods only: a class's `onMessage` needs this option, or @Payload().
   */
  payloadType?: PayloadType;
  /** Reads bodies for this listener. Default: the converter of a typed topic, else the module's `messageConverter`. */
  messageConverter?: MessageConverter;
  /**
   * Whether a request (`RocketMQTemplate.request`, or Java's `producer.request`) is answered with what the listener returns,
   * or with the first value of its Observable. Default: yes, unless that is `undefined`, so that a group that only listens
   * to the topic answers nothing. true: nothing is an answer too, and goes out as `null`. false: never.
   */
  reply?: boolean;
  /** How long sending the answer may take: ms, or a length such as '5s'. Default '3s', as in rocketmq-spring. */
  replyTimeout?: Duration;
}

/** Options of `@RocketMQTransactionListener`. */
export interface TransactionListenerOptions {
  /** The topic, or topics, whose transactions this class decides, by name or as `defineTopic` has made them. */
  topic: string | AnyTopic | (string | AnyTopic)[];
  /** The cluster that has them: `name` of its forRoot. Default: the one without a name. */
  cluster?: string;
}

/** The options as they stand in `@RocketMQMessageListener`: each a value or a function of the app's configuration. */
export type DeclaredListenerOptions<T extends string | AnyTopic = string | AnyTopic> = Configurable<
  MessageListenerOptions<T>
>;

/** The options as they stand in `@RocketMQTransactionListener`: each a value or a function of the app's configuration. */
export type DeclaredTransactionListenerOptions = Configurable<TransactionListenerOptions>;

/** A class that takes messages: what `@RocketMQMessageListener` on a class needs. */
export interface RocketMQListener<T = unknown> {
  /** Returns, or resolves, when the message is consumed. A throw or a rejection: it is delivered again later. An `Outcome`, returned or thrown, says more. */
  onMessage(message: T, context: RocketMQContext): unknown;
}

/** A class that takes lists of messages: what `@RocketMQMessageListener` with `batch` on a class needs. */
export interface RocketMQBatchListener<T = unknown> {
  /**
   * Returns, or resolves, when all are consumed, but for those whose `fail` it has called. It may return a list with an
   * outcome for each (an `Outcome`, an error, or the result of `Promise.allSettled`), or a Map by message. A throw or a
   * rejection: all are delivered again later.
   */
  onMessage(messages: Message<T>[], context: RocketMQBatchContext): unknown;
}

/** How a local transaction ended. */
export enum RocketMQLocalTransactionState {
  /** The message is delivered to its consumers. */
  COMMIT = 'COMMIT',
  /** The message is dropped. */
  ROLLBACK = 'ROLLBACK',
  /** Not known yet: the broker asks `checkLocalTransaction` later. */
  UNKNOWN = 'UNKNOWN',
}

/** What `executeLocalTransaction` is given besides the payload. */
export interface TransactionContext {
  readonly topic: string;
  /** The message's tag. */
  readonly tags: string | undefined;
  readonly keys: readonly string[];
  /** The message's id, by which logs and brokers name the transaction. */
  readonly transactionId: string;
  /** The sender's `arg`. It stays in this process: a check does not have it. */
  readonly arg: unknown;
}

/** A class that answers checks of a topic's transactions: what `@RocketMQTransactionListener` needs at least. */
export interface RocketMQTransactionChecker<T = unknown> {
  /** Runs in any process of the producer group when the broker does not know the outcome. A throw counts as UNKNOWN. */
  checkLocalTransaction(
    message: T,
    context: RocketMQContext,
  ): Promise<RocketMQLocalTransactionState> | RocketMQLocalTransactionState;
}

/** A class that decides the transactions of a topic: what `RocketMQTemplate.sendMessageInTransaction` needs. */
export interface RocketMQLocalTransactionListener<T = unknown> extends RocketMQTransactionChecker<T> {
  /** Runs in the sending process once the broker has stored the half message. A throw counts as UNKNOWN. */
  executeLocalTransaction(
    message: T,
    context: TransactionContext,
  ): Promise<RocketMQLocalTransactionState> | RocketMQLocalTransactionState;
}

/** The name of a method, which may be a symbol. */
export type MethodKey = string | symbol;

/** A decorator in a place where there can be no listener. The error comes when a module with the class starts. */
export interface MisplacedListener {
  readonly method: MethodKey;
  readonly reason: string;
}

export function markClassListener(target: object, options: DeclaredListenerOptions): void {
  append(MESSAGE_LISTENER_METADATA, options, target);
}

export function markMethodListener(prototype: object, method: MethodKey, options: DeclaredListenerOptions): void {
  const type = prototype.constructor;
  const earlier = (Reflect.getOwnMetadata(MESSAGE_LISTENER_METADATA, type, method) ?? []) as DeclaredListenerOptions[];
  Reflect.defineMetadata(MESSAGE_LISTENER_METADATA, [...earlier, options], type, method);
  if (earlier.length === 0) append(LISTENER_METHODS_METADATA, method, type);
}

export function markMisplacedListener(type: object, misplaced: MisplacedListener): void {
  append(MISPLACED_LISTENERS_METADATA, misplaced, type);
}

export function markTransactionListener(target: object, options: DeclaredTransactionListenerOptions): void {
  Reflect.defineMetadata(TRANSACTION_LISTENER_METADATA, options, target);
}

/** The decorators of the class itself, for its `onMessage`. */
export function classListenersOf(type: object): readonly DeclaredListenerOptions[] {
  return (Reflect.getMetadata(MESSAGE_LISTENER_METADATA, type) ?? []) as DeclaredListenerOptions[];
}

/** The decorated methods of a class, inherited ones included. */
export function listenerMethodsOf(type: object): readonly MethodKey[] {
  return [...new Set(inherited<MethodKey>(LISTENER_METHODS_METADATA, type))];
}

export function methodListenersOf(type: object, method: MethodKey): readonly DeclaredListenerOptions[] {
  return (Reflect.getMetadata(MESSAGE_LISTENER_METADATA, type, method) ?? []) as DeclaredListenerOptions[];
}

export function misplacedListenersOf(type: object): readonly MisplacedListener[] {
  return inherited<MisplacedListener>(MISPLACED_LISTENERS_METADATA, type);
}

export function transactionListenerOf(type: object): DeclaredTransactionListenerOptions | undefined {
  return Reflect.getMetadata(TRANSACTION_LISTENER_METADATA, type) as DeclaredTransactionListenerOptions | undefined;
}

/** One decorator of a class. */
interface DeclaredListener {
  /** '.onMessage'; empty for a transaction listener. */
  readonly member: string;
  readonly options: Pick<DeclaredListenerOptions, 'cluster'>;
}

/** All decorators of the class and its methods, but for misplaced ones. */
export function declaredListenersOf(type: object): readonly DeclaredListener[] {
  const transactions = transactionListenerOf(type);
  return [
    ...classListenersOf(type).map((options) => ({ member: '.onMessage', options })),
    ...listenerMethodsOf(type).flatMap((method) =>
      methodListenersOf(type, method).map((options) => ({ member: `.${String(method)}`, options })),
    ),
    ...(transactions ? [{ member: '', options: transactions }] : []),
  ];
}

export function hasListeners(type: object): boolean {
  return declaredListenersOf(type).length > 0 || misplacedListenersOf(type).length > 0;
}

function append(key: symbol, value: unknown, target: object): void {
  Reflect.defineMetadata(key, [...((Reflect.getOwnMetadata(key, target) ?? []) as unknown[]), value], target);
}

/** The metadata of the class and of those that it extends. */
function inherited<T>(key: symbol, type: object): T[] {
  const found: T[] = [];
  for (let each: object | null = type; each !== null; each = Object.getPrototypeOf(each) as object | null) {
    found.push(...((Reflect.getOwnMetadata(key, each) ?? []) as T[]));
  }
  return found;
}
