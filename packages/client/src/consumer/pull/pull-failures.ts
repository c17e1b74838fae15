// Logs pulls that fail: one line for each broker, not one for each queue and second.
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { describe } from '../../errors.js';
import { queueKey } from '../process-queue/process-queue.js';

export class PullFailures {
  readonly #context: ClientContext;
  readonly #group: string;
  /** Brokers that refuse pulls. */
  readonly #failing = new Set<string>();

  constructor(context: ClientContext, group: string) {
    this.#context = context;
    this.#group = group;
  }

  /** The route may be an old one. */
  failed(queue: MessageQueue, error: unknown): void {
    const { outages, logger, routes } = this.#context;
    routes.refreshSoon();
    if (outages.met(error)) return;
    if (!this.#failing.has(queue.brokerName)) {
      logger.warn(`${this.#group} cannot pull ${queueKey(queue)} for now: ${describe(error)}`);
    }
    this.#failing.add(queue.brokerName);
  }

  /** A pull was answered. */
  over({ brokerName }: MessageQueue): void {
    this.#failing.delete(brokerName);
  }
}
