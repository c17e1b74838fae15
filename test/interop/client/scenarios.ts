// Lists all scenarios of our client on a broker, Apache's or ours. The *.test.ts files choose which.
import { describe } from '@jest/globals';
import type { Cluster } from '../harness/cluster.js';
import { declareAskingTests } from './asking.js';
import { type Allowances, declareConsumeTests, declareShareTest } from './consuming.js';
import { declaredPeer } from './peer.js';
import { declarePullTests } from './pulling.js';
import { declareSendTests } from './sending.js';
import { declareTransactionTests } from './transactions.js';
import { declareWaitingPopTests } from './waiting-pops.js';

export function describeOurClient(clusterOf: () => Cluster, allowances: Allowances = { offsetMayGoBack: false }): void {
  describe('our client', () => {
    const peer = declaredPeer('our_producer', clusterOf);
    declareSendTests(peer);
    declareConsumeTests(peer, allowances);
    declareShareTest(peer);
    declareTransactionTests(peer);
    declareAskingTests(peer);
    declarePullTests(peer);
    declareWaitingPopTests(peer);
  });
}
