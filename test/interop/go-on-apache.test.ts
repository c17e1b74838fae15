// Tests the Go client on Apache's own broker: the control for the expectations of go-scenarios.ts.
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { describeGoClients } from './go-scenarios.js';

jest.setTimeout(180_000);

describe("on Apache's own name server and broker 5.5.0", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startApache({ settings: { traceTopicEnable: 'true', enablePropertyFilter: 'true' } });
  });
  afterAll(cleanUp);
  describeGoClients(() => cluster, { offsetMayGoBack: true });
});
