// Defines what an application sends, how, and what it gets back for it.
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';

/** A message to send. */
export interface OutgoingMessage {
  topic: string;
  /** Not empty. A string is sent as UTF-8. At most `maxMessageSize` bytes. */
  body: Uint8Array | string;
  /** One tag, by which consumers can filter. */
  tags?: string;
  /** Business keys, by which the message can be found again. */
  keys?: string | string[];
  /** Free for the application; 32 bits. */
  flag?: number;
  /** One of the broker's delay levels, by default 1 to 18. Default 0: delivered at once. */
  delayLevel?: number;
  /**
   * Delivered so much later, ms; a part of one counts as a whole, 0: at once. Brokers from 5.0 on take any length; those
   * before only the lengths of their levels, and others are refused by DelayNotSupportedError.
   */
  delay?: number;
  /** Delivered at this time: a Date, or ms since the epoch. A time that has passed: at once. As `delay` otherwise. */
  deliverAt?: Date | number;
  /** Wait for flush or replication where the broker is configured so. Default true. */
  waitStoreMsgOk?: boolean;
  /** The application's own; names that RocketMQ uses itself are refused. */
  properties?: Record<string, string>;
  /**
   * The message's id (UNIQ_KEY), which then is the result's `msgId`. Give the same one when you send a message again, so that
   * its consumers can tell. 1 to 64 characters, without spaces. Default: a new one.
   */
  uniqKey?: string;
}

/** Options of one send. Of `messageQueue`, `selector` and `shardingKey` the first one given counts. */
export interface SendOptions {
  /** For this send, ms. Default: the producer's sendMsgTimeout. */
  timeout?: number;
  /** Send to this queue; no other is tried. */
  messageQueue?: MessageQueue;
  /**
   * Messages of one key go to one queue as long as the topic's queues stay the same: to that which Java's
   * SelectMessageQueueByHash picks. No other is tried. Consumers with `consumeMode: 'KEY_ORDERED'` keep the key's order.
   */
  shardingKey?: string;
  /** Chooses the queue; no other is tried. */
  selector?: (queues: readonly MessageQueue[], message: OutgoingMessage) => MessageQueue;
}

/** A message of a batch. It may choose its queue itself, else the options of the batch count. */
export interface BatchMessage extends OutgoingMessage, Pick<SendOptions, 'messageQueue' | 'shardingKey' | 'selector'> {}

/** How a request is sent, and how long its reply is waited for. */
export interface AskOptions extends Omit<SendOptions, 'timeout'> {
  /** For the request and its reply together, ms. Default: the producer's sendMsgTimeout. */
  timeout?: number;
  /** Gives the request up: it rejects with the signal's reason. A reply that comes later is dropped, and counted as late. */
  signal?: AbortSignal;
  /** Called when a broker has stored the request, and its reply is waited for. */
  onStored?: () => void;
}

/** What a reply may carry beside its body. */
export type ReplyContent = Pick<OutgoingMessage, 'body' | 'tags' | 'keys' | 'flag' | 'properties'>;

/** What a reply carries beside its body, and how long it may take. */
export interface ReplyOptions extends Omit<ReplyContent, 'body'> {
  /** For sending the reply, ms. Default: the producer's sendMsgTimeout. */
  timeout?: number;
}

/** All four mean that the message is stored; the last three, that the flush or replication asked for is not confirmed. */
export type SendStatus = 'SEND_OK' | 'FLUSH_DISK_TIMEOUT' | 'FLUSH_SLAVE_TIMEOUT' | 'SLAVE_NOT_AVAILABLE';

/** What the broker answered to a send. */
export interface SendResult {
  sendStatus: SendStatus;
  /** Made by the client (UNIQ_KEY). */
  msgId: string;
  /** Made by the broker: its address and the place in its log. */
  offsetMsgId: string;
  /** Where the message is stored. */
  messageQueue: MessageQueue;
  /** Its position in that queue, counted in messages. */
  queueOffset: number;
  /** Of a transactional send: the id by which the broker asks for its end. */
  transactionId?: string;
  /** Of a message with `delay` or `deliverAt`, on a broker that can recall: what `Producer.recall` takes. */
  recallHandle?: string;
  /** The broker's region; 'DefaultRegion' unless it is configured. */
  regionId: string;
  /** Whether the broker has message tracing on. */
  traceOn: boolean;
}

/** How a local transaction ended. UNKNOW (Apache's spelling): the broker asks again later. */
export type LocalTransactionState = 'COMMIT_MESSAGE' | 'ROLLBACK_MESSAGE' | 'UNKNOW';
