// Owns the course of bench/backlog: fill a topic, restart the broker, read it all cold and again warm while a producer
// sends, and restart it once more after kill -9.
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RocketMQClient } from '@nest-rocketmq/client';
import { cleanUp } from '../../test/interop/harness/clean-up.js';
import type { MeasuredCluster as Cluster } from '../servers.js';
import { cpuSeconds, memoryUse } from '../process-stats.js';
import { Generator } from '../load/generator.js';
import { serverName, servers } from '../servers.js';
import { markdownTable } from '../table.js';
import { LatencyProbe } from './latency.js';
import { openConnection } from '../load/connection.js';
import { beginnings, pullToEnd } from '../load/pull.js';

const TOPIC = 'BenchBacklog';
const PROBE_TOPIC = 'BenchProbe';
const QUEUES = 4;
const DEPTH = 512;
const QUIET_PROBE_MS = 10_000;

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'ours' },
    messages: { type: 'string', default: '1000000' },
    size: { type: 'string', default: '128' },
  },
});
const server = serverName(values.server);
const wanted = Number(values.messages);
const rows: string[][] = [];
const whole = (value: number): string => Math.round(value).toLocaleString('en');
const note = (what: string, value: string): void => {
  rows.push([what, value]);
  process.stdout.write(`${server}: ${what}: ${value}\n`);
};

async function createTopics(nameServer: string): Promise<void> {
  const client = new RocketMQClient({ nameServer });
  await client.start();
  for (const topic of [TOPIC, PROBE_TOPIC]) await client.admin.createTopic({ topic, queues: QUEUES });
  await client.shutdown();
}

async function fill(cluster: Cluster): Promise<void> {
  const start = performance.now();
  const load = {
    topics: [TOPIC],
    queues: QUEUES,
    size: Number(values.size),
    depth: DEPTH,
    serializeType: 'binary',
  } as const;
  const generator = await Generator.start({ ...load, address: cluster.brokerAddress });
  await generator.reached(wanted);
  await generator.stop();
  note(
    'filled',
    `${whole(generator.answered)} messages, ${whole((generator.answered * 1000) / (performance.now() - start))} a second`,
  );
}

/** As after a reboot: nothing of the files is in memory. Needs root; without, the first read is as warm as it is. */
function dropCaches(): string {
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return 'cold';
  } catch {
    return 'not dropped from the page cache: root may';
  }
}

async function read(cluster: Cluster, how: string): Promise<void> {
  const cpu = cpuSeconds(cluster.brokerPid);
  const start = performance.now();
  const connection = await openConnection(cluster.brokerAddress);
  const count = await pullToEnd(connection, beginnings(TOPIC, QUEUES), () => undefined);
  connection.close();
  const seconds = (performance.now() - start) / 1000;
  const perMillion = ((cpuSeconds(cluster.brokerPid) - cpu) * 1e6) / count;
  const { rss, peak } = memoryUse(cluster.brokerPid);
  note(
    `read, ${how}`,
    `${whole(count)} messages, ${whole(count / seconds)} a second, ${perMillion.toFixed(1)} s of CPU per million, RSS ${whole(rss)} MiB, highest ${whole(peak)}`,
  );
}

async function restart(cluster: Cluster, how: 'clean' | 'killed'): Promise<Cluster> {
  if (how === 'clean') await cluster.stop();
  else await cluster.kill();
  const cache = dropCaches();
  const start = performance.now();
  const again = await servers[server]({ store: cluster.store });
  note(`restart, ${how}, ${cache}`, `${whole(performance.now() - start)} ms until it answers, process start included`);
  return again;
}

async function probe(cluster: Cluster, what: string, meanwhile: () => Promise<void>): Promise<void> {
  const latency = new LatencyProbe({ address: cluster.brokerAddress, topic: PROBE_TOPIC });
  await meanwhile();
  const { count, p50, p99 } = await latency.stop();
  note(`sends, ${what}`, `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms of ${whole(count)}`);
}

try {
  let cluster = await servers[server]();
  await createTopics(cluster.nameServer);
  await fill(cluster);
  cluster = await restart(cluster, 'clean');
  await read(cluster, 'from the files, cold');
  await probe(cluster, 'while nobody reads', () => delay(QUIET_PROBE_MS));
  await probe(cluster, 'while the backlog is read', () => read(cluster, 'warm'));
  cluster = await restart(cluster, 'killed');
  await read(cluster, 'after kill -9');
  process.stdout.write(`\n${markdownTable([server, ''], rows)}\n`);
} finally {
  await cleanUp();
}
