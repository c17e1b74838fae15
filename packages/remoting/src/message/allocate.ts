// Divides a topic's queues among a group's consumers exactly as Apache does: all of them must come to the same division.
import { createHash } from 'node:crypto';
import { InvalidOptionError } from '../errors.js';
import type { MessageQueue } from './message.js';

/**
 * Divides a topic's queues among the consumers of a group. All of the group's consumers must use the same strategy, or
 * some queues have two consumers and others none.
 */
export interface AllocateMessageQueueStrategy {
  /** Apache's name of it. */
  readonly name: string;
  /**
   * The queues of `clientId`.
   * @param queues all of the topic, sorted
   * @param clientIds all consumers of the group, sorted; `clientId` is one of them
   */
  allocate(
    group: string,
    clientId: string,
    queues: readonly MessageQueue[],
    clientIds: readonly string[],
  ): MessageQueue[];
}

/** Each consumer gets adjacent queues; the first ones get one more if the number does not divide evenly. Apache's AVG. */
export const allocateAveragely: AllocateMessageQueueStrategy = {
  name: 'AVG',
  allocate(_group, clientId, queues, clientIds) {
    const index = clientIds.indexOf(clientId);
    if (index < 0) return [];
    const remainder = queues.length % clientIds.length;
    const oneMore = remainder > 0 && index < remainder;
    const size =
      queues.length <= clientIds.length ? 1 : Math.floor(queues.length / clientIds.length) + (oneMore ? 1 : 0);
    const start = oneMore ? index * size : index * size + remainder;
    return queues.slice(start, Math.max(start, Math.min(start + size, queues.length)));
  },
};

/** Queues go to the consumers in turn. Apache's AVG_BY_CIRCLE. */
export const allocateAveragelyByCircle: AllocateMessageQueueStrategy = {
  name: 'AVG_BY_CIRCLE',
  allocate(_group, clientId, queues, clientIds) {
    const index = clientIds.indexOf(clientId);
    return index < 0 ? [] : queues.filter((_queue, k) => k % clientIds.length === index);
  },
};

/** Always these queues, whatever other consumers there are. Apache's CONFIG. */
export function allocateByConfig(queues: MessageQueue[]): AllocateMessageQueueStrategy {
  return { name: 'CONFIG', allocate: () => [...queues] };
}

/**
 * A ring of hashes: when a consumer comes or goes, few queues change their consumer. Apache's CONSISTENT_HASH.
 * @param virtualNodes places of each consumer on the ring; default 10
 */
export function allocateByConsistentHash(virtualNodes = 10): AllocateMessageQueueStrategy {
  if (!Number.isInteger(virtualNodes) || virtualNodes < 0) {
    throw new InvalidOptionError('virtualNodes', virtualNodes, 'an integer of at least 0');
  }
  return {
    name: 'CONSISTENT_HASH',
    allocate(_group, clientId, queues, clientIds) {
      const ring = clientIds
        .flatMap((owner) => Array.from({ length: virtualNodes }, (_, i) => ({ at: md5Int(`${owner}-${i}`), owner })))
        .toSorted((a, b) => a.at - b.at);
      return queues.filter((queue) => {
        const at = md5Int(
          `MessageQueue [topic=${queue.topic}, brokerName=${queue.brokerName}, queueId=${queue.queueId}]`,
        );
        return (ring.find((place) => place.at >= at) ?? ring[0])?.owner === clientId;
      });
    },
  };
}

function md5Int(text: string): number {
  return createHash('md5').update(text).digest().readUInt32BE(0);
}

/** Apache's order of queues: topic, broker name, queue id, by UTF-16 code units. */
export function compareQueues(a: MessageQueue, b: MessageQueue): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  if (a.brokerName !== b.brokerName) return a.brokerName < b.brokerName ? -1 : 1;
  return a.queueId - b.queueId;
}
