// Iterates over the messages of a consumer that pulls: one at a time, and none before the last one is done with.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';

export interface MessageSource {
  /** The next message; undefined when the consumer is shut down. */
  next(): Promise<MessageExt | undefined>;
  /** The iteration has ended, and takes nothing more: another one may begin. */
  ended(): void;
}

export class MessageIterator implements AsyncIterableIterator<MessageExt, undefined> {
  readonly #source: MessageSource;
  /** The last call of `next` that has not ended. */
  #pending: Promise<unknown> | undefined;
  #ended = false;

  constructor(source: MessageSource) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Calls wait for each other, as those of a generator do. */
  next(): Promise<IteratorResult<MessageExt, undefined>> {
    const run = (): Promise<IteratorResult<MessageExt, undefined>> => this.#next();
    const result = this.#pending ? this.#pending.then(run, run) : run();
    const ended = (): void => {
      if (this.#pending === result) this.#pending = undefined;
    };
    this.#pending = result;
    result.then(ended, ended);
    return result;
  }

  return(): Promise<IteratorResult<MessageExt, undefined>> {
    if (!this.#ended) this.#source.ended();
    this.#ended = true;
    return Promise.resolve({ done: true, value: undefined });
  }
  async #next(): Promise<IteratorResult<MessageExt, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    const value = await this.#source.next();
    if (value !== undefined) return { done: false, value };
    return this.return();
  }
}
