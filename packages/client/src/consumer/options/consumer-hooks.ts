// Defines what a hook of a consumer is told: around each call of the listener, each poll, and each message that is given back.
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { Outcome } from './outcome.js';

/** What each context of a consumer has. */
export interface ConsumerHookContext {
  readonly consumerGroup: string;
  readonly clientId: string;
  /** The client's `namespace` or `namespaceV2`; '' without. */
  readonly namespace: string;
  readonly messageModel: 'CLUSTERING' | 'BROADCASTING';
}

/** What a hook is told of one call of the listener (Apache: ConsumeMessageContext). */
export interface ConsumeMessageContext extends ConsumerHookContext {
  /** As the application names it. */
  readonly topic: string;
  readonly messageQueue: MessageQueue;
  /** With the names that brokers know. */
  readonly messages: readonly MessageExt[];
  /** Whether the listener takes lists: `consumeMessageBatchMaxSize` is more than 1. */
  readonly isBatch: boolean;
  /** 'host:port', if it is known. */
  readonly brokerAddr: string | undefined;
}

/** The same after the call. */
export interface ConsumedMessageContext extends ConsumeMessageContext {
  /** One for each message; undefined when the listener has thrown. */
  readonly outcomes: readonly Outcome[] | undefined;
  /** What the listener has thrown. */
  readonly exception: unknown;
}

/** What a hook is told of a poll, or of one turn of a loop, of a consumer that pulls. */
export type ReceiveMessageContext = ConsumerHookContext;

/** The same after it. */
export interface ReceivedMessageContext extends ReceiveMessageContext {
  /** What was handed out; empty when nothing came in time. With the names that brokers know. */
  readonly messages: readonly MessageExt[];
  /** Of all messages, as the application names it; undefined without any, and for several topics. */
  readonly topic: string | undefined;
  /** 'host:port' of the broker, if it was one. */
  readonly brokerAddr: string | undefined;
  readonly exception: unknown;
}

/** What a hook is told of a message that is given back, to be delivered again or as a dead letter. */
export interface SettleMessageContext extends ConsumerHookContext {
  /** As the application names it. */
  readonly topic: string;
  readonly message: MessageExt;
  readonly outcome: Outcome;
  readonly brokerAddr: string | undefined;
}

/** The same after it. */
export interface SettledMessageContext extends SettleMessageContext {
  /** Whether a broker has the message; if not, the consumer keeps it, and tries again. */
  readonly success: boolean;
}

/**
 * Code that runs around a consumer's work: Apache's ConsumeMessageHook, and what pulls and gives back. What a hook throws is
 * logged, and changes nothing.
 */
export interface ConsumerHook {
  /** Names it in errors and logs. */
  readonly hookName: string;
  /** Whether it is to be called at present; asked before each call. Default: always. */
  isEnabled?(): boolean;
  consumeMessageBefore?(context: ConsumeMessageContext): void;
  /** When the listener has returned, also by a throw. */
  consumeMessageAfter?(context: ConsumedMessageContext): void;
  /** Calls the listener, for what must surround it, such as an async context: `return storage.run(value, call)`. */
  aroundListener?<T>(context: ConsumeMessageContext, call: () => T): T;
  receiveMessageBefore?(context: ReceiveMessageContext): void;
  /** When the poll has ended, also without a message. */
  receiveMessageAfter?(context: ReceivedMessageContext): void;
  settleMessageBefore?(context: SettleMessageContext): void;
  settleMessageAfter?(context: SettledMessageContext): void;
}
