// Keeps what a consumer subscribes to, and sees to the routes of its topics.
import { retryTopic } from '@nest-rocketmq/remoting/internal';
import type { SubscriptionData } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import { checkTopic } from '../config/names.js';
import type { ResolvedPushConsumerOptions, Subscription } from './consumer-options.js';
import { checkExpression } from './find-topics.js';
import { subscriptionData } from './subscription.js';

export class Subscriptions {
  readonly #context: ClientContext;
  readonly #group: string;
  readonly #byTopic = new Map<string, SubscriptionData>();
  /** Topics that did not exist when we subscribed to them. */
  readonly #young = new Set<string>();
  /** Topics whose routes are kept. */
  readonly #watched = new Set<string>();
  #version = 0;

  /** A group that shares its messages has its retry topic among them. @throws InvalidOptionError */
  constructor(context: ClientContext, { group, subscriptions, messageModel }: ResolvedPushConsumerOptions) {
    this.#context = context;
    this.#group = group;
    const retry = messageModel === 'CLUSTERING' ? [{ topic: retryTopic(group) }] : [];
    for (const one of [...subscriptions, ...retry]) this.#byTopic.set(one.topic, this.#next(one));
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
    return this.#young.has(topic);
  }

  /**
   * Asks for the routes, and keeps looking for topics that have none.
   * @throws NameServerUnreachableError, SubscriptionRefusedError when a broker does not understand an expression
   */
  async join(): Promise<void> {
    await Promise.all(this.all.map((subscription) => this.#find(subscription)));
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
    const next = this.#next(subscription);
    if (isRunning()) {
      try {
        await this.#find(next);
      } catch (error) {
        if (!this.has(topic)) this.#unwatch(topic);
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
    this.#young.delete(topic);
    this.#unwatch(topic);
    return true;
  }

  /** The consumer has ended. */
  leave(): void {
    for (const topic of this.#watched) this.#unwatch(topic);
  }

  /** Brokers keep the subscription of a group that has the greatest version. */
  #next(subscription: Subscription): SubscriptionData {
    this.#version = Math.max(this.#context.clock.now(), this.#version + 1);
    return subscriptionData(subscription, this.#version);
  }

  async #find(subscription: SubscriptionData): Promise<void> {
    const { routes, logger } = this.#context;
    const { topic } = subscription;
    if (!this.#watched.has(topic)) routes.watch(topic);
    this.#watched.add(topic);
    const route = await routes.resolve(topic);
    if (topic === retryTopic(this.#group)) return;
    if (subscription.expressionType !== 'TAG') await checkExpression(this.#context, this.#group, subscription);
    if (route && !route.assumed) return;
    logger.log(`${this.#group} waits for topic ${topic}, which does not exist yet`);
    this.#young.add(topic);
  }

  #unwatch(topic: string): void {
    if (this.#watched.delete(topic)) this.#context.routes.unwatch(topic);
  }
}
