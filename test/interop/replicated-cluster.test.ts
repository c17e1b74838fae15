// Takes a master of a replicated cluster away under load, by kill -9 and by a clean stop, and lets it come back: sends go on
// at the other master, consumers read on from the slave, and nothing that was acknowledged is lost.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { isDeepStrictEqual } from 'node:util';
import { BrokerNotFoundError } from '@nest-rocketmq/client';
import type { PushConsumer } from '@nest-rocketmq/client';
import { ConnectError, Requests, RocketMQError } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { Arrivals } from './client/steady-load.js';
import { MixedGroups, timesText } from './client/mixed-groups.js';
import { LANES, ORDERED, ReplicatedTraffic, STEADY } from './client/replicated-traffic.js';
import { NameServerPair, OUR_BROKER } from './client/name-server-pair.js';
import { pullStory } from './client/pull-story.js';
import type { Place } from './client/pull-story.js';
import { configureBroker } from './harness/ask.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { MASTER_A, MASTER_B, startReplicatedCluster, untilReplicating } from './harness/replicated-cluster.js';
import type { ReplicatedCluster } from './harness/replicated-cluster.js';
import type { SentRequest } from './harness/request-log.js';

jest.setTimeout(400_000);

const QUEUES = 4;
const BEFORE = 200;
/** A send's time limit by default: an app that waits for one send waits no longer, but for a machine that stands still. ms */
const LONGEST_GAP_MS = 3_000;
/** A slave that has nothing new holds a pull; one that lags is asked once a second for each queue. */
const MOST_PULLS_A_SECOND = 50;
/** Two clients that look at routes once a second may be so far apart on a busy machine. ms */
const AS_GOOD_MS = 3_000;
/** A few attempts of a client with the default intervals. ms */
const BY_DEFAULT_MS = 10_000;
/** Longer than between two stored offsets, and two pulls, also on a busy machine. ms */
const SETTLED_MS = 5_000;

let cluster: ReplicatedCluster;
let traffic: ReplicatedTraffic;
let names: NameServerPair;
let mixed: MixedGroups;
let masterA: Cluster;
let late: PushConsumer;
let stopping: Promise<void> | undefined;

beforeAll(async () => {
  names = await NameServerPair.start();
  cluster = await startReplicatedCluster({ [STEADY]: QUEUES, [ORDERED]: QUEUES }, { nameServers: names.addresses });
  masterA = cluster.masterA;
  traffic = new ReplicatedTraffic(cluster);
  await traffic.start();
  mixed = await MixedGroups.start(traffic, 'replicated');
  await traffic.beginSending();
  await mixed.untilShared(masterA.brokerAddress, QUEUES);
});
afterAll(async () => {
  await mixed?.stop();
  await traffic?.end();
  await cleanUp();
  await stopping;
});

const queuesOfA = (topic: string): MessageQueue[] =>
  Array.from({ length: QUEUES }, (_, queueId) => ({ topic, brokerName: MASTER_A, queueId }));

const pullsOf = (broker: Cluster, since: number): SentRequest[] =>
  [Requests.PULL_MESSAGE, Requests.LITE_PULL_MESSAGE].flatMap((row) =>
    traffic.requests.to(broker.brokerAddress, row, since),
  );

const pulls = (broker: Cluster, since: number): number => pullsOf(broker, since).length;

/** What any group was given twice. */
const redelivered = (): string[] => groups().flatMap(([, arrivals]) => arrivals.redelivered);

const groups = (): [string, Arrivals][] => [...Object.entries(traffic.steady), ...Object.entries(traffic.ordered)];

/** Resolves when each group of these has had all of these messages. */
const untilAllHave = (what: string, some: typeof traffic.steady, bodies: readonly string[]): Promise<void> =>
  traffic.until(what, () => Object.values(some).every((group) => group.missing(bodies).length === 0));

