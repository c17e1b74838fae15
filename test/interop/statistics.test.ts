// Compares what Apache's mqadmin shows of our broker and of Apache's, after the same traffic.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ORDERLY, POPS, countedOf, runPops } from './client/popping.js';
import { SENT, runTraffic } from './client/traffic.js';
import { popRetryTopic } from '@nest-rocketmq/remoting/internal';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { mqadmin, rowsOf } from './harness/mqadmin.js';
import { startOurBroker } from './harness/our-broker.js';

// A broker whose counts came too slowly is followed by another one.
jest.setTimeout(600_000);

type Printed = ReadonlyMap<string, string[]>;

const GROUPS = ['billing', 'failing', 'late', 'stuck'];
const TOPICS = ['shop', 'old', 'later', 'tx', '%DLQ%failing'];
const settings = {
  // Delivered after 1 s each, so that a retry comes within the test.
  messageDelayLevel: '1s 1s 1s 1s 1s',
  // Off in Apache's broker by default and on in ours: records would differ in size.
  enabledAppendPropCRC: 'false',
};

const commandsFor = ({ brokerAddress }: Cluster): string[] => [
  'statsAll',
  'consumerProgress',
  ...GROUPS.map((group) => `consumerProgress -g ${group}`),
  ...TOPICS.map((topic) => `topicStatus -t ${topic}`),
  `brokerStatus -b ${brokerAddress}`,
  `brokerConsumeStats -b ${brokerAddress}`,
  'clusterList',
];

const TRIES = 3;

/** What mqadmin prints of a broker, whose address is left out. One of its rows, at least, is of each of these topics. */
async function print(cluster: Cluster, commands: readonly string[], topics: readonly string[]): Promise<Printed> {
  for (let left = TRIES - 1; ; left--) {
    // The first command of a cold JVM may wait for its first answer in vain.
    const printed = await mqadmin(cluster.nameServer, ['clusterList', ...commands]);
    const rows = rowsOf(printed, 'statsAll').map(([topic]) => topic);
    const hasAll = topics.every((topic) => rows.includes(topic));
    // On a busy machine it may wait for an answer in vain: then it prints an exception, or leaves the row out.
    const isWhole = hasAll && ![...printed.values()].flat().some((line) => line.includes('Exception'));
    if (left > 0 && !isWhole) continue;
    return new Map([...printed].map(([command, lines]) => [command.replace(cluster.brokerAddress, 'broker'), lines]));
  }
}

/** All that is printed of a broker after the traffic. */
async function printedOf(cluster: Cluster): Promise<Printed> {
  const end = await runTraffic(cluster);
  const printed = await print(cluster, commandsFor(cluster), Object.keys(SENT));
  await end();
  return printed;
}

const POP_COMMANDS = ['statsAll', 'brokerConsumeStats -b broker'];
const RETRIES = popRetryTopic(POPS.topic, POPS.group, false);
const COUNTED = ['GROUP_ACK_NUMS', 'GROUP_CK_NUMS', 'GROUP_GET_NUMS', 'GROUP_GET_SIZE'].flatMap((name) => [
  `${name} ${POPS.topic}@${POPS.group}`,
  `${name} ${RETRIES}@${POPS.group}`,
  `${name} ${ORDERLY.topic}@${ORDERLY.group}`,
]);
const OF_BROKER = ['BROKER_ACK_NUMS', 'BROKER_CK_NUMS'].map((name) => `${name} DefaultCluster`);

interface AfterPops {
  counted: Record<string, number | undefined>;
  printed: Printed;
}

/** All that is said of pops, after some. */
async function afterPops(cluster: Cluster): Promise<AfterPops> {
  await runPops(cluster);
  const commands = POP_COMMANDS.map((command) => command.replace(' broker', ` ${cluster.brokerAddress}`));
  const printed = await print(cluster, commands, [POPS.topic, ORDERLY.topic]);
  return { counted: await countedOf(cluster, [...COUNTED, ...OF_BROKER]), printed };
}

/** Brokers tell what was counted in the last minute, and look every 10 s. ms */
const COUNTED_MS = 50_000;
const BROKERS = 3;

interface Said {
  cluster: Cluster;
  printed: Printed;
  pops: AfterPops;
}

