// Tests our name server and broker with the unmodified Go client.
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { startOurBroker } from './harness/our-broker.js';
import { describeGoClients } from './go-scenarios.js';

jest.setTimeout(600_000);

describe('on our name server and broker', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startOurBroker({ settings: { traceTopicEnable: 'true' } });
  });
  afterAll(cleanUp);
  describeGoClients(() => cluster);
});