/** Resolves when one member of each mixed group has had each message of the broker. */
const untilMixedHave = (brokerName: string): Promise<void> =>
  traffic.until('all in the mixed groups', () =>
    [
      mixed.missing('steady', traffic.of(STEADY, brokerName)),
      mixed.missing('ordered', traffic.of(ORDERED, brokerName)),
    ].every((missing) => missing.length === 0),
  );

function report(what: string, since: number, more: string): void {
  const { load } = traffic;
  const { ours, javas, both } = mixed.twice;
  const counts = groups().map(([group, { bodies }]) => `${group} ${bodies.length}`);
  process.stdout.write(
    `${what}: ${load.acknowledged.size} acknowledged, the longest gap ${load.longestGap(since)} ms, ` +
      `${load.rejected.length} of one key refused, ${pulls(cluster.slave, since)} pulls from the slave; ${counts.join(', ')}\n` +
      `  ${more}; again to ours ${ours.length}, to Java's ${javas.length}, to both ${both.length}\n`,
  );
}

/** No send that may go anywhere is refused; one that is bound to a queue of the master is tried once, as by Java's clients. */
function expectSendsWentOn(since: number): void {
  expect(traffic.load.rejected.filter(({ body }) => !body.startsWith('key'))).toEqual([]);
  for (const { error } of traffic.load.rejected) expect(error).toBeInstanceOf(RocketMQError);
  expect(traffic.load.longestGap(since)).toBeLessThan(LONGEST_GAP_MS + traffic.control.longestGap(since));
}

test('after a kill -9 of a master, sends go on at the other one, and its queues are read from the slave', async () => {
  const { load, requests, client } = traffic;
  await traffic.until('messages of both', () => load.of(MASTER_A).length > BEFORE && load.of(MASTER_B).length > BEFORE);
  await names.untilBothKnow(STEADY, { [MASTER_A]: [0, 1], [MASTER_B]: [0] });
  const killedAt = Date.now();
  await masterA.kill();
  // A group that has read nothing before gets all of it from the slave.
  late = await traffic.consume('late');
  await traffic.poll('late_lite');
  const sent = traffic.of(STEADY, MASTER_A);
  await untilAllHave('all of the dead master', traffic.steady, sent);
  await untilAllHave('all of its order', { nest: traffic.ordered['nest']! }, traffic.of(ORDERED, MASTER_A));
  await traffic.until('sends to the other', () => load.of(MASTER_B, killedAt).length > BEFORE);
  const turned = await mixed.untilTurned(cluster.slave.brokerAddress, killedAt, true);
  report('killed', killedAt, `until all queues are read from the slave: ${timesText(turned, true)}`);
  for (const { ours, javas = Infinity } of Object.values(turned)) expect(ours).toBeLessThan(javas + AS_GOOD_MS);
  // Java's learns it from the next look at the route, up to 30 s later.
  expect(turned.steady.oursByDefault).toBeLessThan(BY_DEFAULT_MS);
  await names.untilBothKnow(STEADY, { [MASTER_A]: [1], [MASTER_B]: [0] });

  expectSendsWentOn(killedAt);
  expect(requests.to(cluster.slave.brokerAddress, Requests.LITE_PULL_MESSAGE, killedAt).length).toBeGreaterThan(0);
  // Without those that read all of it.
  const others = pullsOf(cluster.slave, killedAt).filter(({ fields }) => !fields['consumerGroup']!.includes('late'));
  expect(others.length).toBeLessThan((MOST_PULLS_A_SECOND * (Date.now() - killedAt)) / 1_000);
  // Locks are the master's alone: nobody asks the slave for one.
  expect(requests.to(cluster.slave.brokerAddress, Requests.LOCK_BATCH_MQ)).toEqual([]);
  await traffic.until('offsets at the slave', () =>
    queuesOfA(STEADY).every(({ queueId }) => {
      const stored = requests.to(cluster.slave.brokerAddress, Requests.UPDATE_CONSUMER_OFFSET, killedAt);
      return stored.some(({ fields }) => fields['topic'] === STEADY && fields['queueId'] === String(queueId));
    }),
  );

  const { msgId, offsetMsgId } = load.acknowledged.get(sent.at(-1)!)!;
  expect((await client.admin.queryMessageByUniqKey(STEADY, msgId))!.body.toString()).toBe(sent.at(-1));
  // Its id has the address of the master.
  await expect(client.admin.viewMessage(STEADY, offsetMsgId)).rejects.toThrow(ConnectError);
  await expect(client.admin.maxOffset(queuesOfA(STEADY)[0]!)).rejects.toThrow(BrokerNotFoundError);
});

