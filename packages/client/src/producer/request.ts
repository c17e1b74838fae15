// Sends requests and waits for their replies.
import { MessageProperty, NotRunningError } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import { integerIn } from '../config/options.js';
import type { PreparedMessage } from './outgoing.js';
import type {
  AskOptions,
  OutgoingMessage,
  ResolvedProducerOptions,
  SendOptions,
  SendResult,
} from './producer-options.js';
import type { PendingSends } from './pending-sends.js';

const LONGEST_REQUEST_MS = 24 * 3_600_000;

export interface RequesterParts {
  options: Pick<ResolvedProducerOptions, 'group' | 'sendMsgTimeout'>;
  context: ClientContext;
  pending: PendingSends;
  prepare: (message: OutgoingMessage, options: SendOptions) => PreparedMessage | Promise<PreparedMessage>;
  send: (prepared: PreparedMessage, message: OutgoingMessage, options: SendOptions) => Promise<SendResult>;
}

export class Requester {
  readonly #parts: RequesterParts;

  constructor(parts: RequesterParts) {
    this.#parts = parts;
  }

  /** @throws TooManyRequestsError, ReplyTimeoutError, InvalidOptionError, and as `Producer.send` */
  async ask(message: OutgoingMessage, options: AskOptions): Promise<MessageExt> {
    const { sendMsgTimeout } = this.#parts.options;
    const timeout = integerIn('timeout', options.timeout, sendMsgTimeout, 1, LONGEST_REQUEST_MS, ' (ms)');
    const { pending, context, prepare, send } = this.#parts;
    // The reply may come before the broker's answer to the request: it is expected before anything is sent.
    const expected = context.replies.expect(this, message.topic, timeout);
    const asking = pending.run({
      prepare: async () => this.#asking(await prepare(message, options), expected.correlationId, timeout),
      send: (prepared) => send(prepared, message, { ...options, timeout }),
    });
    asking.then(expected.stored, expected.fail);
    return pending.track(() => expected.reply);
  }

  /** Rejects what still waits for a reply. */
  abandon(): void {
    const { options, context } = this.#parts;
    const remedy = 'Shut down producers after their requests are answered';
    context.replies.abandon(
      this,
      new NotRunningError(`producer ${options.group}`, 'shut down, and no reply to this request has come yet', remedy),
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
