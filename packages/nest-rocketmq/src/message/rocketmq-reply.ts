// Represents the answer to a request where a bare value does not say enough.
import type { MessageOptions } from './outgoing-message.js';

/** A global symbol, so that the ES module build and the CommonJS build know each other's replies. */
const IS_REPLY = Symbol.for('nest-rocketmq:reply');

/** What a reply may carry beside its payload. */
export type ReplyOptions = MessageOptions;

/**
 * The answer to a request. A listener returns it to add keys, tags or properties to its answer. An exception filter returns
 * it to answer a request that has failed: whatever else a filter returns, the failure stays a failure.
 */
export class RocketMQReply<T = unknown> {
  readonly [IS_REPLY] = true;

  constructor(
    /** Becomes the reply's body, by the option `messageConverter`. */
    readonly payload: T,
    /** Its keys, tags and properties. Default: none. */
    readonly options: ReplyOptions = {},
  ) {}
}

/** @internal */
export function isReply(value: unknown): value is RocketMQReply {
  return typeof value === 'object' && value !== null && (value as { [IS_REPLY]?: unknown })[IS_REPLY] === true;
}
