// Owns a push consumer: the parts it is put together from, and the order in which they start and stop.
import type { PushConsumerOptions } from './consumer-options.js';

/** Messages come to the listener as they arrive at the broker. Made by RocketMQClient.createPushConsumer. */
export class PushConsumer {
  readonly group: string;

  constructor(options: PushConsumerOptions) {
    this.group = options.group;
  }

  /** Resolves when brokers know the group and its queues are being pulled. */
  async start(): Promise<void> {}

  /** Pulls no more until `resume`; messages already here are still delivered. */
  pause(): void {}

  resume(): void {}

  /**
   * Stops pulling, waits for running listener calls, stores offsets, and leaves the group.
   * @param options deadline for the listener calls, ms; default 30000. What runs longer is delivered again elsewhere.
   */
  async shutdown(_options: { deadline?: number } = {}): Promise<void> {}
}
