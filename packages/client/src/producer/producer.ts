// Owns a producer: the calls an application makes. Leaves queue choice, retries and bytes to send, choose-queue, batch
// and transaction.
import type { OutgoingMessage, ProducerOptions, SendOptions, SendResult, TransactionSendResult } from './producer-options.js';

/** Made by RocketMQClient.createProducer. */
export class Producer {
  readonly group: string;

  constructor(options: ProducerOptions) {
    this.group = options.group;
  }

  async start(): Promise<void> {}

  async shutdown(): Promise<void> {}

  /** Resolves when a broker has stored the message. */
  send(_message: OutgoingMessage, _options?: SendOptions): Promise<SendResult> {
    throw new Error('to come');
  }

  /** Resolves once the bytes are handed to the connection; nobody says whether the message was stored. */
  sendOneway(_message: OutgoingMessage, _options?: SendOptions): Promise<void> {
    throw new Error('to come');
  }

  /** Stores messages of one topic in one request, in order, in one queue. */
  sendBatch(_messages: OutgoingMessage[], _options?: SendOptions): Promise<SendResult> {
    throw new Error('to come');
  }

  sendMessageInTransaction(_message: OutgoingMessage, _arg?: unknown): Promise<TransactionSendResult> {
    throw new Error('to come');
  }
}
