// Consumes the messages of a namespace: its topics and group have names there that the listener does not see.
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import type { Namespace } from '../config/namespace.js';
import type { PushConsumerOptions, Subscription } from '../consumer/options/consumer-options.js';
import type { QueueOffset } from '../groups/group-registry.js';
import { PushConsumer } from '../consumer/push-consumer.js';

export class NamespacedPushConsumer extends PushConsumer {
  readonly #names: Namespace;

  constructor(context: ClientContext, options: PushConsumerOptions) {
    const { names } = context;
    const { listener, subscriptions, messageQueueListener } = options;
    const stripped = (queues: readonly MessageQueue[]): MessageQueue[] =>
      queues.map((queue) => names.stripQueue(queue));
    super(context, {
      ...options,
      group: names.wrap(options.group),
      ...(typeof messageQueueListener === 'function' && {
        messageQueueListener: (topic, all, mine) =>
          messageQueueListener(names.strip(topic), stripped(all), stripped(mine)),
      }),
      // What is no list, or no function, is refused by the consumer.
      subscriptions: Array.isArray(subscriptions) ? subscriptions.map((each) => wrapped(each, names)) : subscriptions,
      listener:
        typeof listener === 'function'
          ? (messages, delivery) => {
              // The same object: the listener says there what becomes of its messages.
              const shown = Object.assign(delivery, { messageQueue: names.stripQueue(delivery.messageQueue) });
              return listener(
                messages.map((message) => names.stripMessage(message)),
                shown,
              );
            }
          : listener,
    });
    this.#names = names;
  }

  override get offsets(): QueueOffset[] {
    return super.offsets.map(({ queue, offset }) => ({ queue: this.#names.stripQueue(queue), offset }));
  }

  override subscribe(subscription: Subscription): Promise<void> {
    return super.subscribe(wrapped(subscription, this.#names));
  }

  override unsubscribe(topic: string): Promise<void> {
    return super.unsubscribe(this.#names.wrap(topic));
  }
}

function wrapped(subscription: Subscription, names: Namespace): Subscription {
  // What is no subscription is refused by the consumer.
  if (typeof subscription !== 'object' || subscription === null) return subscription;
  return { ...subscription, topic: names.wrap(subscription.topic) };
}
