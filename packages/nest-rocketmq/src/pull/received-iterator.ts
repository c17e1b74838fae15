// Iterates over the messages of a pull consumer, and has a manual clock wait for the one in hand.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ReceivedMessage } from './received-message.js';

export interface ReceivedIteratorParts<T> {
  /** The client's iterator, once the consumer has started. */
  readonly messages: () => Promise<AsyncIterableIterator<MessageExt, undefined>>;
  readonly received: (message: MessageExt) => ReceivedMessage<T> | Promise<ReceivedMessage<T>>;
  /** Has a manual clock wait. @returns ends that */
  readonly hold: (message: MessageExt) => (() => void) | undefined;
}

export class ReceivedIterator<T> implements AsyncIterableIterator<ReceivedMessage<T>, undefined> {
  readonly #parts: ReceivedIteratorParts<T>;
  #messages: Promise<AsyncIterableIterator<MessageExt, undefined>> | undefined;
  #release: (() => void) | undefined;

  constructor(parts: ReceivedIteratorParts<T>) {
    this.#parts = parts;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ReceivedMessage<T>, undefined>> {
    this.#putDown();
    this.#messages ??= this.#parts.messages();
    const { done, value } = await (await this.#messages).next();
    if (done || value === undefined) return { done: true, value: undefined };
    this.#release = this.#parts.hold(value);
    return { done: false, value: await this.#parts.received(value) };
  }

  async return(): Promise<IteratorResult<ReceivedMessage<T>, undefined>> {
    this.#putDown();
    await (await this.#messages)?.return?.();
    return { done: true, value: undefined };
  }

  #putDown(): void {
    this.#release?.();
    this.#release = undefined;
  }
}
