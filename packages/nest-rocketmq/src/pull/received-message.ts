// Represents a message that the app has asked for.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { RocketMQContext } from '../decorators/rocketmq-context.js';
import { decodeBody } from '../message/decode-body.js';
import type { MessageConverter, PayloadKind } from '../message/message-converter.js';

/** How messages are turned into payloads, and where they come from. */
export interface Receiving {
  readonly group: string;
  readonly converter: MessageConverter;
  readonly kind: PayloadKind;
  /** Aborts when the consumer has ended. */
  readonly signal: AbortSignal;
}

/** A message from a pull consumer or `RocketMQTemplate.receive`. */
export class ReceivedMessage<T = unknown> {
  /** Everything about the message except its payload. */
  readonly context: RocketMQContext;
  readonly #receiving: Receiving;
  #payload: { value: T } | undefined;

  /** @internal */
  constructor(message: MessageExt, receiving: Receiving) {
    this.context = RocketMQContext.of(message, receiving.group, receiving);
    this.#receiving = receiving;
  }

  /**
   * The decoded body. It is decoded when it is read, so that a body that cannot be read keeps nobody from the other messages.
   * @throws MessageDecodeError
   */
  get payload(): T {
    const { converter, kind } = this.#receiving;
    this.#payload ??= { value: decodeBody(converter, this.context.message, kind) as T };
    return this.#payload.value;
  }
}
