// Looks after the topics that a consumer subscribes to: finds their routes, keeps these up to date, and has brokers check SQL92
// expressions.
import { Requests, encodeJson, expectSuccess, retryTopic, subscriptionJson } from '@nest-rocketmq/remoting/internal';
import type { SubscriptionData } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { SubscriptionRefusedError } from '../../errors.js';
import type { Subscription } from '../options/consumer-options.js';
import { subscriptionData } from './subscription.js';

export class SubscribedTopics {
  readonly #context: ClientContext;
  readonly #group: string;
  /** Topics that did not exist when we subscribed to them. */
  readonly #young = new Set<string>();
  /** Topics whose routes are looked for until they are given up. */
  readonly #watched = new Set<string>();
  #version = 0;

  constructor(context: ClientContext, group: string) {
    this.#context = context;
    this.#group = group;
  }

  get watched(): Iterable<string> {
    return this.#watched;
  }

  /** Whether the group subscribed before the topic existed. */
  isYoung(topic: string): boolean {
    return this.#young.has(topic);
  }

  /** Brokers keep the subscription of a group that has the greatest version. @throws InvalidOptionError */
  next(subscription: Subscription): SubscriptionData {
    this.#version = Math.max(this.#context.clock.now(), this.#version + 1);
    return subscriptionData(subscription, this.#version);
  }

  /**
   * Asks for the routes, and keeps looking for topics that have none.
   * @throws NameServerUnreachableError, SubscriptionRefusedError when a broker does not understand an expression
   */
  async find(subscriptions: readonly SubscriptionData[]): Promise<void> {
    for (const { topic } of subscriptions) {
      if (this.#watched.has(topic)) continue;
      this.#watched.add(topic);
      this.#context.routes.watch(topic);
    }
    await Promise.all(subscriptions.map((subscription) => this.#find(subscription)));
  }

  /** The topic is given up. */
  forget(topic: string): void {
    this.#young.delete(topic);
    this.unwatch(topic);
  }

  unwatch(topic: string): void {
    if (this.#watched.delete(topic)) this.#context.routes.unwatch(topic);
  }

  async #find(subscription: SubscriptionData): Promise<void> {
    const { routes, logger } = this.#context;
    const { topic } = subscription;
    const route = await routes.resolve(topic);
    if (topic === retryTopic(this.#group)) return;
    if (subscription.expressionType !== 'TAG') await this.#checkExpression(subscription);
    if (route && !route.assumed) return;
    logger.log(`${this.#group} waits for topic ${topic}, which does not exist yet`);
    this.#young.add(topic);
  }

  /**
   * Tags need no check; only a broker can say whether it understands a condition. If the topic does not exist yet, any
   * broker is asked, since later an error would only show as failed pulls.
   */
  async #checkExpression(subscription: SubscriptionData): Promise<void> {
    const { routes, brokers, clientId } = this.#context;
    const brokerName = routes.get(subscription.topic)?.readable[0]?.brokerName;
    const address = brokerName === undefined ? undefined : routes.anyBrokerAddress(brokerName);
    const asked = address ?? (await routes.someBrokerAddress());
    if (!asked) return;
    const body = encodeJson({ clientId, group: this.#group, subscriptionData: subscriptionJson(subscription) });
    const reply = await brokers.request(asked, Requests.CHECK_CLIENT_CONFIG, {}, { body });
    try {
      expectSuccess(reply, asked);
    } catch (cause) {
      throw new SubscriptionRefusedError(this.#group, subscription.topic, subscription.subString, { cause });
    }
  }
}
