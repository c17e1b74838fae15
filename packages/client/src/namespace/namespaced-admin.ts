// Administers the topics and groups of a namespace, by the names that the application knows.
import type { MessageExt, MessageQueue, TopicRouteData } from '@nest-rocketmq/remoting/internal';
import { Admin } from '../admin/admin.js';
import type { QueryMessageOptions } from '../admin/admin.js';
import type { BrokerTopic, CreateTopicOptions } from '../admin/topic-config.js';
import type { ResetOffset, ResetOffsetOptions } from '../admin/reset-offsets.js';
import type { DeadLetters } from '../dead-letters/dead-letters.js';
import type { ClientContext } from '../client-context.js';
import type { Namespace } from '../config/namespace.js';
import type { NameServers } from '../routes/name-servers.js';

export class NamespacedAdmin extends Admin {
  readonly #names: Namespace;

  constructor(context: ClientContext, nameServers: NameServers) {
    super(context, nameServers);
    this.#names = context.names;
  }

  override createTopic(options: CreateTopicOptions): Promise<void> {
    return super.createTopic({ ...options, topic: this.#names.wrap(options.topic) });
  }

  override topicRoute(topic: string): Promise<TopicRouteData | undefined> {
    return super.topicRoute(this.#names.wrap(topic));
  }

  override topicConfigs(topic: string): Promise<BrokerTopic[]> {
    return super.topicConfigs(this.#names.wrap(topic));
  }

  override async fetchSubscribeMessageQueues(topic: string): Promise<MessageQueue[]> {
    const queues = await super.fetchSubscribeMessageQueues(this.#names.wrap(topic));
    return queues.map((queue) => this.#names.stripQueue(queue));
  }

  override maxOffset(queue: MessageQueue): Promise<number> {
    return super.maxOffset(this.#names.wrapQueue(queue));
  }

  override minOffset(queue: MessageQueue): Promise<number> {
    return super.minOffset(this.#names.wrapQueue(queue));
  }

  override searchOffset(queue: MessageQueue, timestamp: number): Promise<number> {
    return super.searchOffset(this.#names.wrapQueue(queue), timestamp);
  }

  override consumerOffset(group: string, queue: MessageQueue): Promise<number | undefined> {
    return super.consumerOffset(this.#names.wrap(group), this.#names.wrapQueue(queue));
  }

  override async resetOffsetByTime(options: ResetOffsetOptions): Promise<ResetOffset[]> {
    const { group, topic } = options;
    const reset = await super.resetOffsetByTime({
      ...options,
      group: this.#names.wrap(group),
      topic: this.#names.wrap(topic),
    });
    return reset.map((each) => ({ ...each, queue: this.#names.stripQueue(each.queue) }));
  }

  override deadLetters(group: string): DeadLetters {
    return super.deadLetters(this.#names.wrap(group));
  }

  override async viewMessage(topic: string, offsetMsgId: string): Promise<MessageExt> {
    return this.#names.stripMessage(await super.viewMessage(this.#names.wrap(topic), offsetMsgId));
  }

  override async queryMessage(options: QueryMessageOptions): Promise<MessageExt[]> {
    const found = await super.queryMessage({ ...options, topic: this.#names.wrap(options.topic) });
    return found.map((message) => this.#names.stripMessage(message));
  }

  override async queryMessageByUniqKey(topic: string, msgId: string): Promise<MessageExt | undefined> {
    const found = await super.queryMessageByUniqKey(this.#names.wrap(topic), msgId);
    return found && this.#names.stripMessage(found);
  }
}
