// Lists a route's queues in Apache's order, so that a sharding key means the same queue to producers of any language.
import { DecodeError, MASTER_ID, MAX_ROUTE_QUEUES, Permission } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue, TopicRouteData } from '@nest-rocketmq/remoting/internal';

/** Passes a route on whose queues can be listed. @throws DecodeError for one with more than MAX_ROUTE_QUEUES */
export function withinBounds(data: TopicRouteData): TopicRouteData {
  const ordered = orderedCounts(data.orderTopicConf ?? '').map(([, count]) => count);
  const counts = data.queueDatas.map(({ readQueueNums, writeQueueNums }) => Math.max(readQueueNums, writeQueueNums));
  for (const some of [ordered, counts]) {
    const queues = some.reduce((sum, count) => sum + Math.max(0, count), 0);
    if (queues > MAX_ROUTE_QUEUES)
      throw new DecodeError(`a topic route with ${queues} queues, more than MAX_ROUTE_QUEUES=${MAX_ROUTE_QUEUES}`);
  }
  return data;
}

/** Queues to send to, sorted by broker name: those that are writable and have a master. */
export function writableQueues(topic: string, data: TopicRouteData): MessageQueue[] {
  if (data.orderTopicConf) return orderedQueues(topic, data.orderTopicConf);
  const masters = new Set(
    data.brokerDatas.filter((broker) => broker.brokerAddrs.has(MASTER_ID)).map((broker) => broker.brokerName),
  );
  return data.queueDatas
    .filter((queue) => (queue.perm & Permission.WRITE) !== 0 && masters.has(queue.brokerName))
    .toSorted((a, b) => (a.brokerName < b.brokerName ? -1 : a.brokerName > b.brokerName ? 1 : 0))
    .flatMap((queue) => numbered(topic, queue.brokerName, queue.writeQueueNums));
}

/** Queues to consume from: those that are readable, also at a replica. */
export function readableQueues(topic: string, data: TopicRouteData): MessageQueue[] {
  return data.queueDatas
    .filter((queue) => (queue.perm & Permission.READ) !== 0)
    .flatMap((queue) => numbered(topic, queue.brokerName, queue.readQueueNums));
}

function orderedQueues(topic: string, orderTopicConf: string): MessageQueue[] {
  return orderedCounts(orderTopicConf).flatMap(([brokerName, count]) => numbered(topic, brokerName, count));
}

/** 'broker-a:8;broker-b:8', set at the name server for a topic whose order must survive a broker's absence. */
function orderedCounts(orderTopicConf: string): [brokerName: string, count: number][] {
  return orderTopicConf
    .split(';')
    .filter((part) => part !== '')
    .map((part) => {
      const [brokerName = '', count = '0'] = part.split(':');
      return [brokerName, Number.parseInt(count, 10) || 0];
    });
}

function numbered(topic: string, brokerName: string, count: number): MessageQueue[] {
  return Array.from({ length: count }, (_, queueId) => ({ topic, brokerName, queueId }));
}