test('the master that comes back is used again, and what was read from the slave does not come again', async () => {
  const { load, client, requests } = traffic;
  const returningAt = Date.now();
  masterA = await cluster.restart(masterA);
  await traffic.until('sends to it', () => load.of(MASTER_A, returningAt).length > BEFORE / 4);
  const isPulled = ({ queueId }: MessageQueue): boolean =>
    requests
      .to(masterA.brokerAddress, Requests.PULL_MESSAGE, returningAt)
      .some(({ fields }) => fields['topic'] === STEADY && fields['queueId'] === String(queueId));
  await traffic.until('pulls of each of its queues', () => queuesOfA(STEADY).every(isPulled));
  await untilReplicating(client, STEADY);
  await traffic.until('offsets at the master', async () => {
    const offsets = queuesOfA(STEADY).map((queue) => client.admin.consumerOffset('client_late', queue));
    return (await Promise.all(offsets)).every((offset) => offset !== undefined && offset > 0);
  });
  const backAt = Date.now();
  await traffic.until('more sends to it', () => load.of(MASTER_A, backAt).length > BEFORE / 4);
  await untilAllHave('all of the master', traffic.steady, traffic.of(STEADY, MASTER_A));
  await untilAllHave('all in order', traffic.ordered, traffic.of(ORDERED, MASTER_A));
  await untilMixedHave(MASTER_A);
  const turned = await mixed.untilTurned(masterA.brokerAddress, returningAt);
  report('back', returningAt, `until all queues are read from the master: ${timesText(turned)}`);
  // In order, some queues have no messages, and the slave holds their pulls for up to 15 s.
  expect(turned.steady.ours).toBeLessThan((turned.steady.javas ?? Infinity) + AS_GOOD_MS);
  expect(mixed.twice.ours).toEqual([]);
  await names.untilBothKnow(STEADY, { [MASTER_A]: [0, 1], [MASTER_B]: [0] });
  // The pulls that the slave held are over, and the master is asked.
  expect(pulls(cluster.slave, backAt)).toBe(0);
  expectSendsWentOn(returningAt);
  expect(redelivered()).toEqual([]);
  for (const group of Object.values(traffic.ordered)) expect(group.outOfOrder).toEqual([]);
});

test('a consumer that starts anew goes on behind what it has read from the slave', async () => {
  const before = traffic.steady['late']!;
  await late.shutdown();
  await traffic.consume('late');
  const anew = traffic.steady['late']!;
  await traffic.until('more', () => anew.bodies.length > BEFORE / 4);
  expect(before.bodies.length).toBeGreaterThan(2 * BEFORE);
  expect(anew.bodies.filter((body) => !before.missing([body]).length && !before.storedTwice.includes(body))).toEqual(
    [],
  );
});

