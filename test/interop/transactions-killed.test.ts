// Holds that transactions of our client end as they were decided when the broker is stopped, or killed with -9, and comes
// back: those that are open, those that are unknown, and those that were ended meanwhile.
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { Reader } from '../tables/reader.js';
import { stageOn } from '../tables/stage.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster, ClusterOptions } from './harness/cluster.js';
import { inTime } from './harness/long.js';
import { startOurBroker } from './harness/our-broker.js';

jest.setTimeout(400_000);
afterAll(cleanUp);

const brokers: [string, (options?: ClusterOptions) => Promise<Cluster>][] = [
  ["Apache's", startApache],
  ['our', startOurBroker],
];
const ends: [string, (cluster: Cluster) => Promise<void>][] = [
  ['is stopped', (cluster) => cluster.stop()],
  ['is killed', (cluster) => cluster.kill()],
];

describe.each(inTime(brokers, ([whose]) => whose !== 'our'))('%s broker', (_whose, start) => {
  test.each(ends)('that %s and comes back delivers what was committed, and nothing else', async (how, end) => {
    const first = await start();
    const stage = stageOn(first);
    const topic = 'orders';
    const client = await stage.newClient();
    const producer = client.createProducer({
      group: 'shop',
      sendMsgTimeout: 20_000,
      transactionListener: {
        executeLocalTransaction: () => 'UNKNOW',
        checkLocalTransaction: ({ body }) =>
          body.toString().endsWith('commit') ? 'COMMIT_MESSAGE' : 'ROLLBACK_MESSAGE',
      },
    });
    await producer.start();
    await producer.send({ topic, body: 'first' });
    for (const body of ['unknown-commit', 'unknown-rollback']) await producer.sendMessageInTransaction({ topic, body });
    const begin = (body: string) => producer.beginTransaction({ topic, body });
    const meanwhile = [await begin('committed meanwhile'), await begin('rolled back meanwhile')] as const;
    const afterwards = [await begin('committed afterwards'), await begin('rolled back afterwards')] as const;
    await end(first);
    // The broker hears of these when it asks.
    await Promise.all([meanwhile[0].commit(), meanwhile[1].rollback()]);
    const again = await start({ store: first.store, at: first });
    const reader = await Reader.start(stage, { group: 'reader', topic, consumeMode: 'CONCURRENTLY' });
    await stage.until('the first', () => reader.bodies.includes('first'));
    await Promise.all([afterwards[0].commit(), afterwards[1].rollback()]);
    const committed = ['committed afterwards', 'committed meanwhile', 'first', 'unknown-commit'];
    await stage.until(`all after it ${how}`, () => committed.every((body) => reader.bodies.includes(body)), 90_000);
    await stage.pass(5_000);
    expect([...new Set(reader.bodies)].toSorted()).toEqual(committed);
    await stage.end();
    await again.stop();
  });
});
