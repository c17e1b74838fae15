// Tests POP: the unmodified Java client 5.5.0 pops, acknowledges and retries on our broker as it does on Apache's.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { ROCKETMQ_5 } from './harness/jars.js';
import { JavaPeer } from './harness/java-peer.js';
import type { ScenarioEvents } from './harness/java-peer.js';
import { numbered, sorted } from './harness/lists.js';
import { inTime } from './harness/long.js';
import { mqadmin } from './harness/mqadmin.js';
import { startOurBroker } from './harness/our-broker.js';

jest.setTimeout(300_000);

const RUN = 'run';
const SCENARIOS = ['poppush', 'poporder', 'popraw'];
const CLUSTER = '-c DefaultCluster';

const commandsOf = (scenario: string): string[] => {
  const [topic, group] = [`${RUN}_${scenario}_topic`, `${RUN}_${scenario}_group`];
  return [
    `updateTopic ${CLUSTER} -t ${topic} -r 2 -w 2`,
    `updateSubGroup ${CLUSTER} -g ${group}`,
    ...(scenario === 'popraw' ? [] : [`setConsumeMode ${CLUSTER} -t ${topic} -g ${group} -m POP -q 0`]),
  ];
};

const apache: [string, typeof startOurBroker] = ["Apache's broker", startApache];
// What is expected comes from Apache's broker, which is asked again with INTEROP_LONG=1.
const brokers = inTime([['our broker', startOurBroker] as typeof apache, apache], (one) => one === apache);

describe.each(brokers)('POP on %s', (name, start) => {
  let cluster: Cluster;
  let peer: JavaPeer;
  let printed: Map<string, string[]>;
  const scenario = (name: string): Promise<ScenarioEvents> => peer.scenario(name);

  beforeAll(async () => {
    cluster = await start();
    printed = await mqadmin(cluster.nameServer, SCENARIOS.flatMap(commandsOf));
    peer = await JavaPeer.start(ROCKETMQ_5, cluster.nameServer, RUN, SCENARIOS, [], 'peer.PopPeer');
  });
  afterAll(cleanUp);

  test('mqadmin setConsumeMode sets the mode of a group', () => {
    const modes = [...printed].filter(([command]) => command.startsWith('setConsumeMode'));
    for (const [, lines] of modes) expect(lines.join('\n')).toMatch(/success/);
    expect(modes).toHaveLength(2);
  });

  test('T087 T089 a push consumer gets each message until it succeeds, and never again', async () => {
    const events = await scenario('poppush');
    const consumed = events.of('consumed');
    const successes = consumed.filter(({ fails }) => !fails);
    expect(consumed).toHaveLength(30);
    expect(sorted(successes.map(({ body }) => String(body)))).toEqual(sorted(numbered('pop', 10)));
    for (const { topic, properties } of consumed) {
      expect(topic).toBe(`${RUN}_poppush_topic`);
      expect(properties).toHaveProperty('POP_CK');
    }
    for (const message of successes) expect(message['reconsumeTimes']).toBe(2);
  });

  // Apache's broker registers a pop retry topic up to 30 s later, and mqadmin fails until then.
  (name === 'our broker' ? test : test.skip)(
    'mqadmin consumerProgress shows that nothing is left, in the topic and in its pop retry topic',
    async () => {
      await scenario('poppush');
      const command = `consumerProgress -g ${RUN}_poppush_group`;
      const lines = (await mqadmin(cluster.nameServer, [command])).get(command)!;
      const rows = lines.filter((line) => line.includes('broker-a')).map((line) => line.trim().split(/\s+/));
      const left = rows.map(
        ([topic, , , brokerOffset, consumerOffset]) => `${topic} ${Number(brokerOffset) - Number(consumerOffset)}`,
      );
      const topic = `${RUN}_poppush_topic`;
      const popped = left.filter((row) => row.includes(topic));
      expect(sorted(popped)).toEqual([`%RETRY%${RUN}_poppush_group_${topic} 0`, `${topic} 0`, `${topic} 0`]);
    },
  );

  test('T088 an orderly listener gets each message again in its place', async () => {
    const consumed = (await scenario('poporder')).of('consumed');
    const bodies = consumed.map(({ body }) => body);
    expect(bodies).toEqual(numbered('pop', 10).flatMap((body) => [body, body, body]));
  });

  test('T090 T091 T092 an orderly pop holds later messages until the earlier are acknowledged', async () => {
    const events = await scenario('popraw');
    const bodies = (event: string): unknown[] => events.field<unknown>(event, 'bodies').flat();
    expect(bodies('order-first')).toEqual(['pop-0', 'pop-1']);
    expect([...bodies('order-blocked'), ...bodies('order-still-blocked')]).toEqual([]);
    expect(bodies('order-next')).toEqual(['pop-2', 'pop-3']);
    expect(bodies('order-again')).toEqual(['pop-2', 'pop-3']);
    expect(events.field('order-again', 'times').flat()).toEqual([1, 1]);
    const acks = ['order-ack', 'order-ack-old', 'order-change', 'order-ack-of-before', 'ack', 'ack-twice', 'batch'];
    for (const event of acks) expect([event, ...new Set(events.field(event, 'status'))]).toEqual([event, 'OK']);
  });

  test('T090 single and batched acknowledgements count, and what is not acknowledged comes again', async () => {
    const events = await scenario('popraw');
    const bodies = (event: string): unknown[] => events.field<unknown>(event, 'bodies').flat();
    expect(bodies('some')).toEqual(['pop-4', 'pop-5', 'pop-6', 'pop-7']);
    expect(bodies('rest')).toEqual(['pop-8', 'pop-9']);
    expect(events.of('again')).toMatchObject([{ body: 'pop-7', reconsumeTimes: 1 }]);
    expect(bodies('afterwards')).toEqual([]);
  });

  test('a handle that is none is refused, and one of another broker changes nothing', async () => {
    const events = await scenario('popraw');
    expect(events.of('garbage')).toMatchObject([{ status: 'NO_EXIST' }]);
    expect(events.of('foreign')).toMatchObject([{ status: 'OK' }]);
  });
});
