// Lists all scenarios of our client on a broker, Apache's or ours. The *.test.ts files choose which.
import { afterAll, beforeAll, describe } from '@jest/globals';
import type { Cluster } from '../harness/cluster.js';
import { declareAskingTests } from './asking.js';
import { declareConsumeTests, declareShareTest } from './consuming.js';
import { newClient, type Peer, SEND_TIMEOUT_MS } from './peer.js';
import { declarePullTests } from './pulling.js';
import { declareSendTests } from './sending.js';
import { declareTransactionTests } from './transactions.js';

export function describeOurClient(clusterOf: () => Cluster): void {
  describe('our client', () => {
    const peer = {} as Peer;
    beforeAll(async () => {
      peer.cluster = clusterOf();
      peer.newClient = () => newClient(peer.cluster);
      peer.client = peer.newClient();
      await peer.client.start();
      peer.producer = peer.client.createProducer({ group: 'our_producer', sendMsgTimeout: SEND_TIMEOUT_MS });
      await peer.producer.start();
    });
    afterAll(async () => {
      await peer.client?.shutdown();
    });
    declareSendTests(peer);
    declareConsumeTests(peer);
    declareShareTest(peer);
    declareTransactionTests(peer);
    declareAskingTests(peer);
    declarePullTests(peer);
  });
}
