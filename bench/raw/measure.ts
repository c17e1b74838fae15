// Owns one measurement of bench/raw: a fresh server, a topic, a warm-up, one counted interval, and then the oracle's
// look at all that was stored.
import { setTimeout as delay } from 'node:timers/promises';
import { comparable, type Measurement, plain } from '../figures.js';
import { createTopics } from '../load/connection.js';
import { Generator } from '../load/generator.js';
import { Oracle, type Verdict } from '../load/oracle.js';
import { verify } from '../load/verify.js';
import { loopFigures } from '../loop-delays.js';
import { cpuSeconds, memoryFigures } from '../process-stats.js';
import { type ServerName, servers } from '../servers.js';
import { messagesPerSync } from '../syncs.js';
import type { RawOptions } from './options.js';

const TOPIC = 'BenchRaw';
const QUEUES = 4;

export const isFault = ({ lost, duplicated, altered, ghost }: Verdict): boolean =>
  lost + duplicated + altered + ghost > 0;

export async function measure(
  server: ServerName,
  depth: number,
  options: RawOptions,
  judge: (verdict: Verdict) => void,
): Promise<Measurement> {
  const { size, serializeType, syncFlush } = options;
  const cluster = await servers[server]({ syncFlush });
  const address = cluster.brokerAddress;
  await createTopics(cluster.nameServer, [TOPIC], QUEUES);
  const oracle = new Oracle(size);
  const load = { address, topics: [TOPIC], queues: QUEUES, size, depth, serializeType };
  const generator = await Generator.start(load, oracle);
  await delay(options.seconds * 500);
  await cluster.loopDelays();
  const before = { answered: generator.answered, cpu: cpuSeconds(cluster.brokerPid), at: performance.now() };
  await delay(options.seconds * 1000);
  const messages = generator.answered - before.answered;
  const seconds = (performance.now() - before.at) / 1000;
  const cpu = cpuSeconds(cluster.brokerPid) - before.cpu;
  const memory = memoryFigures(cluster.brokerPid);
  const delays = await cluster.loopDelays();
  const perSync = syncFlush ? [plain('messages per sync', await messagesPerSync(cluster, TOPIC, QUEUES), 1)] : [];
  await generator.stop();
  const verdict = await verify(address, TOPIC, QUEUES, oracle);
  judge(verdict);
  return [
    comparable('TPS', messages / seconds),
    comparable('per CPU s', messages / cpu),
    comparable('CPU s per million', (cpu * 1e6) / messages, 2),
    ...memory,
    ...perSync,
    plain('failed', generator.failed),
    ...loopFigures(delays),
    ...(['lost', 'duplicated', 'altered', 'ghost', 'unknown'] as const).map((key) => plain(key, verdict[key])),
  ];
}
