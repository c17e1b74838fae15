// Measures a running server with Apache's own benchmark producer.
import { comparable, type Measurement, plain } from '../figures.js';
import { loopFigures } from '../loop-delays.js';
import { memoryFigures } from '../process-stats.js';
import { type MeasuredCluster, type ServerName, stores } from '../servers.js';
import { messagesPerSync } from '../syncs.js';
import type { BenchOptions } from './options.js';
import { BenchmarkProducer } from './producer.js';

/** A topic of neither broker: created by the first send, with four queues on both. */
const TOPIC = 'BenchSend';
const QUEUES = 4;

/** Each measurement has a producer of its own, which warms up, and the server with it, before anything counts. */
export async function measure(
  cluster: MeasuredCluster,
  server: ServerName,
  options: BenchOptions,
): Promise<Measurement> {
  const producer = await BenchmarkProducer.start(cluster, options, TOPIC);
  const warm = Math.ceil((options.warmUp * 1000) / options.interval);
  await producer.reported(warm);
  await cluster.loopDelays();
  await producer.reported(warm + options.intervals);
  const delays = await cluster.loopDelays();
  const memory = memoryFigures(cluster.brokerPid);
  const reports = producer.reports.slice(warm - 1, warm + options.intervals);
  const perSync = options.syncFlush
    ? [plain('messages per sync', stores(server) ? await messagesPerSync(cluster, TOPIC, QUEUES) : undefined, 1)]
    : [];
  await producer.kill();
  const first = reports[0]!;
  const last = reports.at(-1)!;
  const messages = reports
    .slice(1)
    .reduce((sum, report, i) => sum + (report.tps * (report.at - reports[i]!.at)) / 1000, 0);
  return [
    comparable('TPS', (messages * 1000) / (last.at - first.at)),
    comparable('CPU s per million', ((last.cpu - first.cpu) * 1e6) / messages, 1),
    ...memory,
    ...perSync,
    // Warm-up included.
    plain('failed', last.failed),
    ...loopFigures(delays),
  ];
}
