// Counts the listener calls under way, and finds those that have outlasted consumeTimeout.
import type { Clock, TimerHandle } from '@nest-rocketmq/remoting/internal';
import type { Delivery } from './delivery.js';
import { DeliveryList } from './delivery-list.js';
import type { ProcessQueue } from '../process-queue/process-queue.js';

export interface DeliveriesOptions {
  clock: Clock;
  /** ms; Infinity: none */
  consumeTimeout: number;
  onTimeout: (delivery: Delivery) => void;
}

export class Deliveries {
  readonly #options: DeliveriesOptions;
  /** In the order in which they began. */
  readonly #underWay = new DeliveryList();
  /** Queues to whose drop we listen. */
  readonly #queues = new WeakSet<ProcessQueue>();
  #timer: TimerHandle | undefined;
  #stopped = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#underWay.count;
  }

  /** The call begins. */
  add(delivery: Delivery): void {
    delivery.startedAt = this.#options.clock.monotonic();
    this.#underWay.push(delivery);
    if (!this.#timer) this.#arm(this.#options.consumeTimeout);
    const { queue } = delivery;
    if (this.#queues.has(queue)) return;
    this.#queues.add(queue);
    queue.signal.addEventListener('abort', () => this.#dropped(queue), { once: true });
  }

  delete(delivery: Delivery): void {
    this.#underWay.delete(delivery);
  }

  /** Ends the time-outs: a shutdown has a deadline of its own. */
  stop(): void {
    this.#stopped = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  #dropped(queue: ProcessQueue): void {
    for (let each = this.#underWay.first, next; each; each = next) {
      next = each.after;
      if (each.queue === queue) each.end();
    }
  }

  #arm(ms: number): void {
    if (this.#stopped || ms === Infinity) return;
    this.#timer = this.#options.clock.setTimeout(() => this.#onTimer(), ms);
  }

  #onTimer(): void {
    const { clock, consumeTimeout, onTimeout } = this.#options;
    this.#timer = undefined;
    for (let delivery = this.#underWay.first, next; delivery; delivery = next) {
      // `onTimeout` may take it out.
      next = delivery.after;
      if (delivery.over || delivery.returned) continue;
      const left = delivery.startedAt + consumeTimeout - clock.monotonic();
      if (left > 0) return this.#arm(left);
      onTimeout(delivery);
    }
  }
}
