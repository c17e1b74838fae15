// Creates the topics that the module's options declare, where they do not exist yet.
import { Logger } from '@nestjs/common';
import type { Admin, TopicRouteData } from '@nest-rocketmq/client';
import { TopicNotCreatedError } from '../errors.js';
import type { CheckedTopic } from '../options/topic-options.js';

/** @throws TopicNotCreatedError; NameServerUnreachableError */
export async function createDeclaredTopics(admin: Admin, topics: readonly CheckedTopic[]): Promise<void> {
  const logger = new Logger('RocketMQ');
  await Promise.all(
    topics.map(async (topic) => {
      const route = await admin.topicRoute(topic.name);
      if (route) warnOfOtherQueues(topic, route, logger);
      else await create(admin, topic);
    }),
  );
}

async function create(admin: Admin, { name, queues, brokers }: CheckedTopic): Promise<void> {
  try {
    // One queue is declared for the sake of one order, which two brokers with one queue each would not keep.
    const chosen = brokers ?? (queues === 1 ? await firstBroker(admin) : undefined);
    await admin.createTopic({ topic: name, queues, ...(chosen && { brokers: chosen }) });
  } catch (cause) {
    throw new TopicNotCreatedError(name, queues, brokers, { cause });
  }
}

/** The same for every app that starts, so that two that start at once create one topic. */
async function firstBroker(admin: Admin): Promise<string[] | undefined> {
  const { brokerAddrTable } = await admin.clusterInfo();
  const [first] = [...brokerAddrTable.keys()].toSorted();
  return first === undefined ? undefined : [first];
}

/** An existing topic is left as it is: to change its queues would send a sharding key's messages to another queue. */
function warnOfOtherQueues(
  { name, queues, brokers }: CheckedTopic,
  { queueDatas }: TopicRouteData,
  logger: Logger,
): void {
  const counts = queueDatas.map(({ writeQueueNums }) => writeQueueNums);
  const isOne = queues === 1 && !brokers;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const names = queueDatas.map(({ brokerName }) => brokerName);
  const isOnDeclared = !brokers || isSame(brokers, names);
  if (isOnDeclared && (isOne ? total === 1 : counts.every((count) => count === queues))) return;
  const found = queueDatas.map(({ brokerName, writeQueueNums }) => `${writeQueueNums} on ${brokerName}`).join(', ');
  const inOrder = isOne ? ' in all, so its messages are not in one order' : '';
  const declared = `${queues}${brokers ? ` on ${brokers.join(' and ')}` : inOrder}`;
  logger.warn(
    `topic ${name} exists with other queues than the option topics declares: ${found}, not ${declared}. It is left as it is.`,
  );
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  const names = new Set(some);
  return names.size === new Set(others).size && others.every((name) => names.has(name));
}
