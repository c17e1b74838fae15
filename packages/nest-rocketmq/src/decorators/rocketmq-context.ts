// Describes a delivery to the listener that receives it.
import { isRequest } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { MessageProperty, brand, isInstanceOf } from '@nest-rocketmq/remoting/internal';

/**
 * Everything about a delivery except its payload. It is a class so that decorated methods can declare it. The module creates
 * it; a unit test of a listener can pass a plain object with the fields that the listener reads.
 */
export class RocketMQContext {
  /** `instanceof` holds for those of the package's other module format, too, should a process load both. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstanceOf(this, RocketMQContext, value);
  }

  readonly topic: string;
  /** The message's tag. */
  readonly tags: string | undefined;
  readonly keys: readonly string[];
  /** The id that the producer gave. Redeliveries have the same. */
  readonly msgId: string;
  /** How often the message was delivered again: 0 on the first delivery. */
  readonly reconsumeTimes: number;
  readonly properties: ReadonlyMap<string, string>;
  readonly queueId: number;
  /** The position in its queue, counted in messages. */
  readonly queueOffset: number;
  /** When it was sent: ms since the epoch, by the producer's clock. */
  readonly bornTimestamp: number;
  /** When it was stored: ms since the epoch, by the broker's clock. */
  readonly storeTimestamp: number;

  /** Whether the sender waits for an answer: what the listener returns. */
  readonly isRequest: boolean;

  private constructor(
    /** The message as it came, with its body. */
    readonly message: MessageExt,
    /** The consumer group that the message was delivered to. For a transaction check: the producer group. */
    readonly group: string,
    /** @internal */
    readonly delivery?: { readonly signal: AbortSignal },
  ) {
    this.topic = message.topic;
    this.tags = message.properties.get(MessageProperty.TAGS);
    this.keys = splitKeys(message.properties.get(MessageProperty.KEYS));
    this.msgId = message.msgId;
    this.reconsumeTimes = message.reconsumeTimes;
    this.properties = message.properties;
    this.queueId = message.queueId;
    this.queueOffset = message.queueOffset;
    this.bornTimestamp = message.bornTimestamp;
    this.storeTimestamp = message.storeTimestamp;
    this.isRequest = isRequest(message);
  }

  /** Aborts when the result no longer counts: at shutdown after `shutdownTimeout`, or if another consumer has the queue. */
  get signal(): AbortSignal {
    // Node takes about a microsecond to make one, and most listeners never ask for it.
    return this.delivery!.signal;
  }

  /** @internal */
  static of(message: MessageExt, group: string, delivery: { readonly signal: AbortSignal }): RocketMQContext {
    return new RocketMQContext(message, group, delivery);
  }
}
brand(RocketMQContext);

function splitKeys(keys: string | undefined): readonly string[] {
  return keys ? keys.split(' ').filter((key) => key.length > 0) : [];
}
