// Owns one measurement: one server, started fresh, under Apache's own benchmark producer.
import type { Cluster } from '../../test/interop/harness/cluster.js';
import { startChild } from '../../test/interop/harness/children.js';
import { apacheJars, ROCKETMQ_5 } from '../../test/interop/harness/jars.js';
import { temporaryFolder } from '../../test/interop/harness/temporary.js';
import { comparable, type Measurement, plain } from '../figures.js';
import { cpuSeconds, memoryUse } from '../process-stats.js';
import { type ServerName, servers } from '../servers.js';
import type { BenchOptions } from './options.js';

/** A topic of neither broker: created by the first send, with four queues on both. */
const TOPIC = 'BenchSend';
const PRODUCER_HEAP = ['-Xms256m', '-Xmx512m'];
const START_PATIENCE_MS = 60_000;
const REPORT = /Send TPS: (\d+) .*Send Failed: (\d+) \| Response Failed: (\d+)/;

interface Report {
  /** ms */
  at: number;
  tps: number;
  failed: number;
  cpu: number;
}

/** The producer's reports: the first ends the warm-up, the others each end an interval that counts. */
async function collectReports(cluster: Cluster, options: BenchOptions): Promise<Report[]> {
  const jars = await apacheJars(ROCKETMQ_5);
  const reports: Report[] = [];
  const wanted = options.intervals + 1;
  let enough: () => void;
  const complete = new Promise<void>((resolve) => (enough = resolve));
  const args = [
    '-n',
    cluster.nameServer,
    '-t',
    TOPIC,
    '-w',
    options.threads,
    '-s',
    options.size,
    '-ri',
    options.interval,
  ].map(String);
  const producer = startChild(
    'benchmark producer',
    'java',
    [
      ...PRODUCER_HEAP,
      `-Duser.home=${temporaryFolder('bench-producer')}`,
      '-cp',
      jars,
      'org.apache.rocketmq.example.benchmark.Producer',
      ...args,
    ],
    {
      onLine: (line) => {
        const [, tps, sendFailed, responseFailed] = REPORT.exec(line) ?? [];
        if (tps === undefined) return;
        reports.push({
          at: performance.now(),
          tps: Number(tps),
          failed: Number(sendFailed) + Number(responseFailed),
          cpu: cpuSeconds(cluster.brokerPid),
        });
        if (reports.length === wanted) enough();
      },
    },
  );
  const limit = setTimeout(() => void producer.kill(), START_PATIENCE_MS + wanted * options.interval);
  await Promise.race([complete, producer.exited]);
  clearTimeout(limit);
  if (reports.length < wanted) throw producer.failure(`gave ${reports.length} of ${wanted} reports`);
  await producer.kill();
  return reports;
}

export async function measure(server: ServerName, options: BenchOptions): Promise<Measurement> {
  const cluster = await servers[server]({ syncFlush: options.syncFlush });
  const reports = await collectReports(cluster, options);
  const { rss, peak } = memoryUse(cluster.brokerPid);
  const first = reports[0];
  const last = reports[reports.length - 1];
  const messages = reports
    .slice(1)
    .reduce((sum, report, i) => sum + (report.tps * (report.at - reports[i].at)) / 1000, 0);
  return [
    comparable('TPS', (messages * 1000) / (last.at - first.at)),
    comparable('CPU s per million', ((last.cpu - first.cpu) * 1e6) / messages, 1),
    comparable('RSS MiB', rss),
    comparable('highest RSS MiB', peak),
    // Warm-up included.
    plain('failed', last.failed),
  ];
}
