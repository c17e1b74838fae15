// Answers requests with what their listeners returned.
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Outcome, RequesterGoneError } from '@nest-rocketmq/client';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { MessageListenerOptions } from '../decorators/listener-metadata.js';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import { checkReplyOptions } from '../message/outgoing-message.js';
import type { MessageConverter } from '../message/message-converter.js';
import { RocketMQReply, isReply } from '../message/rocketmq-reply.js';
import { DEFAULT_REPLY_TIMEOUT_MS, checkReplyTimeout } from '../options/reply-timeout.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { reasonOf } from '../pipeline/failure-reason.js';
import { RocketMQConnection } from '../rocketmq-connection.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';

/** What became of one answer. */
export interface ReplyEvent {
  /** The listener's consumer group. */
  readonly group: string;
  /** The delivery of the request. */
  readonly context: RocketMQContext;
  /**
   * 'sent': a broker has handed it to the requester. 'requester gone': the requester is not connected any more. 'failed': it
   * could not be made or sent. In all three cases the request counts as consumed: its work is done.
   */
  readonly outcome: 'sent' | 'requester gone' | 'failed';
  /** Why it is not 'sent': a RequesterGoneError, a MessageEncodeError, or an error of a send. */
  readonly error?: unknown;
}

/** The listener that was given the request. */
interface Answering {
  /** 'Stock.check (StockModule)' */
  readonly name: string;
  readonly options: Pick<MessageListenerOptions, 'reply' | 'replyTimeout'>;
}

@Injectable()
export class Replier {
  readonly #logger = new Logger('RocketMQ');
  readonly #events = new Subject<ReplyEvent>();
  readonly #converter: MessageConverter;

  constructor(
    private readonly connection: RocketMQConnection,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) options: ResolvedOptions,
  ) {
    this.#converter = options.messageConverter;
  }

  get events(): Observable<ReplyEvent> {
    return this.#events;
  }

  /** Sends what the listener returned, if the message is a request. Never rejects: the request's work is done. */
  async answer(listener: Answering, context: RocketMQContext, returned: unknown): Promise<void> {
    const { reply: wanted, replyTimeout } = listener.options;
    // An outcome says what becomes of the request, and nothing to whoever asks.
    if (!context.isRequest || wanted === false || Outcome.is(returned)) return;
    const reply = replyOf(returned, wanted === true);
    if (!reply) return;
    try {
      await this.#send(context, reply, replyTimeout);
      this.#events.next({ group: context.group, context, outcome: 'sent' });
    } catch (error) {
      const gone = error instanceof RequesterGoneError;
      const line = `group ${context.group}: the answer of ${listener.name} to request ${context.msgId} of topic ${context.topic}`;
      if (gone) this.#logger.warn(`${line} came too late: ${error.message}`);
      else this.#logger.error(`${line} could not be sent: ${reasonOf(error, true)}`);
      this.#events.next({ group: context.group, context, outcome: gone ? 'requester gone' : 'failed', error });
    }
  }

  async #send(context: RocketMQContext, { payload, options }: RocketMQReply, replyTimeout: unknown): Promise<void> {
    const checked = checkReplyOptions(options);
    const { body, properties } = this.#converter.encode(payload);
    const producer = await this.connection.producer();
    await producer.replyTo(context.message, body, {
      ...checked,
      properties: { ...properties, ...checked.properties },
      timeout: replyTimeout === undefined ? DEFAULT_REPLY_TIMEOUT_MS : checkReplyTimeout(replyTimeout),
    });
  }
}

/** @param always whether nothing is an answer too: it goes out as null */
function replyOf(returned: unknown, always: boolean): RocketMQReply | undefined {
  const reply = isReply(returned) ? returned : new RocketMQReply(returned);
  if (reply.payload !== undefined) return reply;
  return always || isReply(returned) ? new RocketMQReply(null, reply.options) : undefined;
}
