// Kills a broker just after it has delivered delayed messages, before it has recorded that. Our broker takes over its
// directory and delivers none of them twice.
import { afterEach, expect, jest, test } from '@jest/globals';
import { newClient, SEND_TIMEOUT_MS } from './client/peer.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { numbered, sorted } from './harness/lists.js';
import { startOurBroker } from './harness/our-broker.js';
import { bodiesOf, OurReader } from './harness/our-reader.js';

jest.setTimeout(300_000);
afterEach(cleanUp);

const TOPIC = 'delivered';

/** Sends them with the first delay level, and resolves when all have come. */
async function deliver(cluster: Cluster, bodies: readonly string[]): Promise<string[]> {
  const client = newClient(cluster);
  await client.start();
  const producer = client.createProducer({ group: 'delivered_producer', sendMsgTimeout: SEND_TIMEOUT_MS });
  await producer.start();
  await producer.send({ topic: TOPIC, body: 'now' });
  const subscriptions = [{ topic: TOPIC }];
  const reader = await OurReader.start(client, { group: `delivered_${bodies.length}_reader`, subscriptions });
  for (const body of bodies) await producer.send({ topic: TOPIC, body, delayLevel: 1 });
  await reader.until(() => bodies.every((body) => bodiesOf(reader.received).includes(body)), 'the delayed messages');
  // What was stored before may lie in another queue, and come after it.
  const queues = await client.admin.fetchSubscribeMessageQueues(TOPIC);
  const stored = await Promise.all(queues.map((queue) => client.admin.maxOffset(queue)));
  await reader.take(stored.reduce((sum, count) => sum + count, 0));
  const received = bodiesOf(reader.received);
  await client.shutdown();
  return received;
}

test.each([
  ["Apache's", startApache],
  ['our', startOurBroker],
])('what %s broker had delivered when it was killed is not delivered again', async (_whose, start) => {
  const before = await start();
  const bodies = numbered('due', 40);
  await deliver(before, bodies);
  await before.kill();
  const again = await startOurBroker({ store: before.store });
  // What falls due last comes last.
  const received = await deliver(again, ['last']);
  expect(sorted(received)).toEqual(sorted(['now', 'now', 'last', ...bodies]));
});
