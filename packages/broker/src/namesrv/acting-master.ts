// Makes the slave with the smallest id the master in routes, as long as the master is away.
import { MASTER_ID, Permission } from '@nest-rocketmq/remoting/internal';
import type { BrokerData, QueueData, TopicRouteData } from '@nest-rocketmq/remoting/internal';

/** The route with these slaves under the id of their master. Apache's clients and ours ask them then for offsets and locks. */
export function withActingMasters({ queueDatas, brokerDatas }: TopicRouteData): TopicRouteData {
  return {
    queueDatas,
    brokerDatas: brokerDatas.map((broker) => (hasActing(broker, queueDatas) ? acting(broker) : broker)),
  };
}

/** As in Apache's, a topic that may still be written has none: clients would send to the slave. */
function hasActing({ brokerName, brokerAddrs, enableActingMaster }: BrokerData, queues: readonly QueueData[]): boolean {
  if (!enableActingMaster || brokerAddrs.size === 0 || brokerAddrs.has(MASTER_ID)) return false;
  const queue = queues.find((one) => one.brokerName === brokerName);
  return queue !== undefined && (queue.perm & Permission.WRITE) === 0;
}

function acting(broker: BrokerData): BrokerData {
  const smallest = Math.min(...broker.brokerAddrs.keys());
  const addresses = [...broker.brokerAddrs].map(
    ([id, address]) => [id === smallest ? MASTER_ID : id, address] as const,
  );
  return { ...broker, brokerAddrs: new Map(addresses) };
}
