// Opens a directory with the other broker while messages of it are popped: what was acknowledged stays so, the rest comes.
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { ROCKETMQ_5 } from './harness/jars.js';
import { JavaPeer } from './harness/java-peer.js';
import type { ScenarioEvents } from './harness/java-peer.js';
import { inTime } from './harness/long.js';
import { sorted } from './harness/lists.js';
import { offsetsOnDisk } from './harness/offsets-on-disk.js';
import { startOurBroker } from './harness/our-broker.js';
import { temporaryFolder } from './harness/temporary.js';

jest.setTimeout(400_000);
afterEach(cleanUp);

type Start = (options: { store: string }) => Promise<Cluster>;
const apache: [string, Start] = ["Apache's", startApache];
const ours: [string, Start] = ['our', startOurBroker];

async function runScenario(cluster: Cluster, scenario: string): Promise<ScenarioEvents> {
  const peer = await JavaPeer.start(ROCKETMQ_5, cluster.nameServer, 'moved', [scenario], [], 'peer.PopPeer');
  const events = await peer.scenario(scenario);
  await peer.end();
  return events;
}

const moves = [
  { writer: ours, reader: apache, end: 'stop' as const },
  { writer: apache, reader: ours, end: 'stop' as const },
  { writer: ours, reader: apache, end: 'kill' as const },
  { writer: apache, reader: ours, end: 'kill' as const },
];

describe.each(inTime(moves, ({ writer, end }) => writer === apache || end === 'kill'))(
  'messages popped from $writer.0 broker, after its $end',
  ({ writer: [, write], reader: [, read], end }) => {
    test('come from the other broker, but for those that were acknowledged', async () => {
      const store = temporaryFolder('pop-store');
      const first = await write({ store });
      const taken = await runScenario(first, 'poptake');
      expect(taken.field<unknown>('taken', 'bodies').flat()).toEqual(['pop-0', 'pop-1', 'pop-2', 'pop-3']);
      expect(taken.field<unknown>('order-taken', 'bodies').flat()).toEqual(['pop-0', 'pop-1']);
      // What was popped since the offsets were written may be popped again after a kill.
      if (end === 'kill') await offsetsOnDisk(store, /moved_poptake_topic@moved_poptake_group"?:\s*\{\s*"?0"?:\s*4/);
      await first[end]();
      const second = await read({ store });
      const events = await runScenario(second, 'popagain');
      const times = events.of('again').map(({ body, reconsumeTimes }) => `${String(body)} ${String(reconsumeTimes)}`);
      expect(sorted(times)).toEqual(['pop-1 1', 'pop-3 1', 'pop-4 0', 'pop-5 0']);
      // Of what was popped in order one message is not acknowledged: the next wait for it.
      expect(events.field<unknown>('order-blocked', 'bodies').flat()).toEqual([]);
      expect(events.field<unknown>('afterwards', 'bodies').flat()).toEqual([]);
      await second.stop();
    });
  },
);
