// Represents a message that the app has asked for.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { RocketMQContext } from '../decorators/rocketmq-context.js';
import type { MessageConverter, PayloadKind } from '../message/message-converter.js';
import { readPayload } from '../message/read-payload.js';
import type { AnyTopic } from '../message/topic.js';

/** How messages are turned into payloads, and where they come from. */
export interface Receiving {
  readonly group: string;
  readonly converter: MessageConverter;
  readonly kind: PayloadKind;
  /** The typed topic of a message, whose converter and schema it is read by. */
  readonly topicOf: (message: MessageExt) => AnyTopic | undefined;
  /** Aborts when the consumer has ended. */
  readonly signal: AbortSignal;
}

/** A message from a pull consumer or `RocketMQTemplate.receive`. */
export class ReceivedMessage<T = unknown> {
  /** Everything about the message except its payload. */
  readonly context: RocketMQContext;
  readonly #receiving: Receiving;
  #read: { value: T } | { error: unknown } | undefined;

  private constructor(message: MessageExt, receiving: Receiving) {
    this.context = RocketMQContext.of(message, receiving.group, receiving);
    this.#receiving = receiving;
  }

  /** A promise only if the schema of the message's typed topic validates asynchronously. @internal */
  static of<T>(message: MessageExt, receiving: Receiving): ReceivedMessage<T> | Promise<ReceivedMessage<T>> {
    const received = new ReceivedMessage<T>(message, receiving);
    // The payload is read without waiting. Without a schema there is nothing to wait for.
    if (receiving.topicOf(message)?.schema === undefined) return received;
    const reading = received.#readBody();
    return reading instanceof Promise ? reading.then(() => received) : received;
  }

  /**
   * The decoded body; that of a typed topic as its schema makes it. A body that cannot be read throws here, so that it keeps
   * nobody from the other messages.
   * @throws MessageDecodeError, MessageValidationError
   */
  get payload(): T {
    if (!this.#read) void this.#readBody();
    const read = this.#read!;
    if ('error' in read) throw read.error;
    return read.value;
  }

  #readBody(): Promise<void> | undefined {
    const { converter, kind, topicOf } = this.#receiving;
    const { message } = this.context;
    const topic = topicOf(message);
    const reading = { kind, converter: topic?.converter, schema: topic?.schema };
    const fail = (error: unknown): void => void (this.#read = { error });
    try {
      const value = readPayload(converter, message, reading);
      if (value instanceof Promise) return value.then((later) => void (this.#read = { value: later as T }), fail);
      this.#read = { value: value as T };
    } catch (error) {
      fail(error);
    }
    return undefined;
  }
}
