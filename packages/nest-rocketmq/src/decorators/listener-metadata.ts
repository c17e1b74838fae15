// Owns what the decorators write on classes and methods, and the interfaces that those implement.
import type { Subscription } from '@nest-rocketmq/client';
import type { SharedConsumerOptions } from '../options/consumer-settings.js';
import type { PayloadKind } from '../message/message-converter.js';
import type { RocketMQContext } from './rocketmq-context.js';
import {
  LISTENER_METHODS_METADATA,
  MESSAGE_LISTENER_METADATA,
  MISPLACED_LISTENERS_METADATA,
  TRANSACTION_LISTENER_METADATA,
} from '../rocketmq.tokens.js';

/** A class; also String, Number, Boolean. */
export type PayloadType = abstract new (...args: never) => unknown;

export interface MessageListenerOptions extends SharedConsumerOptions {
  topic: string;
  /** Default: the module's `group`, which is the app's name. Listeners of one group share one consumer. */
  consumerGroup?: string;
  /** Only messages with one of these tags: 'paid', 'paid || refunded' or ['paid', 'refunded']. Default: all. */
  tags?: string | string[];
  /** The same, under the name that Spring's users know; with selectorType SQL92 a condition on properties. */
  selectorExpression?: string;
  /** Default 'TAG'. */
  selectorType?: Subscription['expressionType'];
  /**
   * What the listener is given: JSON's value, the text, or the bytes. Default: 'string' or 'buffer' where the payload's
   * declared type is String or Buffer, else 'json'.
   */
  payload?: PayloadKind;
  /**
   * The payload's class, which pipes see as their `metatype`. Default: the type declared by the method's parameter.
   * TypeScript leaves it on decorated methods only: a class's `onMessage` needs this option, or @Payload().
   */
  payloadType?: PayloadType;
}

export interface TransactionListenerOptions {
  /** The topic, or topics, whose transactions this class decides. */
  topic: string | string[];
}

/** A class that takes messages. A throw or a rejected promise means that the message is delivered again. */
export interface RocketMQListener<T = unknown> {
  onMessage(message: T, context: RocketMQContext): unknown;
}

export enum RocketMQLocalTransactionState {
  /** The message goes to its consumers. */
  COMMIT = 'COMMIT',
  /** The message is dropped. */
  ROLLBACK = 'ROLLBACK',
  /** Not known yet: the broker asks `checkLocalTransaction` later. */
  UNKNOWN = 'UNKNOWN',
}

/** What a local transaction is told besides the payload. */
export interface TransactionContext {
  readonly topic: string;
  readonly tags: string | undefined;
  readonly keys: readonly string[];
  readonly transactionId: string;
  /** What the sender gave as `arg`; it does not travel, so a check does not see it. */
  readonly arg: unknown;
}

/** A class that decides the transactions of a topic. */
export interface RocketMQLocalTransactionListener<T = unknown> {
  /** Runs in the sending process once the broker holds the half message. A throw counts as UNKNOWN. */
  executeLocalTransaction(
    message: T,
    context: TransactionContext,
  ): Promise<RocketMQLocalTransactionState> | RocketMQLocalTransactionState;
  /** Runs in any process of the producer group when the broker was not told the outcome. A throw counts as UNKNOWN. */
  checkLocalTransaction(
    message: T,
    context: RocketMQContext,
  ): Promise<RocketMQLocalTransactionState> | RocketMQLocalTransactionState;
}

/** The name of a method: symbols may be listeners too. */
export type MethodKey = string | symbol;

/** A decorator that stands where no listener can be, kept until a module with the class starts. */
export interface MisplacedListener {
  readonly method: MethodKey;
  readonly reason: string;
}

export function markClassListener(target: object, options: MessageListenerOptions): void {
  append(MESSAGE_LISTENER_METADATA, options, target);
}

export function markMethodListener(prototype: object, method: MethodKey, options: MessageListenerOptions): void {
  const type = prototype.constructor;
  const earlier = (Reflect.getOwnMetadata(MESSAGE_LISTENER_METADATA, type, method) ?? []) as MessageListenerOptions[];
  Reflect.defineMetadata(MESSAGE_LISTENER_METADATA, [...earlier, options], type, method);
  if (earlier.length === 0) append(LISTENER_METHODS_METADATA, method, type);
}

export function markMisplacedListener(type: object, misplaced: MisplacedListener): void {
  append(MISPLACED_LISTENERS_METADATA, misplaced, type);
}

export function markTransactionListener(target: object, options: TransactionListenerOptions): void {
  Reflect.defineMetadata(TRANSACTION_LISTENER_METADATA, options, target);
}

/** What stands on the class itself, for its `onMessage`. */
export function classListenersOf(type: object): readonly MessageListenerOptions[] {
  return (Reflect.getMetadata(MESSAGE_LISTENER_METADATA, type) ?? []) as MessageListenerOptions[];
}

/** The decorated methods of a class, inherited ones included. */
export function listenerMethodsOf(type: object): readonly MethodKey[] {
  return [...new Set(inherited<MethodKey>(LISTENER_METHODS_METADATA, type))];
}

export function methodListenersOf(type: object, method: MethodKey): readonly MessageListenerOptions[] {
  return (Reflect.getMetadata(MESSAGE_LISTENER_METADATA, type, method) ?? []) as MessageListenerOptions[];
}

export function misplacedListenersOf(type: object): readonly MisplacedListener[] {
  return inherited<MisplacedListener>(MISPLACED_LISTENERS_METADATA, type);
}

export function transactionListenerOf(type: object): TransactionListenerOptions | undefined {
  return Reflect.getMetadata(TRANSACTION_LISTENER_METADATA, type) as TransactionListenerOptions | undefined;
}

export function hasListeners(type: object): boolean {
  return (
    classListenersOf(type).length > 0 ||
    listenerMethodsOf(type).length > 0 ||
    misplacedListenersOf(type).length > 0 ||
    transactionListenerOf(type) !== undefined
  );
}

function append(key: symbol, value: unknown, target: object): void {
  Reflect.defineMetadata(key, [...((Reflect.getOwnMetadata(key, target) ?? []) as unknown[]), value], target);
}

/** Of the class and those that it extends. */
function inherited<T>(key: symbol, type: object): T[] {
  const found: T[] = [];
  for (let each: object | null = type; each !== null; each = Object.getPrototypeOf(each) as object | null) {
    found.push(...((Reflect.getOwnMetadata(key, each) ?? []) as T[]));
  }
  return found;
}
