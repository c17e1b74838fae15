// Compares what SQL92 filters give on Apache's broker and on ours, to the Java clients and to our client.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ResponseError } from '@nest-rocketmq/remoting/internal';
import { newClient } from './client/peer.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { ROCKETMQ_4, ROCKETMQ_5 } from './harness/jars.js';
import { JavaPeer, type ScenarioEvents } from './harness/java-peer.js';
import { sorted } from './harness/lists.js';
import { startOurBroker } from './harness/our-broker.js';
import { bodiesOf, OurReader } from './harness/our-reader.js';

jest.setTimeout(300_000);
afterAll(cleanUp);

const RUN = 'filters';
/** In the order of `brokers`. */
let brokers: { name: string; cluster: Cluster }[] = [];

beforeAll(async () => {
  const settings = { enablePropertyFilter: 'true' };
  const [apache, ours] = await Promise.all([startApache({ settings }), startOurBroker({ settings })]);
  brokers = [
    { name: "Apache's", cluster: apache },
    { name: 'ours', cluster: ours },
  ];
});

interface Pulled {
  expression: string;
  bodies: string[];
}

const pulledIn = (events: ScenarioEvents): Pulled[] =>
  events.of('pulled').map(({ expression, bodies }) => ({ expression, bodies }) as Pulled);

describe.each([ROCKETMQ_4, ROCKETMQ_5] as const)('the Java client %s', (version) => {
  let onApache: ScenarioEvents;
  let onOurs: ScenarioEvents;
  beforeAll(async () => {
    const run = `${RUN}${version.replaceAll('.', '')}`;
    const peers = await Promise.all(
      brokers.map(({ cluster }) => JavaPeer.start(version, cluster.nameServer, run, ['filter'])),
    );
    const events = await Promise.all(peers.map((peer) => peer.scenario('filter')));
    [onApache, onOurs] = [events[0]!, events[1]!];
  });

  test('T103: gets by pulls what it gets of Apache, for each expression', () => {
    const pulled = pulledIn(onApache);
    expect(pulled.length).toBeGreaterThan(20);
    expect(pulled.filter(({ bodies }) => bodies.length > 0).length).toBeGreaterThan(15);
    expect(pulledIn(onOurs)).toEqual(pulled);
  });

  test('T102: gets by push, as they come, the 32 of 48 messages that Apache gives it', () => {
    const [apache, ours] = [onApache, onOurs].map((events) => events.of('pushed')[0]!);
    expect(apache!.bodies).toHaveLength(32);
    expect(ours!.bodies).toEqual(apache!.bodies);
  });

  test('T106: cannot start with an expression that Apache refuses, by the same code, and is told the place', () => {
    const refused = (events: ScenarioEvents): unknown[] =>
      events.of('refused').map(({ expression, code }) => [expression, code]);
    expect(refused(onApache)).toHaveLength(7);
    expect(refused(onOurs)).toEqual(refused(onApache));
    expect(new Set(onOurs.field('refused', 'code'))).toEqual(new Set([23]));
    for (const message of onOurs.field('refused', 'message')) expect(message).toMatch(/line 1, column \d+/);
    // Neither looks behind what is complete: `n LIKE '1%'` is `n`.
    expect(onApache.field('started', 'expression')).toEqual(["n LIKE '1%'"]);
    expect(onOurs.field('started', 'expression')).toEqual(["n LIKE '1%'"]);
  });

  test('T102, T103: and our client gets the same of either broker', async () => {
    const topic = `${RUN}${version.replaceAll('.', '')}_filter_topic`;
    for (const { name, cluster } of brokers) {
      const client = newClient(cluster);
      await client.start();
      try {
        for (const { expression, bodies } of pulledIn(onApache).filter(({ bodies }) => bodies.length > 0)) {
          const group = `our_${name.replace(/\W/g, '')}_${version.replaceAll('.', '')}_${expression.length}_${bodies.length}`;
          const reader = await OurReader.start(client, {
            group,
            subscriptions: [{ topic, expression, expressionType: 'SQL92' }],
          });
          expect([name, expression, sorted(bodiesOf(await reader.take(bodies.length)))]).toEqual([
            name,
            expression,
            bodies,
          ]);
          await reader.stop();
        }
      } finally {
        await client.shutdown();
      }
    }
  });
});

test('T106: our client is told by either broker where its expression is wrong', async () => {
  for (const { cluster } of brokers) {
    const client = newClient(cluster);
    await client.start();
    const subscriptions = [{ topic: `${RUN}550_filter_topic`, expression: 'n >> 5', expressionType: 'SQL92' as const }];
    const starting = OurReader.start(client, { group: 'wrong', subscriptions });
    await expect(starting).rejects.toMatchObject({ code: 'SUBSCRIPTION_REFUSED' });
    await expect(starting).rejects.toThrow(/'n >> 5'.*line 1, column 4.*Correct the condition/s);
    await starting.catch((error: Error) => expect((error.cause as ResponseError).responseCode).toBe(23));
    await client.shutdown();
  }
});
