// Represents data with what goes beside it in its message: keys, tags, properties, a delay.
import type { RequestOptions } from '../template/request-options.js';
import type { SendOptions } from '../template/send-options.js';

/** A global symbol, so that the ES module build and the CommonJS build know each other's records. */
const IS_RECORD = Symbol.for('nest-rocketmq:record');

/** What a record may carry: the options of `RocketMQTemplate.send` and `request`. */
export type RocketMQRecordOptions = SendOptions & Pick<RequestOptions, 'payload'>;

/**
 * Data for `client.emit` or `client.send`, or the answer of a `@MessagePattern`, with options. A `RocketMQRecordBuilder` makes
 * one. Of an answer only keys, tags and properties count.
 */
export class RocketMQRecord<T = unknown> {
  readonly [IS_RECORD] = true;

  constructor(
    /** Becomes the message's body. */
    readonly data: T,
    /** Default: none. */
    readonly options: RocketMQRecordOptions = {},
  ) {}
}

/** Builds a `RocketMQRecord`, as `KafkaRecord` and `RmqRecordBuilder` do for their brokers. */
export class RocketMQRecordBuilder<T = unknown> {
  #options: RocketMQRecordOptions = {};

  constructor(private data: T) {}

  /** Replaces the data. */
  setData(data: T): this {
    this.data = data;
    return this;
  }

  /** The message's properties, which Nest's other transports call headers. Values are strings. */
  setHeaders(headers: Record<string, string>): this {
    return this.#set({ properties: headers });
  }

  /** Business keys, by which the message can be found later. */
  setKeys(keys: string | string[]): this {
    return this.#set({ keys });
  }

  /** One tag. A pattern such as 'order:created' has one already. */
  setTags(tags: string): this {
    return this.#set({ tags });
  }

  /** Messages with the same sharding key stay in order. */
  setShardingKey(shardingKey: string): this {
    return this.#set({ shardingKey });
  }

  /** How much later it is delivered: ms, or a length such as '30m'. */
  setDelay(delay: NonNullable<SendOptions['delay']>): this {
    return this.#set({ delay });
  }

  /** The time at which it is delivered. */
  setDeliverAt(deliverAt: Date): this {
    return this.#set({ deliverAt });
  }

  /** The delay as a level of the cluster's table: 1 to 18. */
  setDelayLevel(delayLevel: number): this {
    return this.#set({ delayLevel });
  }

  /** The time for the send; of a request, with its answer: ms, or a length such as '5s'. Default 3000 ms. */
  setTimeout(timeout: NonNullable<SendOptions['timeout']>): this {
    return this.#set({ timeout });
  }

  build(): RocketMQRecord<T> {
    return new RocketMQRecord(this.data, this.#options);
  }

  #set(options: RocketMQRecordOptions): this {
    this.#options = { ...this.#options, ...options };
    return this;
  }
}

/** Data and options, whether or not it is a record. */
export function recordOf(value: unknown): RocketMQRecord {
  return isRecord(value) ? value : new RocketMQRecord(value);
}

export function isRecord(value: unknown): value is RocketMQRecord {
  return typeof value === 'object' && value !== null && (value as { [IS_RECORD]?: unknown })[IS_RECORD] === true;
}