/** What is said after usual traffic, and after pops. On a busy machine either may outlast the minute: then by a new broker. */
async function saidBy(start: () => Promise<Cluster>): Promise<Said> {
  for (let left = BROKERS - 1; ; left--) {
    const cluster = await start();
    const began = performance.now();
    let half = began;
    try {
      const printed = await printedOf(cluster);
      half = performance.now();
      const pops = await afterPops(cluster);
      if (left === 0 || isInTime(half - began, performance.now() - half)) return { cluster, printed, pops };
    } catch (error) {
      if (left === 0 || isInTime(half - began, performance.now() - half)) throw error;
    }
    await cluster.kill();
  }
}

const isInTime = (...took: readonly number[]): boolean => Math.max(...took) < COUNTED_MS;

/** A row of statsAll without its rates, which depend on when each was asked. */
const countsOf = (columns: string[]): string => [...columns.slice(0, -4), ...columns.slice(-2)].join(' ');

const BROKER_STATUS = 'brokerStatus -b broker';

/** What brokerStatus prints: names and their values. */
const figuresOf = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    }),
  );

describe('mqadmin', () => {
  let apache: Printed;
  let ours: Printed;
  let ourBroker: Cluster;
  let theirs: AfterPops;
  let mine: AfterPops;
  beforeAll(async () => {
    const [ofApache, ofOurs] = await Promise.all([
      saidBy(() => startApache({ settings })),
      saidBy(() => startOurBroker({ settings })),
    ]);
    ({ printed: apache, pops: theirs } = ofApache);
    ({ printed: ours, pops: mine, cluster: ourBroker } = ofOurs);
  });
  afterAll(cleanUp);

  it('statsAll shows the same messages in and out, and the same backlog', () => {
    // Topic, group, backlog, messages in and out of the day. Rates depend on when each was asked.
    const counts = (printed: Printed): string[] =>
      rowsOf(printed, 'statsAll')
        .map((columns) => (columns.length === 7 ? columns : [columns[0]!, '', ...columns.slice(1)]))
        .filter(([topic]) => !/HALF_TOPIC|^rmq_sys_/.test(topic!))
        .map(countsOf);
    expect(counts(apache)).toEqual(
      expect.arrayContaining(['shop billing 0 28 28', 'blocked stuck 20 20 20', 'old billing 0 5 4']),
    );
    expect(new Set(counts(ours))).toEqual(new Set(counts(apache)));
  });

  it.each(GROUPS)(
    'consumerProgress shows the same of group %s: backlog, what is under way, and nothing that it left',
    (group) => {
      const progress = (printed: Printed): Record<string, number[]> => {
        const sums: Record<string, number[]> = {};
        for (const [topic, broker, , ...offsets] of rowsOf(printed, `consumerProgress -g ${group}`)) {
          if (broker !== 'broker-a') continue;
          const sum = (sums[topic!] ??= [0, 0, 0, 0]);
          offsets.slice(0, 4).forEach((offset, at) => (sum[at]! += Number(offset)));
        }
        return sums;
      };
      const totals = (printed: Printed): string[] =>
        printed.get(`consumerProgress -g ${group}`)!.filter((line) => line.includes(' Total: '));
      expect(Object.keys(progress(apache)).length).toBeGreaterThan(0);
      expect(progress(ours)).toEqual(progress(apache));
      expect(totals(ours)).toEqual(totals(apache));
    },
  );

  it('consumerProgress shows the same groups with as many members and the same backlog', () => {
    const groups = (printed: Printed): string[] =>
      rowsOf(printed, 'consumerProgress')
        .filter(([group]) => GROUPS.includes(group!))
        .map((columns) => [columns[0], columns[1], ...columns.slice(3, 5), columns.at(-1)].join(' '))
        .toSorted();
    expect(groups(apache)).toHaveLength(GROUPS.length);
    expect(groups(ours)).toEqual(groups(apache));
  });

  it.each(TOPICS)('topicStatus shows the same of %s', (topic) => {
    const status = (printed: Printed): unknown[] => {
      const rows = rowsOf(printed, `topicStatus -t ${topic}`).filter(([broker]) => broker === 'broker-a');
      const messages = rows.reduce((sum, [, , first, end]) => sum + Number(end) - Number(first), 0);
      const dated = rows.filter(([, , first, end, date]) => (date !== undefined) === Number(end) > Number(first));
      return [rows.length, messages, dated.length];
    };
    expect(status(ours)).toEqual(status(apache));
  });

  it('brokerStatus shows the same counts and offsets', () => {
    const [figures, ourFigures] = [figuresOf(apache.get(BROKER_STATUS)!), figuresOf(ours.get(BROKER_STATUS)!)];
    const same = [
      'msgPutTotalTodayNow',
      'msgPutTotalTodayMorning',
      'msgPutTotalYesterdayMorning',
      'msgGetTotalTodayNow',
      'msgGetTotalTodayMorning',
      'putMessageTimesTotal',
      'putMessageFailedTimes',
      'putMessageSizeTotal',
      'commitLogMinOffset',
      'commitLogMaxOffset',
      'dispatchBehindBytes',
      'scheduleMessageOffset_1',
      'scheduleMessageOffset_3',
      'brokerActive',
    ];
    const only = (table: Record<string, string>): unknown =>
      Object.fromEntries(same.map((name) => [name, table[name]]));
    expect(only(ourFigures)).toEqual(only(figures));
    for (const rate of ['putTps', 'getFoundTps', 'getMissTps', 'getTotalTps', 'getTransferredTps']) {
      expect([rate, ourFigures[rate]]).toEqual([rate, expect.stringMatching(/^\d+(\.\d+)? \d+(\.\d+)? \d+(\.\d+)?$/)]);
    }
  });

  it('brokerStatus has all figures that it has of Apache, once a minute is over that it can tell the put times of', async () => {
    const command = `brokerStatus -b ${ourBroker.brokerAddress}`;
    let figures: Record<string, string>;
    do figures = figuresOf((await mqadmin(ourBroker.nameServer, [command])).get(command)!);
    while (!('putLatency99' in figures));
    const missing = Object.keys(figuresOf(apache.get(BROKER_STATUS)!)).filter((name) => !(name in figures));
    expect(missing).toEqual([expect.stringMatching(/^commitLogDiskRatio_/)]);
  });

  it('brokerConsumeStats and clusterList run through', () => {
    const diff = (printed: Printed): string | undefined =>
      printed.get('brokerConsumeStats -b broker')!.find((line) => line.startsWith('Diff Total'));
    expect(diff(apache)).toBe('Diff Total: 20');
    expect(diff(ours)).toBe(diff(apache));
    for (const printed of [apache, ours]) expect(rowsOf(printed, 'clusterList')[0]?.[1]).toBe('broker-a');
  });

  describe('after pops', () => {
    it('T090 acknowledgements, checkpoints and messages are counted alike, also those that change nothing', () => {
      expect(theirs.counted).toMatchObject({
        [`GROUP_ACK_NUMS ${POPS.topic}@${POPS.group}`]: 7,
        [`GROUP_ACK_NUMS ${RETRIES}@${POPS.group}`]: 1,
        'BROKER_ACK_NUMS DefaultCluster': 8,
        'BROKER_CK_NUMS DefaultCluster': 5,
      });
      expect(mine.counted).toEqual(theirs.counted);
    });

    it('brokerConsumeStats shows the same progress, in pop retry topics too', () => {
      const progress = ({ printed }: AfterPops): string[] =>
        rowsOf(printed, 'brokerConsumeStats -b broker')
          .filter(([, group]) => [POPS.group, ORDERLY.group].includes(group!))
          .map((columns) => columns.slice(0, -1).join(' '))
          .toSorted();
      expect(progress(theirs)).toHaveLength(3);
      expect(progress(mine)).toEqual(progress(theirs));
    });

    it('statsAll shows the same of the topics', () => {
      const counts = ({ printed }: AfterPops): string[] =>
        rowsOf(printed, 'statsAll')
          .filter(([topic]) => topic!.includes('pops'))
          .map((columns) => countsOf(columns))
          .toSorted();
      expect(counts(theirs)).toHaveLength(3);
      expect(counts(mine)).toEqual(counts(theirs));
    });
  });
});
