// Knows whether code runs within a listener, however deep down its asynchronous calls.
import { AsyncLocalStorage } from 'node:async_hooks';

export class CallTracker {
  #storage: AsyncLocalStorage<true> | undefined;

  /** Tracks calls from now on. Not before it is needed: with an async storage, Node makes every promise of the process dearer. */
  start(): void {
    this.#storage ??= new AsyncLocalStorage();
  }

  track<T>(call: () => T): T {
    return this.#storage ? this.#storage.run(true, call) : call();
  }

  /** Undefined where calls are not tracked. */
  get isInCall(): boolean | undefined {
    return this.#storage && this.#storage.getStore() === true;
  }

  /** Until it is disabled, Node passes a storage on with every promise, even if nothing refers to it any more. */
  stop(): void {
    this.#storage?.disable();
  }
}
