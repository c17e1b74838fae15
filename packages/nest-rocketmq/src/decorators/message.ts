// Represents one message of a list that a batch listener is given.
import type { RocketMQContext } from './rocketmq-context.js';

/** A message of a batch: its payload, and everything about its delivery. Only what `fail` names is delivered again. */
export class Message<T = unknown> {
  #failure: { readonly error: unknown } | undefined;

  /** The module creates it; a unit test of a listener can, too. */
  constructor(
    /** What pipes have made of it. */
    public payload: T,
    readonly context: RocketMQContext,
  ) {}

  /**
   * Says that this message failed; the others of the list are consumed, unless they fail, too.
   * @param error as if the listener of this one message had thrown it: an error, or an `Outcome` such as
   * `Outcome.toDeadLetter('no such order')`
   */
  fail(error: unknown = 'the listener has called fail()'): void {
    this.#failure = { error };
  }

  /** What `fail` was called with. @internal */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** For another try in this process. @internal */
  forgetFailure(): void {
    this.#failure = undefined;
  }
}
