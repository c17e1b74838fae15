// Tests the Java clients on Apache's own broker: the control for the expectations of java-scenarios.ts.
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { ROCKETMQ_4, ROCKETMQ_5 } from './harness/jars.js';
import { describeJavaClient } from './java-scenarios.js';

jest.setTimeout(300_000);

describe("on Apache's own name server and broker 5.5.0", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startApache();
  });
  afterAll(cleanUp);
  for (const version of [ROCKETMQ_4, ROCKETMQ_5] as const)
    describeJavaClient(version, () => cluster, { offsetMayGoBack: true });
});
