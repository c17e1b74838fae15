// Compares what Apache's mqadmin shows of our broker and of Apache's, after the same traffic.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { runTraffic } from './client/traffic.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { mqadmin, rowsOf } from './harness/mqadmin.js';
import { startOurBroker } from './harness/our-broker.js';

jest.setTimeout(120_000);

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

/** All that mqadmin prints of a broker after the traffic. */
async function printedOf(cluster: Cluster): Promise<Printed> {
  const end = await runTraffic(cluster);
  const printed = await mqadmin(cluster.nameServer, commandsFor(cluster));
  await end();
  return new Map([...printed].map(([command, lines]) => [command.replace(cluster.brokerAddress, 'broker'), lines]));
}

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
  beforeAll(async () => {
    ourBroker = await startOurBroker({ settings });
    [apache, ours] = await Promise.all([startApache({ settings }).then(printedOf), printedOf(ourBroker)]);
  });
  afterAll(cleanUp);

  it('statsAll shows the same messages in and out, and the same backlog', () => {
    // Topic, group, backlog, messages in and out of the day. Rates depend on when each was asked.
    const counts = (printed: Printed): string[] =>
      rowsOf(printed, 'statsAll')
        .map((columns) => (columns.length === 7 ? columns : [columns[0]!, '', ...columns.slice(1)]))
        .filter(([topic]) => !/HALF_TOPIC|^rmq_sys_/.test(topic!))
        .map((columns) => [columns[0], columns[1], columns[2], ...columns.slice(-2)].join(' '));
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
    const [theirs, mine] = [figuresOf(apache.get(BROKER_STATUS)!), figuresOf(ours.get(BROKER_STATUS)!)];
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
    expect(only(mine)).toEqual(only(theirs));
    for (const rate of ['putTps', 'getFoundTps', 'getMissTps', 'getTotalTps', 'getTransferredTps']) {
      expect([rate, mine[rate]]).toEqual([rate, expect.stringMatching(/^\d+(\.\d+)? \d+(\.\d+)? \d+(\.\d+)?$/)]);
    }
  });

  it('brokerStatus has all figures that it has of Apache, once a minute is over that it can tell the put times of', async () => {
    const command = `brokerStatus -b ${ourBroker.brokerAddress}`;
    let mine: Record<string, string>;
    do mine = figuresOf((await mqadmin(ourBroker.nameServer, [command])).get(command)!);
    while (!('putLatency99' in mine));
    // Ours omits thread pools and what it does not have.
    const missing = Object.keys(figuresOf(apache.get(BROKER_STATUS)!)).filter((name) => !(name in mine));
    expect(
      missing.filter((name) => !/ThreadPool|EndTransaction|^commitLogDiskRatio_|TransientStore/.test(name)),
    ).toEqual(['dispatchMaxBuffer', 'startAcceptSendRequestTimeStamp']);
  });

  it('brokerConsumeStats and clusterList run through', () => {
    const diff = (printed: Printed): string | undefined =>
      printed.get('brokerConsumeStats -b broker')!.find((line) => line.startsWith('Diff Total'));
    expect(diff(apache)).toBe('Diff Total: 20');
    expect(diff(ours)).toBe(diff(apache));
    for (const printed of [apache, ours]) expect(rowsOf(printed, 'clusterList')[0]?.[1]).toBe('broker-a');
  });
});
