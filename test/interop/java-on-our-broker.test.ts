// Tests the unmodified Java clients, old and new, on our broker as a user runs it.
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { startOurBroker } from './harness/our-broker.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { ROCKETMQ_4, ROCKETMQ_5 } from './harness/jars.js';
import { describeJavaClient } from './java-scenarios.js';

jest.setTimeout(300_000);

describe('on our name server and broker', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startOurBroker();
  });
  afterAll(cleanUp);
  for (const version of [ROCKETMQ_4, ROCKETMQ_5] as const) describeJavaClient(version, () => cluster);
});
