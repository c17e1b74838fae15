// Tests the Go client on Apache's own broker, in a long run: the control for the expectations of go-scenarios.ts.
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { newClient, SEND_TIMEOUT_MS } from './client/peer.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { numbered } from './harness/lists.js';
import { isLong } from './harness/long.js';
import { describeGoClients } from './go-scenarios.js';

jest.setTimeout(600_000);

const describeLong = isLong ? describe : describe.skip;

/** The Go client sends again what a cold JVM has stored and not answered in 3 s, and does not wait for slower answers. */
async function warmUp(cluster: Cluster): Promise<void> {
  const client = newClient(cluster);
  const producer = client.createProducer({ group: 'warming_up', sendMsgTimeout: SEND_TIMEOUT_MS });
  await producer.start();
  for (const body of numbered('warm', 500)) await producer.send({ topic: 'warming_up', body });
  await client.shutdown();
}

describeLong("on Apache's own name server and broker 5.5.0", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startApache({ settings: { traceTopicEnable: 'true', enablePropertyFilter: 'true' } });
    await warmUp(cluster);
  });
  afterAll(cleanUp);
  describeGoClients(() => cluster, { offsetMayGoBack: true });
});
