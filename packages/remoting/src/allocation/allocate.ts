// Divides a topic's queues among a group's consumers exactly as Apache does: all of them must come to the same division.
import { InvalidOptionError } from '../errors.js';
import type { MessageQueue } from '../message/message.js';

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
   * @returns those of `queues` that are this consumer's. Others count for nothing. A throw: everything stays as it is,
   * and the next round asks again.
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
    checkDivision(clientId, queues, clientIds);
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
    checkDivision(clientId, queues, clientIds);
    const index = clientIds.indexOf(clientId);
    return index < 0 ? [] : queues.filter((_queue, k) => k % clientIds.length === index);
  },
};

/**
 * Always these queues, whatever other consumers there are. Apache's CONFIG. Retry topics, which nobody lists, are divided
 * averagely; Java's consumers leave the messages there.
 * @param queues of all topics that the group subscribes to
 * @throws InvalidOptionError unless each has a topic, a broker's name and a number
 */
export function allocateByConfig(queues: readonly MessageQueue[]): AllocateMessageQueueStrategy {
  const isQueue = (queue: Partial<MessageQueue> | null): boolean =>
    typeof queue?.topic === 'string' && typeof queue.brokerName === 'string' && Number.isInteger(queue.queueId);
  if (!Array.isArray(queues) || !queues.every(isQueue)) {
    throw new InvalidOptionError('queues', queues, 'an array of { topic, brokerName, queueId }');
  }
  return { name: CONFIG_STRATEGY, allocate: () => [...queues] };
}

/** The name of the strategy that gives each consumer a fixed list. */
export const CONFIG_STRATEGY = 'CONFIG';

/** Refuses what Apache's strategies refuse. @throws InvalidOptionError */
export function checkDivision(clientId: string, queues: readonly MessageQueue[], clientIds: readonly string[]): void {
  if (!clientId) throw new InvalidOptionError('clientId', clientId, 'a non-empty string');
  if (!(queues?.length > 0)) throw new InvalidOptionError('queues', queues, 'at least one queue');
  if (!(clientIds?.length > 0)) throw new InvalidOptionError('clientIds', clientIds, 'at least one client id');
}

/** Apache's order of queues: topic, broker name, queue id, by UTF-16 code units. */
export function compareQueues(a: MessageQueue, b: MessageQueue): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  if (a.brokerName !== b.brokerName) return a.brokerName < b.brokerName ? -1 : 1;
  return a.queueId - b.queueId;
}
