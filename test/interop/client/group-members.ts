// Asks the broker for the members of a group.
import {
  Connections,
  Requests,
  dialTcp,
  expectSuccess,
  handlerTable,
  silentLogger,
  systemClock,
} from '@nest-rocketmq/remoting/internal';
import type { Cluster } from '../harness/cluster.js';

export interface GroupMember {
  clientId: string;
  /** As in the connection's requests: `JAVA`, `GO`, … */
  language: string;
}

export async function groupMembers({ brokerAddress }: Cluster, consumerGroup: string): Promise<GroupMember[]> {
  const options = { clock: systemClock, logger: silentLogger, handlers: handlerTable(), dial: dialTcp };
  const connections = new Connections(options);
  try {
    const connection = await connections.get(brokerAddress);
    const reply = await connection.request(Requests.GET_CONSUMER_CONNECTION_LIST, { consumerGroup });
    expectSuccess(reply, brokerAddress);
    return (JSON.parse(reply.body.toString()) as { connectionSet: GroupMember[] }).connectionSet;
  } finally {
    connections.closeAll();
  }
}
