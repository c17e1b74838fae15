// Creates the topics that the module's options declare, where they do not exist yet.
import { Logger } from '@nestjs/common';
import type { Admin, TopicRouteData } from '@nest-rocketmq/client';
import { TopicNotCreatedError } from '../errors.js';
import { PERM, attributesText } from '../options/topic-options.js';
import type { CheckedTopic } from '../options/topic-options.js';

/** @throws TopicNotCreatedError; NameServerUnreachableError */
export async function createDeclaredTopics(admin: Admin, topics: readonly CheckedTopic[]): Promise<void> {
  const logger = new Logger('RocketMQ');
  await Promise.all(
    topics.map(async (topic) => {
      const route = await admin.topicRoute(topic.name);
      if (!route) return create(admin, topic);
      warnOfOtherQueues(topic, route, logger);
      warnOfOtherPermissions(topic, route, logger);
      return warnOfOtherAttributes(admin, topic, logger);
    }),
  );
}

async function create(admin: Admin, topic: CheckedTopic): Promise<void> {
  const { name, queues, brokers, permissions, attributes } = topic;
  try {
    // One queue is declared for the sake of one order, which two brokers with one queue each would not keep.
    const chosen = brokers ?? (queues === 1 ? await firstBroker(admin) : undefined);
    await admin.createTopic({
      topic: name,
      queues,
      ...(chosen && { brokers: chosen }),
      ...(permissions && { perm: PERM[permissions] }),
      ...(attributes && { attributes }),
    });
  } catch (cause) {
    throw new TopicNotCreatedError(topic, mqadminFlags(topic), { cause });
  }
}

function mqadminFlags({ permissions, attributes }: CheckedTopic): string {
  return (permissions ? ` -p ${PERM[permissions]}` : '') + (attributes ? ` -a ${attributesText(attributes)}` : '');
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

function warnOfOtherPermissions(
  { name, permissions }: CheckedTopic,
  { queueDatas }: TopicRouteData,
  logger: Logger,
): void {
  if (!permissions) return;
  const others = queueDatas.filter(({ perm }) => (perm & PERM.RW) !== PERM[permissions]);
  if (others.length === 0) return;
  const found = others.map(({ brokerName, perm }) => `${permissionsOf(perm)} on ${brokerName}`).join(', ');
  logger.warn(
    `topic ${name} exists with other permissions than the option topics declares: ${found}, not ${permissions}. They are left as they are.`,
  );
}

/** What is sent already may be of the other type. */
async function warnOfOtherAttributes(admin: Admin, { name, attributes }: CheckedTopic, logger: Logger): Promise<void> {
  if (!attributes) return;
  const configs = await admin.topicConfigs(name);
  const others = configs.flatMap(({ broker, attributes: found }) =>
    Object.entries(attributes)
      .filter(([key, value]) => found[key] !== value)
      .map(([key, value]) => `${key} is ${found[key] ?? 'not set'} on ${broker}, not ${value}`),
  );
  if (others.length === 0) return;
  logger.warn(
    `topic ${name} exists with other attributes than the option topics declares: ${others.join(', ')}. They are left as they ` +
      `are. To change them: mqadmin updateTopic -c CLUSTER -t ${name} -a ${attributesText(attributes)}`,
  );
}

function permissionsOf(perm: number): string {
  return Object.entries(PERM).find(([, bits]) => bits === (perm & PERM.RW))?.[0] ?? 'none';
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  const names = new Set(some);
  return names.size === new Set(others).size && others.every((name) => names.has(name));
}
