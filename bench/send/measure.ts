// Owns one measurement of bench/send: one server, started fresh, under Apache's own benchmark producer.
import { comparable, type Measurement, plain } from '../figures.js';
import { loopFigures } from '../loop-delays.js';
import { memoryFigures } from '../process-stats.js';
import { type ServerName, servers } from '../servers.js';
import { messagesPerSync } from '../syncs.js';
import type { BenchOptions } from './options.js';
import { BenchmarkProducer } from './producer.js';

/** A topic of neither broker: created by the first send, with four queues on both. */
const TOPIC = 'BenchSend';
const QUEUES = 4;

export async function measure(server: ServerName, options: BenchOptions): Promise<Measurement> {
  const cluster = await servers[server]({ syncFlush: options.syncFlush });
  const producer = await BenchmarkProducer.start(cluster, options, TOPIC);
  // The first report ends the warm-up, the others each end an interval that counts.
  await producer.reported(1);
  await cluster.loopDelays();
  await producer.reported(1 + options.intervals);
  const delays = await cluster.loopDelays();
  const memory = memoryFigures(cluster.brokerPid);
  const reports = producer.reports.slice(0, 1 + options.intervals);
  const perSync = options.syncFlush
    ? [plain('messages per sync', await messagesPerSync(cluster, TOPIC, QUEUES), 1)]
    : [];
  await producer.kill();
  const first = reports[0];
  const last = reports[reports.length - 1];
  const messages = reports
    .slice(1)
    .reduce((sum, report, i) => sum + (report.tps * (report.at - reports[i].at)) / 1000, 0);
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