test("a master whose consumers lag sends them to the slave, and takes them back; ours do what Java's do", async () => {
  const { requests, load } = traffic;
  const both = { masterA, slave: cluster.slave };
  const configure = async (accessMessageInMemoryMaxRatio: string): Promise<void> => {
    const addresses = [both.masterA, both.slave].map(({ brokerAddress }) => brokerAddress);
    await Promise.all(addresses.map((address) => configureBroker(address, { accessMessageInMemoryMaxRatio })));
  };
  const untilAll = (what: string, place: Place, offsetsWithPullsAt: Place[]): Promise<void> =>
    traffic.until(what, () => {
      const since = Date.now() - SETTLED_MS;
      const expected = { pulledAt: [place], offsetsWithPullsAt, offsetsAt: ['master'] };
      const stories = [
        pullStory(requests, 'client_mixed', both, since),
        pullStory(mixed.java.requests, 'client_mixed', both, since),
        pullStory(requests, 'client_lagging', both, since),
      ];
      // One that polls brings no offsets along.
      const polled = pullStory(requests, 'client_lite', both, since, Requests.LITE_PULL_MESSAGE);
      return (
        stories.every((story) => isDeepStrictEqual(story, expected)) &&
        isDeepStrictEqual(polled, { ...expected, offsetsWithPullsAt: [] })
      );
    });
  await traffic.consume('lagging');
  // By this ratio, whatever is found is no longer in memory.
  await configure('0');
  // Offsets go to the master all the same, and none with a pull.
  await untilAll('pulls from the slave alone', 'slave', []);
  await configure('40');
  await untilAll('pulls from the master alone', 'master', ['master']);
  const settledAt = Date.now();
  await traffic.until('more sends', () => load.of(MASTER_A, settledAt).length > BEFORE / 4);
  await untilMixedHave(MASTER_A);
  expect(mixed.twice.ours).toEqual([]);
});

test('a clean stop of a master under load loses nothing either', async () => {
  const { load, client } = traffic;
  await untilReplicating(client, STEADY);
  const stoppedAt = Date.now();
  stopping = masterA.stop();
  await traffic.until('a route without it', async () => {
    const route = await client.admin.topicRoute(STEADY);
    return !route?.brokerDatas.some(({ brokerAddrs }) => brokerAddrs.get(0) === masterA.brokerAddress);
  });
  const goneAt = Date.now();
  await traffic.until('sends to the other', () => load.of(MASTER_B, goneAt).length > BEFORE);
  await traffic.stopSending();
  const lateToSlave = new Set(load.unreplicated);
  const safe = [...load.acknowledged.keys()].filter((body) => !lateToSlave.has(body));
  // The group that started anew has had the rest before.
  const { late: _, ...groups } = traffic.steady;
  await untilAllHave(
    'all',
    groups,
    safe.filter((body) => !body.startsWith('key')),
  );
  await untilAllHave(
    'all in order',
    { nest: traffic.ordered['nest']! },
    safe.filter((body) => body.startsWith('key')),
  );
  await untilMixedHave(MASTER_B);
  report('stopped', stoppedAt, 'at the end');
  await names.untilBothKnow(STEADY, { [MASTER_A]: [1], [MASTER_B]: [0] });
  expectSendsWentOn(stoppedAt);
  expect(redelivered()).toEqual([]);
  // As many as were under way at the kill and at the stop, at most.
  for (const group of Object.values(traffic.steady)) expect(group.storedTwice.length).toBeLessThanOrEqual(2 * LANES);
});

test("our name server has said what Apache's says, and Apache's knows our broker", async () => {
  const ids = { [MASTER_A]: [1], [MASTER_B]: [0], [OUR_BROKER]: [0] };
  const perms = async (): Promise<number[]> => {
    const { queueDatas } = await names.untilBothKnow('TBW102', ids);
    return queueDatas.map(({ perm }) => perm);
  };
  expect(await perms()).toEqual([7, 7, 7]);
  const [apaches, ours] = await names.wipeWritePerm(MASTER_B);
  expect(ours).toBe(apaches);
  expect(await perms()).toEqual([7, 5, 7]);
  await names.addWritePerm(MASTER_B);
  expect(await perms()).toEqual([7, 6, 7]);
  await names.wipeWritePerm(OUR_BROKER);
  expect(await perms()).toEqual([7, 6, 5]);
  expect(await names.killOurs('TBW102')).toEqual([MASTER_A, MASTER_B]);
});
