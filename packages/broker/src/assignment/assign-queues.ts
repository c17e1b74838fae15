// Divides a topic's queues among the consumers of a group, for those that leave it to the broker.
import {
  MAX_ROUTE_QUEUES,
  Permission,
  allocateAveragely,
  allocateAveragelyByCircle,
  allocateByConsistentHash,
  compareQueues,
} from '@nest-rocketmq/remoting/internal';
import type { AllocateMessageQueueStrategy } from '@nest-rocketmq/remoting';
import type { MessageQueue, QueueData } from '@nest-rocketmq/remoting/internal';

/** Apache's broker has the first two. */
const STRATEGIES = [allocateAveragely, allocateAveragelyByCircle, allocateByConsistentHash()];

/** In place of a queue: all queues of the broker. */
const WHOLE_BROKER = -1;

export const strategyOf = (name: string): AllocateMessageQueueStrategy | undefined =>
  STRATEGIES.find((strategy) => strategy.name === name);

/** The queues that can be read, in Apache's order; undefined where there are more than MAX_ROUTE_QUEUES. */
export function readableQueues(topic: string, queueDatas: readonly QueueData[]): MessageQueue[] | undefined {
  const readable = queueDatas.filter(({ perm }) => perm & Permission.READ);
  const count = readable.reduce((sum, { readQueueNums }) => sum + Math.max(0, readQueueNums), 0);
  if (count > MAX_ROUTE_QUEUES) return undefined;
  return readable
    .flatMap(({ brokerName, readQueueNums }) =>
      Array.from({ length: readQueueNums }, (_, queueId) => ({ topic, brokerName, queueId })),
    )
    .toSorted(compareQueues);
}

/**
 * The queues that a consumer pops, each once.
 * @param queues all of the topic, sorted
 * @param clientIds all consumers of the group, sorted
 * @param popShareQueueNum how many further consumers share the queues of each: its work group
 */
export function assignForPop(
  strategy: AllocateMessageQueueStrategy,
  group: string,
  clientId: string,
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
  popShareQueueNum: number,
): MessageQueue[] {
  if (popShareQueueNum <= 0 || popShareQueueNum >= clientIds.length - 1)
    return unique(queues.map((queue) => ({ ...queue, queueId: WHOLE_BROKER })));
  const index = clientIds.indexOf(clientId);
  // Each has a queue at least.
  if (clientIds.length > queues.length) return index < 0 ? [] : queues.slice(index % queues.length).slice(0, 1);
  const members =
    index < 0
      ? [clientId]
      : Array.from({ length: popShareQueueNum + 1 }, (_, i) => clientIds[(index + i) % clientIds.length]!);
  return unique(members.flatMap((member) => strategy.allocate(group, member, queues, clientIds)));
}

function unique(queues: readonly MessageQueue[]): MessageQueue[] {
  const byName = new Map(queues.map((queue) => [`${queue.brokerName}@${queue.queueId}`, queue]));
  return [...byName.values()];
}
