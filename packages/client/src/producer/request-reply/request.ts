// Sends requests and waits for their replies.
import { MessageProperty, NotRunningError } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { integerIn } from '../../config/options.js';
import { describe } from '../../errors.js';
import { callBack } from '../../hooks/call-back.js';
import { ReplyTimeoutError } from '../../replies/errors.js';
import { mustBeMessage } from '../send/outgoing.js';
import type { PreparedMessage } from '../send/outgoing.js';
import type { AskOptions, OutgoingMessage, ResolvedProducerOptions } from '../options/producer-options.js';
import type { PendingSends } from '../send/pending-sends.js';
import type { SendCalls } from '../send/send-calls.js';

const LONGEST_REQUEST_MS = 24 * 3_600_000;

export interface RequesterParts {
  options: Pick<ResolvedProducerOptions, 'group' | 'sendMsgTimeout'>;
  context: ClientContext;
  pending: PendingSends;
  calls: SendCalls;
}

export class Requester {
  readonly #parts: RequesterParts;

  constructor(parts: RequesterParts) {
    this.#parts = parts;
  }

  /** @throws TooManyRequestsError, ReplyTimeoutError, InvalidMessageError, InvalidOptionError, and as `Producer.send` */
  async ask(message: OutgoingMessage, options: AskOptions): Promise<MessageExt> {
    const { sendMsgTimeout } = this.#parts.options;
    const timeout = integerIn('timeout', options.timeout, sendMsgTimeout, 1, LONGEST_REQUEST_MS, ' (ms)');
    mustBeMessage(message);
    const { pending, context, calls } = this.#parts;
    const { clock } = context;
    const until = clock.monotonic() + timeout;
    options.signal?.throwIfAborted();
    // The reply may come before the broker's answer to the request: it is expected before anything is sent.
    const expected = context.replies.expect(this, message.topic, timeout);
    const asking = pending.run({
      prepare: () => calls.prepare(message, options),
      send: async (prepared) => {
        const left = Math.ceil(until - clock.monotonic());
        // Its time has passed while it waited for its turn.
        options.signal?.throwIfAborted();
        if (left <= 0 || expected.isOver()) {
          throw new ReplyTimeoutError(message.topic, timeout, expected.correlationId, false);
        }
        return calls.sendPrepared(this.#asking(prepared, expected.correlationId, left), message, {
          ...options,
          timeout: left,
        });
      },
    });
    const giveUp = (): void => expected.fail(options.signal?.reason);
    options.signal?.addEventListener('abort', giveUp, { once: true });
    asking.then(() => {
      expected.stored();
      callBack(
        () => options.onStored?.(),
        (error) => context.logger.warn(`onStored of a request on topic ${message.topic} failed: ${describe(error)}`),
      );
    }, expected.fail);
    return pending.track(() => expected.reply.finally(() => options.signal?.removeEventListener('abort', giveUp)));
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
