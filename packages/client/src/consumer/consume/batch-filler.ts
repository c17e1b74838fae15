// Holds a queue's messages until there are enough for one call of the listener, or the first of them has waited long enough.
import type { Clock, MessageExt, TimerHandle } from '@nest-rocketmq/remoting/internal';
import type { ProcessQueue } from '../process-queue/process-queue.js';

export interface BatchFillerOptions {
  clock: Clock;
  /** Most messages of a call. */
  size: number;
  /** How long a message may wait for others, ms; 0: not at all. */
  wait: number;
  /** Takes the messages of one call. */
  ready: (queue: ProcessQueue, messages: MessageExt[]) => void;
}

interface Filling {
  readonly messages: MessageExt[];
  readonly timer: TimerHandle;
}

export class BatchFiller {
  readonly #options: BatchFillerOptions;
  readonly #filling = new Map<ProcessQueue, Filling>();
  /** Queues to whose drop we listen. */
  readonly #queues = new WeakSet<ProcessQueue>();

  constructor(options: BatchFillerOptions) {
    this.#options = options;
  }

  add(queue: ProcessQueue, messages: readonly MessageExt[]): void {
    const { size, wait, ready } = this.#options;
    const all = wait > 0 ? [...this.#taken(queue), ...messages] : messages;
    let at = 0;
    for (; at + size <= all.length; at += size) ready(queue, all.slice(at, at + size));
    if (at === all.length) return;
    const rest = all.slice(at);
    if (wait > 0) this.#hold(queue, rest);
    else ready(queue, rest);
  }

  stop(): void {
    for (const { timer } of this.#filling.values()) this.#options.clock.clearTimeout(timer);
    this.#filling.clear();
  }

  #hold(queue: ProcessQueue, messages: MessageExt[]): void {
    const { clock, wait, ready } = this.#options;
    const timer = clock.setTimeout(() => ready(queue, this.#taken(queue)), wait, 'a list of messages that fills up');
    this.#filling.set(queue, { messages, timer });
    if (this.#queues.has(queue)) return;
    this.#queues.add(queue);
    queue.signal.addEventListener('abort', () => this.#taken(queue), { once: true });
  }

  #taken(queue: ProcessQueue): MessageExt[] {
    const filling = this.#filling.get(queue);
    if (!filling) return [];
    this.#filling.delete(queue);
    this.#options.clock.clearTimeout(filling.timer);
    return filling.messages;
  }
}
