// Pulls the messages of a namespace: its topics and group have names there that the application does not see.
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { Admin } from '../admin/admin.js';
import type { ClientContext } from '../client-context.js';
import type { Namespace } from '../config/namespace.js';
import type { Subscription } from '../consumer/options/consumer-options.js';
import { LitePullConsumer } from '../consumer/lite-pull/lite-pull-consumer.js';
import type { LitePullConsumerOptions } from '../consumer/lite-pull/lite-pull-options.js';
import type { AssignmentListener } from '../consumer/lite-pull/lite-pull-parts.js';
import type { PollOptions } from '../consumer/lite-pull/lite-pull-reader.js';
import type { TopicQueuesListener } from '../consumer/rebalance/topic-queues-listener.js';
import type { QueueOffset } from '../groups/group-registry.js';

export class NamespacedLitePullConsumer extends LitePullConsumer {
  readonly #names: Namespace;

  constructor(context: ClientContext, admin: Admin, options: LitePullConsumerOptions) {
    const { names } = context;
    const { subscriptions } = options;
    const wrapped = Array.isArray(subscriptions)
      ? subscriptions.map((each) => ({ ...each, topic: names.wrap(each.topic) }))
      : subscriptions;
    super(context, admin, {
      ...options,
      group: names.wrap(options.group),
      ...(wrapped && { subscriptions: wrapped }),
    });
    this.#names = names;
  }

  override subscribe(topic: string, expression?: string | Omit<Subscription, 'topic'>): Promise<void> {
    return super.subscribe(this.#names.wrap(topic), expression);
  }

  override unsubscribe(topic: string): Promise<void> {
    return super.unsubscribe(this.#names.wrap(topic));
  }

  override assign(queues: readonly MessageQueue[], subscription?: Omit<Subscription, 'topic'>): Promise<void> {
    return super.assign(Array.isArray(queues) ? this.#wrapped(queues) : queues, subscription);
  }

  override assignment(): MessageQueue[] {
    return this.#stripped(super.assignment());
  }

  override onAssignmentChanged(listener: AssignmentListener): () => void {
    return super.onAssignmentChanged((queues) => listener(this.#stripped(queues)));
  }

  override onTopicQueuesChanged(topic: string, listener: TopicQueuesListener): Promise<() => void> {
    return super.onTopicQueuesChanged(this.#names.wrap(topic), (_topic, queues) =>
      listener(topic, this.#stripped(queues)),
    );
  }

  override async poll(options: PollOptions = {}): Promise<MessageExt[]> {
    return (await super.poll(options)).map((message) => this.#names.stripMessage(message));
  }

  override [Symbol.asyncIterator](): AsyncIterableIterator<MessageExt, undefined> {
    const messages = super[Symbol.asyncIterator]();
    const strip = (result: IteratorResult<MessageExt, undefined>): IteratorResult<MessageExt, undefined> =>
      result.done ? result : { done: false, value: this.#names.stripMessage(result.value) };
    const iterator: AsyncIterableIterator<MessageExt, undefined> = {
      next: async () => strip(await messages.next()),
      return: async () => (await messages.return?.()) ?? { done: true, value: undefined },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  override seek(queue: MessageQueue, offset: number): Promise<void> {
    return super.seek(this.#names.wrapQueue(queue), offset);
  }

  override seekToBegin(queue: MessageQueue): Promise<void> {
    return super.seekToBegin(this.#names.wrapQueue(queue));
  }

  override seekToEnd(queue: MessageQueue): Promise<void> {
    return super.seekToEnd(this.#names.wrapQueue(queue));
  }

  override seekToTimestamp(queue: MessageQueue, timestamp: number): Promise<void> {
    return super.seekToTimestamp(this.#names.wrapQueue(queue), timestamp);
  }

  override pause(queues: readonly MessageQueue[]): void {
    super.pause(this.#wrapped(queues));
  }

  override resume(queues: readonly MessageQueue[]): void {
    super.resume(this.#wrapped(queues));
  }

  override commit(offsets?: Iterable<QueueOffset>): Promise<void> {
    return super.commit(
      offsets && Array.from(offsets, ({ queue, offset }) => ({ queue: this.#names.wrapQueue(queue), offset })),
    );
  }

  override committed(queue: MessageQueue): Promise<number | undefined> {
    return super.committed(this.#names.wrapQueue(queue));
  }

  override position(queue: MessageQueue): number | undefined {
    return super.position(this.#names.wrapQueue(queue));
  }

  override offsetForTimestamp(queue: MessageQueue, timestamp: number): Promise<number> {
    return super.offsetForTimestamp(this.#names.wrapQueue(queue), timestamp);
  }

  override async fetchMessageQueues(topic: string): Promise<MessageQueue[]> {
    return this.#stripped(await super.fetchMessageQueues(this.#names.wrap(topic)));
  }

  #wrapped(queues: readonly MessageQueue[]): MessageQueue[] {
    return queues.map((queue) => this.#names.wrapQueue(queue));
  }

  #stripped(queues: readonly MessageQueue[]): MessageQueue[] {
    return queues.map((queue) => this.#names.stripQueue(queue));
  }
}
