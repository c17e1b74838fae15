// Asks a broker who the members of a consumer group are.
import { Requests, decodeConsumerList, expectSuccess } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';

export interface Members {
  /** In Java's order, by UTF-16 code units. */
  readonly clientIds: readonly string[];
  /** The broker that was asked; undefined when no broker of the queues is known. */
  readonly address: string | undefined;
}

/** Asks any broker of these queues: all brokers hear of all members. @throws when it cannot be asked */
export async function membersOf(
  context: ClientContext,
  group: string,
  queues: readonly MessageQueue[],
): Promise<Members> {
  const brokerNames = [...new Set(queues.map((queue) => queue.brokerName))];
  const bname = brokerNames[Math.floor(Math.random() * brokerNames.length)]!;
  const address = context.routes.anyBrokerAddress(bname);
  if (!address) return { clientIds: [], address };
  const reply = await context.brokers.request(
    address,
    Requests.GET_CONSUMER_LIST_BY_GROUP,
    { consumerGroup: group, bname },
    { timeout: context.options.mqClientApiTimeout },
  );
  expectSuccess(reply, address);
  return { clientIds: decodeConsumerList(reply.body).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)), address };
}
