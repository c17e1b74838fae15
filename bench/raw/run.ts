// Owns the course of bench/raw: for each depth a fresh server, a topic, a warm-up, and one counted interval.
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { RocketMQClient } from '@nest-rocketmq/client';
import { cleanUp } from '../../test/interop/harness/clean-up.js';
import { cpuSeconds, memoryUse } from '../process-stats.js';
import { serverName, servers } from '../servers.js';
import { markdownTable } from '../table.js';
import { Generator } from './generator.js';

const TOPIC = 'BenchRaw';
const QUEUES = 4;

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'ours' },
    depths: { type: 'string', default: '64,512' },
    seconds: { type: 'string', default: '10' },
    size: { type: 'string', default: '128' },
    json: { type: 'boolean', default: false },
  },
});
const server = serverName(values.server);
const milliseconds = Number(values.seconds) * 1000;

async function createTopic(nameServer: string): Promise<void> {
  const client = new RocketMQClient({ nameServer });
  await client.start();
  await client.admin.createTopic({ topic: TOPIC, queues: QUEUES });
  await client.shutdown();
}

async function measure(depth: number): Promise<string[]> {
  try {
    const cluster = await servers[server]();
    await createTopic(cluster.nameServer);
    const serializeType = values.json ? 'json' : 'binary';
    const load = {
      address: cluster.brokerAddress,
      topic: TOPIC,
      queues: QUEUES,
      size: Number(values.size),
      depth,
      serializeType,
    } as const;
    const generator = await Generator.start(load);
    await delay(milliseconds / 2);
    const before = { answered: generator.answered, cpu: cpuSeconds(cluster.brokerPid), at: performance.now() };
    await delay(milliseconds);
    const messages = generator.answered - before.answered;
    const tps = (messages * 1000) / (performance.now() - before.at);
    const cpu = ((cpuSeconds(cluster.brokerPid) - before.cpu) * 1e6) / messages;
    const { rss, peak } = memoryUse(cluster.brokerPid);
    await generator.stop();
    const whole = (value: number): string => Math.round(value).toLocaleString('en');
    return [String(depth), whole(tps), cpu.toFixed(2), whole(rss), whole(peak), whole(generator.failed)];
  } finally {
    await cleanUp();
  }
}

const rows: string[][] = [];
for (const depth of values.depths.split(',')) rows.push(await measure(Number(depth)));
const head = ['depth', 'TPS', 'CPU s per million', 'RSS MiB', 'highest RSS MiB', 'failed'];
process.stdout.write(
  `${server}, ${values.size} B, ${values.json ? 'JSON' : 'binary'} headers\n\n${markdownTable(head, rows)}\n`,
);
