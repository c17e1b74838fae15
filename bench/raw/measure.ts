// Measures a running server with frames that are encoded once: a short warm-up, one counted interval, and the oracle's check
// of all that was stored.
import { setTimeout as delay } from 'node:timers/promises';
import { comparable, type Measurement, plain } from '../figures.js';
import { createTopics } from '../load/connection.js';
import { Generator } from '../load/generator.js';
import { Oracle, type Verdict } from '../load/oracle.js';
import { verify } from '../load/verify.js';
import { loopFigures } from '../loop-delays.js';
import { cpuSeconds, memoryFigures } from '../process-stats.js';
import { type MeasuredCluster, type ServerName, servers, stores } from '../servers.js';
import { messagesPerSync } from '../syncs.js';
import type { RawOptions } from './options.js';

const WARM_UP_TOPIC = 'BenchWarmUp';
const QUEUES = 4;

export const isFault = ({ lost, duplicated, altered, ghost }: Verdict): boolean =>
  lost + duplicated + altered + ghost > 0;

async function makeTopic(server: ServerName, cluster: MeasuredCluster, topic: string): Promise<void> {
  if (stores(server)) await createTopics(cluster.nameServer, [topic], QUEUES);
}

/** Starts a server and keeps it under load until it is warm. */
export async function startWarm(server: ServerName, options: RawOptions): Promise<MeasuredCluster> {
  const { size, serializeType, syncFlush, warmUp, depths } = options;
  const cluster = await servers[server]({ syncFlush });
  await makeTopic(server, cluster, WARM_UP_TOPIC);
  const load = { address: cluster.brokerAddress, topics: [WARM_UP_TOPIC], queues: QUEUES, size, serializeType };
  const generator = await Generator.start({ ...load, depth: depths[0]! });
  await delay(warmUp * 1000);
  await generator.stop();
  return cluster;
}

/** @param topic of this measurement alone: the oracle looks at all that it holds */
export async function measure(
  cluster: MeasuredCluster,
  server: ServerName,
  topic: string,
  depth: number,
  options: RawOptions,
  judge: (verdict: Verdict) => void,
): Promise<Measurement> {
  const { size, serializeType, syncFlush } = options;
  const address = cluster.brokerAddress;
  await makeTopic(server, cluster, topic);
  const oracle = stores(server) ? new Oracle(size) : undefined;
  const load = { address, topics: [topic], queues: QUEUES, size, depth, serializeType };
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
  const perSync = syncFlush
    ? [plain('messages per sync', oracle && (await messagesPerSync(cluster, topic, QUEUES)), 1)]
    : [];
  await generator.stop();
  const verdict = oracle && (await verify(address, topic, QUEUES, oracle));
  if (verdict) judge(verdict);
  return [
    comparable('TPS', messages / seconds),
    comparable('per CPU s', messages / cpu),
    comparable('CPU s per million', (cpu * 1e6) / messages, 2),
    ...memory,
    ...perSync,
    plain('failed', generator.failed),
    ...loopFigures(delays),
    ...(['lost', 'duplicated', 'altered', 'ghost', 'unknown'] as const).map((key) => plain(key, verdict?.[key])),
  ];
}
