// Tests our client on our broker as a user runs it, with the same expectations as on Apache's.
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { describeOurClient } from './client/scenarios.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { startOurBroker } from './harness/our-broker.js';

jest.setTimeout(300_000);

describe('on our name server and broker', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startOurBroker();
  });
  afterAll(cleanUp);
  describeOurClient(() => cluster);
});
