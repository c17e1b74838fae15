// Tests the Go client together with ours and Java's: they read each other's messages, and are members of one group, of which
// each kind leaves and is killed.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { faultsOf } from '../orderly/oracle.js';
import type { CallEvent } from '../orderly/oracle.js';
import { collectCalls, type Member, type StartMember, startLoad, startOurs, until } from '../orderly/scenario.js';
import { exchangeWith } from './client/exchanging.js';
import { MixedGroup } from './client/mixed-group.js';
import { declaredPeer, type Peer } from './client/peer.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { GO_LATER, GO_RELEASE, GoPeer } from './harness/go-peer.js';
import { inTime, isLong } from './harness/long.js';
import { type MemberScenario, startGos, startJavas } from './harness/members.js';
import { startOurBroker } from './harness/our-broker.js';

jest.setTimeout(600_000);

const COMPARED = ['TAGS', 'KEYS', 'colour', 'index'];
/** In which a member has its queues, or others have them after it. ms */
const REST_MS = 2_500;
/** In which a member has a queue: a broker keeps the locks of one that was killed for 60 s, and who was refused asks after 20 s. ms */
const TAKEN_MS = 150_000;

const BROKERS: [string, () => Promise<Cluster>][] = [
  ["Apache's", startApache],
  ['our', startOurBroker],
];

function starts({ cluster }: Peer, run: string, scenario: MemberScenario): Record<'ours' | 'java' | 'go', StartMember> {
  const on = { nameServer: cluster.nameServer, topic: `${run}_${scenario}_topic`, group: `${run}_${scenario}_group` };
  return {
    ours: startOurs(on, scenario === 'member' ? 'ORDERLY' : 'CONCURRENTLY'),
    java: startJavas(cluster, run, scenario),
    go: startGos(cluster, run, scenario),
  };
}

describe.each(inTime(BROKERS, ([whose]) => whose !== 'our'))('on %s broker', (_whose, start) => {
  const peer = declaredPeer('go_mixed_producer', start);
  afterAll(cleanUp);

  test.each([GO_RELEASE, GO_LATER] as const)(
    'Go %s and we read what the other sent, to the last property',
    async (version) => {
      const run = `goex${version.replaceAll(/\W/g, '')}`;
      const topics = { toPeer: `${run}_exchange_toPeer`, fromPeer: `${run}_exchange_fromPeer` };
      const startGo = (): Promise<GoPeer> => GoPeer.start(version, peer.cluster, run, ['exchange']);
      const { readByUs, readByPeer } = await exchangeWith(peer, topics, startGo, COMPARED);
      expect(readByUs).toEqual(readByPeer);
      expect(readByUs).toContain(JSON.stringify(['full ü 漢 😀', 7, ['TagA', 'key1 key2', 'blue = "ü"', null]]));
    },
  );

  describe("a group of ours, Java's and Go's", () => {
    let group: MixedGroup;
    let kinds: ReturnType<typeof starts>;
    beforeAll(async () => {
      kinds = starts(peer, 'mixed', 'listen');
      group = await MixedGroup.on(peer.cluster, 'mixed_listen_topic', 'mixed_listen_group');
    });
    afterAll(async () => {
      await group?.end();
    });

    const expectShared = async (): Promise<void> => {
      expect(await group.settle()).toEqual([]);
      expect(await group.consumeOnce()).toEqual([]);
    };

    test('shares the queues by one rule, and consumes each message once', async () => {
      await group.join('ours 1', kinds.ours);
      await group.join('go 1', kinds.go);
      await group.join('java 1', kinds.java);
      await expectShared();
    });

    test("takes in another of Go's, and does without the first", async () => {
      await group.join('go 2', kinds.go);
      await expectShared();
      await group.leave('go 1');
      await expectShared();
    });

    test("takes over from Go's when it is killed", async () => {
      await group.kill('go 2');
      await expectShared();
    });

    test("gives Go's the queues of ours and Java's, which leave or are killed", async () => {
      await group.join('go 3', kinds.go);
      await group.leave('ours 1');
      await expectShared();
      await group.join('ours 2', kinds.ours);
      await group.join('java 2', kinds.java);
      await group.leave('java 1');
      await expectShared();
      await group.kill('java 2');
      await expectShared();
      await group.kill('ours 2');
      await expectShared();
      expect(await group.lost()).toEqual([]);
    });
  });

  test('an orderly group of the three never has a queue twice, and each queue keeps its order', async () => {
    const on = { topic: 'inorder_member_topic' };
    const kinds = starts(peer, 'inorder', 'member');
    const calls: CallEvent[] = [];
    const killed = new Map<string, number>();
    const has = (name: string): boolean => calls.some(({ member }) => member === name);
    const join = async (name: string, startMember: StartMember): Promise<Member> => {
      const member = await startMember(name, collectCalls(calls, name));
      // Go's client tries again after 20 s to lock what another has just given away.
      await until(() => has(name), TAKEN_MS);
      return member;
    };
    const load = await startLoad(peer.client, on.topic);
    const ours = await join('ours', kinds.ours);
    const java = await join('java', kinds.java);
    const go = await join('go', kinds.go);
    await wait(REST_MS);
    await java.child.stop();
    await wait(REST_MS);
    await ours.child.stop();
    await wait(REST_MS);
    // Even a clean shutdown of Go's client does not wait for its listener.
    await (isLong ? go.child.kill() : go.child.stop());
    killed.set('go', Date.now());
    const last = await join('ours 2', kinds.ours);
    await wait(REST_MS);
    const sent = await load.stop();
    const isConsumed = ([queue, count]: [string, number]): boolean =>
      calls.some((call) => call.what === 'end' && call.queue === queue && call.seq === count - 1);
    await until(() => [...sent].every(isConsumed), TAKEN_MS);
    expect(faultsOf(calls, sent, { killed })).toEqual([]);
    expect(['ours', 'java', 'go', 'ours 2'].filter(has)).toHaveLength(4);
    await last.child.stop();
  });
});
