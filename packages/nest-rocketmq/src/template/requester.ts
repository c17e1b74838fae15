// Sends the template's requests, and decodes their replies.
import { Inject, Injectable } from '@nestjs/common';
import type { AskOptions, OutgoingMessage } from '@nest-rocketmq/client';
import type { AnyDestination } from '../message/topic.js';
import { decodeBody } from '../message/decode-body.js';
import type { PayloadKind } from '../message/message-converter.js';
import { compose } from '../message/outgoing-message.js';
import { inside } from '../option-checks.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { RocketMQConnection } from '../rocketmq-connection.js';
import type { ProducerSource } from '../rocketmq-connection.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';
import { REQUEST_OPTIONS, askOptionsOf, payloadKindOf } from './request-options.js';
import type { RequestOptions } from './request-options.js';

/** How long a manual clock waits for a request to be stored, ms of real time. For its reply it waits in the listener. */
const SEND_HOLDS_CLOCK_MS = 1_000;

@Injectable()
export class Requester {
  constructor(
    @Inject(RocketMQConnection) private readonly connection: ProducerSource,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** @throws as `RocketMQTemplate.request` */
  async request(destination: AnyDestination, payload: unknown, options: RequestOptions): Promise<unknown> {
    const { message, settings, kind } = this.#compose(destination, payload, options);
    const stored = this.connection.clock?.busy?.(`a request on topic ${message.topic}`, SEND_HOLDS_CLOCK_MS);
    try {
      const producer = await this.connection.producer();
      const reply = await producer.request(message, { ...settings, onStored: () => stored?.() });
      options.onReply?.(reply.properties);
      return decodeBody(this.options.messageConverter, reply, kind);
    } finally {
      stored?.();
    }
  }

  #compose(destination: AnyDestination, payload: unknown, options: RequestOptions): Composed {
    const { messageConverter: converter, highestDelayLevel } = this.options;
    return inside('RocketMQTemplate.request', undefined, () => ({
      message: compose({ converter, highestDelayLevel }, destination, payload, options, REQUEST_OPTIONS),
      settings: askOptionsOf(options),
      kind: payloadKindOf(options),
    }));
  }
}

interface Composed {
  readonly message: OutgoingMessage;
  readonly settings: AskOptions;
  readonly kind: PayloadKind;
}
