// Links listener calls in the order in which they came. A Set would make a new table whenever it becomes empty, and each
// table keeps the next one, and so its calls and messages, alive until a full garbage collection.
import type { Delivery } from './delivery.js';

/** A call is in one list at most. */
export class DeliveryList {
  #first: Delivery | undefined;
  #last: Delivery | undefined;
  #count = 0;

  get first(): Delivery | undefined {
    return this.#first;
  }

  get count(): number {
    return this.#count;
  }

  push(delivery: Delivery): void {
    delivery.before = this.#last;
    if (this.#last) this.#last.after = delivery;
    else this.#first = delivery;
    this.#last = delivery;
    this.#count++;
  }

  /** Does nothing for a call that is in no list. */
  delete(delivery: Delivery): void {
    const { before, after } = delivery;
    if (!before && this.#first !== delivery) return;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    delivery.before = delivery.after = undefined;
    this.#count--;
  }

  /** Takes the first one out. */
  shift(): Delivery | undefined {
    const first = this.#first;
    if (first) this.delete(first);
    return first;
  }

  clear(): void {
    while (this.shift());
  }
}
