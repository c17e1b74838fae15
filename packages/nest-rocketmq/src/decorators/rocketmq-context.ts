// Owns what a listener is told about the message it is given.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { MessageProperty } from '@nest-rocketmq/remoting/internal';

/** Everything about a delivery except its payload. A class, so that it may stand in decorated signatures. */
export class RocketMQContext {
  readonly topic: string;
  readonly tags: string | undefined;
  readonly keys: readonly string[];
  /** The id that the producer gave; it stays the same over redeliveries. */
  readonly msgId: string;
  /** 0 on the first delivery. */
  readonly reconsumeTimes: number;
  readonly properties: ReadonlyMap<string, string>;
  readonly queueId: number;
  readonly queueOffset: number;
  /** ms since the epoch, by the producer's clock */
  readonly bornTimestamp: number;
  /** ms since the epoch, by the broker's clock */
  readonly storeTimestamp: number;

  constructor(
    /** The message as it came, body included. */
    readonly message: MessageExt,
    /** The consumer group that the message was delivered to; for a transaction check, the producer group. */
    readonly group: string,
    /** Aborted when the app shuts down and the drain deadline has passed. */
    readonly signal: AbortSignal,
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
  }
}

function splitKeys(keys: string | undefined): readonly string[] {
  return keys ? keys.split(' ').filter((key) => key.length > 0) : [];
}
