// Owns one client: its identity, its connections, and the producers and consumers on them. Two clients share nothing.
import type { ClientOptions } from './options.js';
import type { ProducerOptions } from './producer/producer-options.js';
import type { PushConsumerOptions } from './consumer/consumer-options.js';
import { resolveClientOptions } from './options.js';
import { Admin } from './admin.js';
import { Producer } from './producer/producer.js';
import { PushConsumer } from './consumer/push-consumer.js';

export class RocketMQClient {
  readonly admin: Admin = new Admin();

  constructor(options: ClientOptions) {
    resolveClientOptions(options);
  }

  /** @throws NameServerUnreachableError when no name server of the list answers within a bounded time */
  async start(): Promise<void> {}

  createProducer(options: ProducerOptions): Producer {
    return new Producer(options);
  }

  createPushConsumer(options: PushConsumerOptions): PushConsumer {
    return new PushConsumer(options);
  }

  /** Shuts down what was made from it, consumers first, and closes all connections. */
  async shutdown(): Promise<void> {}
}
