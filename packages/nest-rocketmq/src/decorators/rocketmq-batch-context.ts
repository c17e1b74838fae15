// Describes a list of messages to the batch listener that receives it.
import { brand, isInstanceOf } from '@nest-rocketmq/remoting/internal';
import type { Message } from './message.js';

/** What the messages of one call have in common. Each has a `RocketMQContext` of its own besides. */
export class RocketMQBatchContext {
  /** `instanceof` holds for those of the package's other module format, too, should a process load both. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstanceOf(this, RocketMQBatchContext, value);
  }

  private constructor(
    private given: readonly Message[],
    readonly topic: string,
    /** The consumer group. */
    readonly group: string,
    /** Aborts when the results no longer count: at shutdown after `shutdownTimeout`, or if another consumer has the queue. */
    readonly signal: AbortSignal,
    /** Whether a message that failed keeps back those behind it. @internal */
    readonly keepsOrder: boolean,
  ) {}

  /** The messages of the call. */
  get messages(): readonly Message[] {
    return this.given;
  }

  /** Leaves out what a pipe has refused. @internal */
  keep(messages: readonly Message[]): void {
    this.given = messages;
  }

  /** @internal */
  static of(
    messages: readonly Message[],
    group: string,
    signal: AbortSignal,
    keepsOrder: boolean,
  ): RocketMQBatchContext {
    return new RocketMQBatchContext(messages, messages[0]?.context.topic ?? '', group, signal, keepsOrder);
  }
}
brand(RocketMQBatchContext);
