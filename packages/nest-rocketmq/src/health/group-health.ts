// Counts what waits for a consumer group, and its dead letters.
import { dlqTopic, retryTopic } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import { TopicNotFoundError } from '@nest-rocketmq/client';
import type { Admin } from '@nest-rocketmq/client';
import type { SubscribedGroup } from '../listeners/subscribed-group.js';
import type { GroupHealth } from './health-options.js';

/** Queues that are asked about at a time. */
const AT_ONCE = 32;

/** What is asked, until nobody waits for the answers any more. */
export interface Asked {
  readonly admin: Admin;
  readonly signal: AbortSignal;
}

/** @throws what the servers' answers are, and ConnectError, RequestTimeoutError; the signal's reason */
export async function groupHealth(
  asked: Asked,
  { group, topics, messageModel, offsets }: SubscribedGroup,
): Promise<GroupHealth> {
  const { admin } = asked;
  const deadLetters = await sum(
    asked,
    await everyQueueOf(admin, dlqTopic(group)),
    async (queue) => (await admin.maxOffset(queue)) - (await admin.minOffset(queue)),
  );
  // Each consumer keeps its own offsets there, and the brokers know none.
  if (messageModel === 'BROADCASTING') return { lag: undefined, deadLetters };
  // Of this process' own queues more is known than is stored.
  const own = new Map(offsets.map(({ queue, offset }) => [keyOf(queue), offset]));
  let lag = 0;
  for (const topic of [...topics, retryTopic(group)]) {
    lag += await sum(asked, await queuesOf(admin, topic), async (queue) => {
      const offset = own.get(keyOf(queue)) ?? (await admin.consumerOffset(group, queue));
      return behind(admin, offset, queue);
    });
  }
  return { lag, deadLetters };
}

/** A group without an offset has begun nowhere yet. */
async function behind(admin: Admin, offset: number | undefined, queue: MessageQueue): Promise<number> {
  return offset === undefined ? 0 : Math.max(0, (await admin.maxOffset(queue)) - offset);
}

async function sum(
  { signal }: Asked,
  queues: readonly MessageQueue[],
  count: (queue: MessageQueue) => Promise<number>,
): Promise<number> {
  let total = 0;
  for (let at = 0; at < queues.length; at += AT_ONCE) {
    signal.throwIfAborted();
    for (const each of await Promise.all(queues.slice(at, at + AT_ONCE).map(count))) total += each;
  }
  return total;
}

/** A topic that does not exist has nothing in it. */
async function queuesOf(admin: Admin, topic: string): Promise<MessageQueue[]> {
  try {
    return await admin.fetchSubscribeMessageQueues(topic);
  } catch (error) {
    if (error instanceof TopicNotFoundError) return [];
    throw error;
  }
}

/** Also those that nobody may read: so brokers before 4.9.2 make topics of dead letters. */
async function everyQueueOf(admin: Admin, topic: string): Promise<MessageQueue[]> {
  const route = await admin.topicRoute(topic);
  return (route?.queueDatas ?? []).flatMap(({ brokerName, readQueueNums }) =>
    Array.from({ length: readQueueNums }, (_, queueId) => ({ topic, brokerName, queueId })),
  );
}

function keyOf({ topic, brokerName, queueId }: MessageQueue): string {
  return `${topic}@${brokerName}@${queueId}`;
}
