// Provides the client, producer and readers that our client's scenarios share.
import { type Producer, RocketMQClient } from '@nest-rocketmq/client';
import type { Cluster } from '../harness/cluster.js';
import { OurReader } from '../harness/our-reader.js';

/** A cold JVM takes its time for the first sends. */
export const SEND_TIMEOUT_MS = 20_000;
/** Of a topic that a send has created. */
export const QUEUES = 4;

export interface Peer {
  cluster: Cluster;
  client: RocketMQClient;
  producer: Producer;
  /** Another client of the same cluster. */
  newClient: () => RocketMQClient;
}

export function newClient(cluster: Cluster): RocketMQClient {
  return new RocketMQClient({
    nameServer: cluster.nameServer,
    pollNameServerInterval: 1000,
    heartbeatBrokerInterval: 1000,
    persistConsumerOffsetInterval: 1000,
  });
}

/** A reader of a topic in a group of its own. */
export const read = (peer: Peer, topic: string, expression = '*'): Promise<OurReader> =>
  OurReader.start(peer.client, { group: `${topic}_reader`, subscriptions: [{ topic, expression }] });
