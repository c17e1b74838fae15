// Owns what the decorators write on classes and methods, and the interfaces that those implement.
import type { Subscription } from '@nest-rocketmq/client';
import type { SharedConsumerOptions } from './consumer-settings.js';
import type { PayloadKind } from './message-converter.js';
import type { RocketMQContext } from './rocketmq-context.js';
import {
  LISTENER_PARAMS_METADATA,
  MESSAGE_LISTENER_METADATA,
  TRANSACTION_LISTENER_METADATA,
} from './rocketmq.tokens.js';

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
  /** What the listener is given: JSON's value, the text, or the bytes. Default 'json'. */
  payload?: PayloadKind;
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

type Method = string | symbol;

/** Nest's number for "the payload of the request": with another one its ValidationPipe does nothing. */
export const PAYLOAD_PARAM = 3;

// Nest takes a parameter for a custom decorator's when its key holds this word. Its ValidationPipe then leaves the value
// alone: it must not validate the context as if it were a DTO.
const CUSTOM_PARAM = '__customRouteArgs__';
const PARAMTYPES_METADATA = 'design:paramtypes';

type Execution = { getArgByIndex(index: number): unknown };

const argument = (index: number) => ({
  index,
  data: undefined,
  pipes: [],
  factory: (_data: unknown, execution: Execution) => execution.getArgByIndex(index),
});

const TYPED_PARAMS = { [`${PAYLOAD_PARAM}:0`]: argument(0), [`context${CUSTOM_PARAM}:1`]: argument(1) };
// Without the types that a compiler leaves on decorated methods nothing can be validated, and Nest would warn of it.
const UNTYPED_PARAMS = { [`payload${CUSTOM_PARAM}:0`]: argument(0), [`context${CUSTOM_PARAM}:1`]: argument(1) };

export function markClassListener(target: object, options: MessageListenerOptions): void {
  const earlier = (Reflect.getOwnMetadata(MESSAGE_LISTENER_METADATA, target) ?? []) as MessageListenerOptions[];
  Reflect.defineMetadata(MESSAGE_LISTENER_METADATA, [...earlier, options], target);
  const { prototype } = target as { prototype: object };
  const typed = Reflect.hasMetadata(PARAMTYPES_METADATA, prototype, 'onMessage');
  Reflect.defineMetadata(LISTENER_PARAMS_METADATA, typed ? TYPED_PARAMS : UNTYPED_PARAMS, target, 'onMessage');
}

export function markMethodListener(prototype: object, method: Method, options: MessageListenerOptions): void {
  const type = prototype.constructor;
  const earlier = (Reflect.getOwnMetadata(MESSAGE_LISTENER_METADATA, type, method) ?? []) as MessageListenerOptions[];
  Reflect.defineMetadata(MESSAGE_LISTENER_METADATA, [...earlier, options], type, method);
  Reflect.defineMetadata(LISTENER_PARAMS_METADATA, TYPED_PARAMS, type, method);
}

export function markTransactionListener(target: object, options: TransactionListenerOptions): void {
  Reflect.defineMetadata(TRANSACTION_LISTENER_METADATA, options, target);
}

/** What stands on the class itself, for its `onMessage`. */
export function classListenersOf(type: object): readonly MessageListenerOptions[] {
  return (Reflect.getMetadata(MESSAGE_LISTENER_METADATA, type) ?? []) as MessageListenerOptions[];
}

export function methodListenersOf(type: object, method: Method): readonly MessageListenerOptions[] {
  return (Reflect.getMetadata(MESSAGE_LISTENER_METADATA, type, method) ?? []) as MessageListenerOptions[];
}

export function transactionListenerOf(type: object): TransactionListenerOptions | undefined {
  return Reflect.getMetadata(TRANSACTION_LISTENER_METADATA, type) as TransactionListenerOptions | undefined;
}
