// Tests our client on Apache's own name server and broker.
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { describeOurClient } from './client/scenarios.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';

jest.setTimeout(300_000);

describe("on Apache's own name server and broker 5.5.0", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startApache();
  });
  afterAll(cleanUp);
  describeOurClient(() => cluster, { offsetMayGoBack: true });
});
