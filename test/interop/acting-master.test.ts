// Lets a slave act for its master, by Apache's name server and by ours: offsets, locks and members are the slave's, what is due
// there is delivered by the other master, and the master comes back. Java's consumers and ours share the groups.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Requests } from '@nest-rocketmq/remoting/internal';
import type { RequestRow } from '@nest-rocketmq/remoting/internal';
import { ActingScene } from './client/acting-scene.js';
import { timesText } from './client/mixed-groups.js';
import { commitsOffset } from './client/pull-story.js';
import { STEADY } from './client/replicated-traffic.js';
import { startApacheNameServer } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import { isLong } from './harness/long.js';
import { startOurBroker } from './harness/our-broker.js';
import { MASTER_A, MASTER_B, untilReplicating } from './harness/replicated-cluster.js';
import type { RequestLog } from './harness/request-log.js';

jest.setTimeout(300_000);

const ENOUGH = 50;
/** What consumers ask of a master, and of a slave that acts for it. */
const OF_A_MASTER = [
  Requests.LOCK_BATCH_MQ,
  Requests.UPDATE_CONSUMER_OFFSET,
  Requests.GET_CONSUMER_LIST_BY_GROUP,
] as const;

async function ourNameServer(): Promise<string> {
  const { nameServer } = await startOurBroker({ settings: { brokerName: 'broker-o', supportActingMaster: 'true' } });
  return nameServer;
}

// Two clusters of four JVMs, for a minute each.
const declared = isLong ? describe : describe.skip;

declared.each([
  ["Apache's", () => startApacheNameServer({ supportActingMaster: 'true' })],
  ['our', ourNameServer],
])('a slave that acts for its master, by %s name server', (whose, startNameServer) => {
  let scene: ActingScene;
  let turned: string;
  beforeAll(async () => {
    scene = await ActingScene.on(await startNameServer());
  });
  afterAll(async () => {
    await scene?.end();
    await cleanUp();
  });

  const asked = (log: RequestLog, row: RequestRow, since: number): number =>
    log.to(scene.cluster.slave.brokerAddress, row, since).length;

  test('serves offsets, locks and members once the master is gone, and takes no messages', async () => {
    const { traffic, mixed, cluster } = scene;
    await scene.beforeTheKill();
    const killedAt = await scene.kill();
    expect(await scene.perm()).toEqual({ [MASTER_A]: 4, [MASTER_B]: 6 });
    turned = timesText(await mixed.untilTurned(cluster.slave.brokerAddress, killedAt, true), true);
    await traffic.consume('late_ordered', { consumeMode: 'ORDERLY' });
    await traffic.until('all of the dead master', () => scene.missing().length === 0);
    // As Java's: an acting master takes offsets with pulls, which a mere slave does not.
    const commitsWithPulls = (log: RequestLog): boolean =>
      log.to(cluster.slave.brokerAddress, Requests.PULL_MESSAGE, killedAt).some(commitsOffset);
    await traffic.until('what both ask of a master at the slave', () =>
      [traffic.requests, mixed.java.requests].every(
        (log) => OF_A_MASTER.every((row) => asked(log, row, killedAt) > 0) && commitsWithPulls(log),
      ),
    );
    await traffic.until('sends to the other', () => traffic.load.of(MASTER_B, killedAt).length > ENOUGH);
    expect(traffic.load.of(MASTER_A, killedAt + 1_000)).toEqual([]);
    expect(traffic.load.rejected.filter(({ body }) => !body.startsWith('key'))).toEqual([]);
    const queue = { topic: STEADY, brokerName: MASTER_A, queueId: 0 };
    expect(await traffic.client.admin.maxOffset(queue)).toBeGreaterThan(0);
    await traffic.until('the offset at the slave', async () => {
      const offset = await traffic.client.admin.consumerOffset('client_steady', queue);
      return offset === (await traffic.client.admin.maxOffset(queue));
    });
  });

  test('lets the other master deliver what is delayed, what failed, and transactions that nobody has ended', async () => {
    const { traffic } = scene;
    const expected = ['level', 'timer', 'fails-0', 'ours-handle', 'ours-listener', 'java-begin'];
    const arrived = (): string[] => expected.filter((body) => scene.later.some((one) => one.body.startsWith(body)));
    await traffic.until('all that is due', () => arrived().length === expected.length);
    expect(scene.later.map(({ brokerName }) => brokerName)).toEqual(scene.later.map(() => MASTER_B));
    const bodies = scene.later.map(({ body }) => body);
    expect(bodies.toSorted()).toEqual([...new Set(bodies)].toSorted());
  });

  test('gives way to the master that comes back, and nothing comes again', async () => {
    const { traffic, mixed } = scene;
    const { load } = traffic;
    const backAt = await scene.restart();
    await traffic.until('sends to it', () => load.of(MASTER_A, backAt).length > ENOUGH);
    await untilReplicating(traffic.client, STEADY);
    await traffic.until('locks of both at the master', () =>
      [traffic.requests, mixed.java.requests].every(
        (log) => log.to(scene.cluster.masterA.brokerAddress, Requests.LOCK_BATCH_MQ, backAt).length > 0,
      ),
    );
    await load.stop();
    await traffic.until('all', () => scene.missing().length === 0);
    process.stdout.write(`by ${whose} name server: ${scene.report(turned)}\n`);
    expect(mixed.twice.ours).toEqual([]);
    for (const arrivals of [...Object.values(traffic.steady), ...Object.values(traffic.ordered)])
      expect(arrivals.redelivered).toEqual([]);
    for (const arrivals of Object.values(traffic.ordered)) expect(arrivals.outOfOrder).toEqual([]);
    expect(load.of(MASTER_A).filter((body) => body.startsWith('key')).length).toBeGreaterThan(0);
  });
});
