// Sends requests and waits for their replies.
import { MessageProperty, NotRunningError } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import type { PreparedMessage } from './outgoing.js';
import type { OutgoingMessage, SendOptions, SendResult } from './producer-options.js';
import type { Turns } from './turns.js';

export interface RequesterParts {
  group: string;
  context: ClientContext;
  turns: Turns;
  prepare: (message: OutgoingMessage) => PreparedMessage | Promise<PreparedMessage>;
  send: (prepared: PreparedMessage, message: OutgoingMessage, options: SendOptions) => Promise<SendResult>;
}

export class Requester {
  readonly #parts: RequesterParts;

  constructor(parts: RequesterParts) {
    this.#parts = parts;
  }

  /** @param timeout for sending and the reply together, ms */
  async ask(message: OutgoingMessage, options: SendOptions, timeout: number): Promise<MessageExt> {
    const { turns, context, prepare, send } = this.#parts;
    // The reply may come before the broker's answer to the request: it is expected before anything is sent.
    const pending = context.replies.expect(this, message.topic, timeout);
    const asking = turns.take({
      prepare: async () => this.#asking(await prepare(message), pending.correlationId, timeout),
      send: (prepared) => send(prepared, message, { ...options, timeout }),
    });
    asking.then(pending.stored, pending.fail);
    return turns.during(() => pending.reply);
  }

  /** Rejects what still waits for a reply. */
  abandon(): void {
    const { group, context } = this.#parts;
    const remedy = 'Shut down producers after their requests are answered';
    context.replies.abandon(
      this,
      new NotRunningError(`producer ${group}`, 'shut down, and no reply to this request has come yet', remedy),
    );
  }

  #asking(prepared: PreparedMessage, correlationId: string, timeout: number): PreparedMessage {
    const properties = new Map(prepared.properties);
    properties.set(MessageProperty.CORRELATION_ID, correlationId);
    properties.set(MessageProperty.REPLY_TO_CLIENT, this.#parts.context.clientId);
    properties.set(MessageProperty.TTL, String(timeout));
    return { ...prepared, properties };
  }
}
