// Lists all scenarios of our client on a broker, Apache's or ours. The *.test.ts files choose which.
import { describe } from '@jest/globals';
import type { Cluster } from '../harness/cluster.js';
import { type RocketMQVersion, has, ROCKETMQ_5 } from '../harness/versions.js';
import { declareAskingTests } from './asking.js';
import { type Allowances, declareConsumeTests, declareShareTest } from './consuming.js';
import { declaredPeer } from './peer.js';
import { declarePullTests } from './pulling.js';
import { declareSendTests } from './sending.js';
import { declareTransactionTests } from './transactions.js';
import { declareWaitingPopTests } from './waiting-pops.js';

export interface Scenarios extends Allowances {
  /** Of Apache's broker, which may not know all of them; ours knows what 5.5.0 does. */
  version: RocketMQVersion;
}

export function describeOurClient(
  clusterOf: () => Cluster,
  { version = ROCKETMQ_5, offsetMayGoBack = false }: Partial<Scenarios> = {},
): void {
  describe('our client', () => {
    const peer = declaredPeer('our_producer', clusterOf);
    declareSendTests(peer);
    declareConsumeTests(peer, { offsetMayGoBack });
    declareShareTest(peer);
    declareTransactionTests(peer);
    if (has(version, 'request and reply')) declareAskingTests(peer);
    declarePullTests(peer);
    if (has(version, 'POP')) declareWaitingPopTests(peer, version);
  });
}
