// Keeps what a consumer subscribes to, and sees to the routes of its topics.
import { retryTopic } from '@nest-rocketmq/remoting/internal';
import type { SubscriptionData } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { checkTopic } from '../../config/names.js';
import type { ResolvedPushConsumerOptions, Subscription } from '../options/consumer-options.js';
import { SubscribedTopics } from './subscribed-topics.js';

export class Subscriptions {
  readonly #group: string;
  readonly #byTopic = new Map<string, SubscriptionData>();
  readonly #topics: SubscribedTopics;

  /** A group that shares its messages has its retry topic among them. @throws InvalidOptionError */
  constructor(context: ClientContext, { group, subscriptions, messageModel }: ResolvedPushConsumerOptions) {
    this.#group = group;
    this.#topics = new SubscribedTopics(context, group);
    const retry = messageModel === 'CLUSTERING' ? [{ topic: retryTopic(group) }] : [];
    for (const one of [...subscriptions, ...retry]) this.#byTopic.set(one.topic, this.#topics.next(one));
  }

  get topics(): string[] {
    return [...this.#byTopic.keys()];
  }

  get all(): SubscriptionData[] {
    return [...this.#byTopic.values()];
  }

  get(topic: string): SubscriptionData | undefined {
    return this.#byTopic.get(topic);
  }

  has(topic: string): boolean {
    return this.#byTopic.has(topic);
  }

  /** Whether the group subscribed before the topic existed. */
  isYoung(topic: string): boolean {
    return this.#topics.isYoung(topic);
  }

  /**
   * Asks for the routes, and keeps looking for topics that have none.
   * @throws NameServerUnreachableError, SubscriptionRefusedError when a broker does not understand an expression
   */
  async join(): Promise<void> {
    await this.#topics.find(this.all);
  }

  /**
   * Takes the subscription in place of the one to its topic, if there is one.
   * @param isRunning whether brokers are to check it first
   * @returns whether brokers are to be told
   * @throws NameServerUnreachableError, SubscriptionRefusedError, InvalidNameError, InvalidOptionError: nothing has changed
   */
  async set(subscription: Subscription, isRunning: () => boolean): Promise<boolean> {
    const { topic } = subscription;
    checkTopic(topic);
    const next = this.#topics.next(subscription);
    if (isRunning()) {
      try {
        await this.#topics.find([next]);
      } catch (error) {
        if (!this.has(topic)) this.#topics.unwatch(topic);
        throw error;
      }
      if (!isRunning()) {
        // Shut down meanwhile.
        this.leave();
        return false;
      }
    }
    const current = this.get(topic);
    // Another change has been faster, and is newer.
    if (current && current.subVersion >= next.subVersion) return false;
    this.#byTopic.set(topic, next);
    return isRunning();
  }

  /** @returns whether it was there; the retry topic stays */
  delete(topic: string): boolean {
    if (topic === retryTopic(this.#group) || !this.#byTopic.delete(topic)) return false;
    this.#topics.forget(topic);
    return true;
  }

  /** The consumer has ended. */
  leave(): void {
    for (const topic of this.#topics.watched) this.#topics.unwatch(topic);
  }
}
