// Runs our client and the unmodified Java client as members of one orderly group: they join and leave, one of ours is killed
// and one stands still for longer than its locks last, and then one of Java's is killed. The oracle knows the order.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { runScenario, startOurs } from '../orderly/scenario.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { inTime } from './harness/long.js';
import { startJavas } from './harness/members.js';
import { startOurBroker } from './harness/our-broker.js';

jest.setTimeout(600_000);

const brokers: [string, () => Promise<Cluster>][] = [
  ["Apache's", startApache],
  ['our', startOurBroker],
];

describe.each(inTime(brokers, ([whose]) => whose !== 'our'))('on %s broker', (_whose, start) => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await start();
  });
  afterAll(cleanUp);

  const shared = async (run: string, who: readonly ('ours' | 'java')[]): Promise<void> => {
    const on = { nameServer: cluster.nameServer, topic: `${run}_member_topic`, group: `${run}_member_group` };
    const starts = { ours: startOurs(on), java: startJavas(on, run, 'member') };
    const outcome = await runScenario(
      on,
      who.map((each) => starts[each]),
    );
    expect(outcome.faults).toEqual([]);
    expect(outcome.sent).toBeGreaterThan(1_000);
  };

  test('a group of both kinds never has a queue twice, and each queue keeps its order', async () => {
    await shared('mixed', ['java', 'ours', 'ours', 'java', 'ours']);
  });
});
