// Asks the broker for the members of a group.
import { Requests } from '@nest-rocketmq/remoting/internal';
import { ask } from '../harness/ask.js';
import type { Cluster } from '../harness/cluster.js';

export interface GroupMember {
  clientId: string;
  /** As in the connection's requests: `JAVA`, `GO`, … */
  language: string;
}

export async function groupMembers({ brokerAddress }: Cluster, consumerGroup: string): Promise<GroupMember[]> {
  const { body } = await ask(brokerAddress, Requests.GET_CONSUMER_CONNECTION_LIST, { consumerGroup });
  return (JSON.parse(body.toString()) as { connectionSet: GroupMember[] }).connectionSet;
}
