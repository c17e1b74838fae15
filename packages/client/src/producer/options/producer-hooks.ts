// Defines what a hook of a producer is told: before and after each send, and when a transaction has ended.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { LocalTransactionState, OutgoingMessage, SendResult } from './messages.js';

/** How a call waits: SYNC for the broker's answer, ONEWAY for none (Apache: CommunicationMode). */
export type CommunicationMode = 'SYNC' | 'ONEWAY';
/** What kind of message it is, by Apache's names of topic types. */
export type SentMessageType = 'NORMAL' | 'FIFO' | 'DELAY' | 'TRANSACTION';

/** What a hook is told of one call that sends (Apache: SendMessageContext, CheckForbiddenContext). */
export interface SendMessageContext {
  readonly producerGroup: string;
  readonly clientId: string;
  /** The client's `namespace` or `namespaceV2`; '' without. */
  readonly namespace: string;
  /** What was called. A request ends with its reply. */
  readonly call: 'send' | 'sendBatch' | 'request' | 'reply';
  readonly communicationMode: CommunicationMode;
  /** Of all its messages; undefined for a batch of several topics. */
  readonly topic: string | undefined;
  /** A hook may put properties on them in `sendMessageBefore`: they are copies of what the application gave. */
  readonly messages: readonly (OutgoingMessage & { properties: Record<string, string> })[];
  readonly messageType: SentMessageType;
  /** As the options of the call name it; messages of a batch may have their own. */
  readonly shardingKey: string | undefined;
}

/** The same after the call (Apache: SendMessageContext). */
export interface SentMessageContext extends SendMessageContext {
  /** Of each message; undefined where it failed, and for one-way sends and requests. */
  readonly sendResults: readonly (SendResult | undefined)[];
  /** 'host:port' of the broker, if it was one. */
  readonly brokerAddr: string | undefined;
  /** What the call threw. */
  readonly exception: unknown;
}

/** What a hook is told of a transaction's end (Apache: EndTransactionContext). */
export interface EndTransactionContext {
  readonly producerGroup: string;
  readonly clientId: string;
  readonly namespace: string;
  readonly topic: string;
  readonly msgId: string;
  readonly transactionId: string;
  readonly transactionState: LocalTransactionState;
  /** The broker had asked. */
  readonly fromTransactionCheck: boolean;
  /** The half message, if the broker had asked. */
  readonly half: MessageExt | undefined;
  /** 'host:port'; undefined when the broker could not be reached. */
  readonly brokerAddr: string | undefined;
  /** Why the broker could not be told: it asks later. */
  readonly exception: unknown;
}

/**
 * Code that runs around sends: Apache's SendMessageHook, CheckForbiddenHook and EndTransactionHook in one. It is called once for
 * each call of the producer, not for each attempt. What `sendMessageBefore`, `sendMessageAfter` and `endTransaction` throw is
 * logged, and changes nothing.
 */
export interface ProducerHook {
  /** Names it in errors and logs. */
  readonly hookName: string;
  /** Whether it is to be called at present; asked before each call. Where no hook is enabled, sends cost nothing more. Default: always. */
  isEnabled?(): boolean;
  /** Forbids the send by a throw: the call rejects with SendForbiddenError, and nothing is sent. */
  checkForbidden?(context: SendMessageContext): void;
  /** Before the message is checked and encoded. */
  sendMessageBefore?(context: SendMessageContext): void;
  /** When the call has ended, also by an error. */
  sendMessageAfter?(context: SentMessageContext): void;
  /** A broker was told how a transaction ended, or could not be told. */
  endTransaction?(context: EndTransactionContext): void;
}
