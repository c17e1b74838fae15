// Provides the client, producer and readers that our client's scenarios share.
import { afterAll, beforeAll, describe } from '@jest/globals';
import { type Producer, RocketMQClient } from '@nest-rocketmq/client';
import { startApache } from '../harness/apache.js';
import { cleanUp } from '../harness/clean-up.js';
import type { Cluster } from '../harness/cluster.js';
import { startOurBroker } from '../harness/our-broker.js';
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
    // As the Java peer: the default of 3 s is little on a busy machine.
    mqClientApiTimeout: 20_000,
  });
}

/** A peer that is started before the tests of this describe block and shut down after them. */
export function declaredPeer(group: string, clusterOf: () => Cluster | Promise<Cluster>): Peer {
  const peer = {} as Peer;
  beforeAll(async () => {
    peer.cluster = await clusterOf();
    peer.newClient = () => newClient(peer.cluster);
    peer.client = peer.newClient();
    await peer.client.start();
    peer.producer = peer.client.createProducer({ group, sendMsgTimeout: SEND_TIMEOUT_MS });
    await peer.producer.start();
  });
  afterAll(() => peer.client?.shutdown());
  return peer;
}

/** Declares the same tests on Apache's broker and on ours, each started for them alone. */
export function describeOnBothBrokers(group: string, declare: (peer: Peer) => void): void {
  describe.each<[string, () => Promise<Cluster>]>([
    ["Apache's", startApache],
    ['our', startOurBroker],
  ])('on %s broker', (_whose, start) => {
    const peer = declaredPeer(group, start);
    // After the client has shut down: hooks run in the order of their declaration.
    afterAll(cleanUp);
    declare(peer);
  });
}

/** A reader of a topic in a group of its own. */
export const read = (peer: Peer, topic: string, expression = '*'): Promise<OurReader> =>
  OurReader.start(peer.client, { group: `${topic}_reader`, subscriptions: [{ topic, expression }] });
