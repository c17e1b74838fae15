// Represents one call of the listener: its messages, and what the listener may set and hear meanwhile.
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ConsumeContext } from '../options/consumer-options.js';
import type { ProcessQueue } from '../process-queue/process-queue.js';

const LAST_INDEX = 0x7fffffff;

export class Delivery implements ConsumeContext {
  readonly messageQueue: MessageQueue;
  /** Monotonic ms; 0: the call has not begun. */
  startedAt = 0;
  delayLevelWhenNextConsume = 0;
  ackIndex = LAST_INDEX;
  suspendCurrentQueueTimeMillis = -1;
  /** Neighbours in a `DeliveryList`. */
  before: Delivery | undefined;
  after: Delivery | undefined;
  /** The listener has ended, and its result is being counted: it has no time-out any more. */
  returned = false;
  #controller: AbortController | undefined;
  #over = false;

  constructor(
    readonly queue: ProcessQueue,
    readonly messages: MessageExt[],
  ) {
    this.messageQueue = queue.messageQueue;
  }

  /** Created on first use: most listeners never ask for it. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#over || this.queue.dropped) this.#controller.abort();
    return this.#controller.signal;
  }

  /** The listener's result no longer matters. */
  get over(): boolean {
    return this.#over;
  }

  end(): void {
    this.#over = true;
    this.#controller?.abort();
  }
}
