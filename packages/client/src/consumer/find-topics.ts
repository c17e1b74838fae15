// Finds the topics that a consumer subscribes to, and has brokers check SQL92 expressions.
import { Requests, encodeJson, expectSuccess, retryTopic, subscriptionJson } from '@nest-rocketmq/remoting/internal';
import type { SubscriptionData } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import { SubscriptionRefusedError } from '../errors.js';

/**
 * Asks for the routes.
 * @returns the topics that do not exist yet
 * @throws NameServerUnreachableError, SubscriptionRefusedError when a broker does not understand an expression
 */
export async function findTopics(
  context: ClientContext,
  group: string,
  subscriptions: readonly SubscriptionData[],
): Promise<string[]> {
  const found = await Promise.all(
    subscriptions.map(async (subscription) => {
      const { topic } = subscription;
      const route = await context.routes.resolve(topic);
      if (topic === retryTopic(group)) return [];
      if (subscription.expressionType !== 'TAG') await checkExpression(context, group, subscription);
      if (!route || route.assumed) {
        context.logger.log(`${group} waits for topic ${topic}, which does not exist yet`);
        return [topic];
      }
      return [];
    }),
  );
  return found.flat();
}

/**
 * Tags need no check; only a broker can say whether it understands a condition. If the topic does not exist yet, any
 * broker is asked, since later an error would only show as failed pulls.
 */
export async function checkExpression(
  context: ClientContext,
  group: string,
  subscription: SubscriptionData,
): Promise<void> {
  const brokerName = context.routes.get(subscription.topic)?.readable[0]?.brokerName;
  const address = brokerName === undefined ? undefined : context.routes.anyBrokerAddress(brokerName);
  const asked = address ?? (await context.routes.someBrokerAddress());
  if (!asked) return;
  const body = encodeJson({ clientId: context.clientId, group, subscriptionData: subscriptionJson(subscription) });
  const reply = await context.brokers.request(asked, Requests.CHECK_CLIENT_CONFIG, {}, { body });
  try {
    expectSuccess(reply, asked);
  } catch (cause) {
    throw new SubscriptionRefusedError(group, subscription.topic, subscription.subString, { cause });
  }
}
