// Runs the Nest end-to-end suite of `npm test`, unchanged, on a real cluster and on ours, switched by ROCKETMQ_NAME_SERVER.
import { afterAll, beforeAll, describe, jest, test } from '@jest/globals';
import { DEFAULT_MESSAGE_DELAY_LEVEL } from '@nest-rocketmq/remoting/internal';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster, ClusterOptions } from './harness/cluster.js';
import { startOurBroker } from './harness/our-broker.js';
import { passNestSuite } from './versions/nest-suite.js';

// A minute on a quiet machine, nine on one with thirty busy processes for each core.
jest.setTimeout(1_200_000);

describe.each<[string, (options: ClusterOptions) => Promise<Cluster>]>([
  ["Apache's own name server and broker 5.5.0", startApache],
  ['our name server and broker in a process of their own', startOurBroker],
])('on %s', (name, start) => {
  let cluster: Cluster;
  beforeAll(async () => {
    // The suite asks for delays by their length, which the client maps to these levels.
    cluster = await start({
      settings: { messageDelayLevel: DEFAULT_MESSAGE_DELAY_LEVEL, enablePropertyFilter: 'true' },
    });
  });
  afterAll(cleanUp);

  test('the Nest end-to-end suite passes', async () => {
    const passed = await passNestSuite(cluster);
    process.stdout.write(`the Nest end-to-end suite on ${name}: ${passed} passed\n`);
  });
});
