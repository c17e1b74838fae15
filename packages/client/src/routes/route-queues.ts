// Lists a route's queues in Apache's order, so that a sharding key means the same queue to producers of any language.
import { MASTER_ID, Permission } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue, TopicRouteData } from '@nest-rocketmq/remoting/internal';

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

/** 'broker-a:8;broker-b:8', set at the name server for a topic whose order must survive a broker's absence. */
function orderedQueues(topic: string, orderTopicConf: string): MessageQueue[] {
  return orderTopicConf
    .split(';')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [brokerName = '', count = '0'] = part.split(':');
      return numbered(topic, brokerName, Number.parseInt(count, 10) || 0);
    });
}

function numbered(topic: string, brokerName: string, count: number): MessageQueue[] {
  return Array.from({ length: count }, (_, queueId) => ({ topic, brokerName, queueId }));
}
