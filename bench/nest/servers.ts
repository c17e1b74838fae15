// Starts the servers that bench/nest measures with: RocketMQ brokers, Apache's proxy, Redis and RabbitMQ.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { RocketMQClient } from '@nest-rocketmq/client';
import { startChild } from '../../test/interop/harness/children.js';
import { startProxy } from '../../test/interop/harness/grpc.js';
import { temporaryFolder } from '../../test/interop/harness/temporary.js';
import { createTopics } from '../load/connection.js';
import { APACHE_HEAP, servers } from '../servers.js';
import { payloadOf } from './programs/payload.js';
import type { NestBenchOptions } from './options.js';

export type ServerKind = 'none' | 'ours' | 'apache' | 'proxy' | 'redis' | 'rabbitmq';

export interface BenchServer {
  readonly address: string;
  /** Processes whose CPU counts. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

const NO_SERVER: BenchServer = { address: '', pids: [], stop: () => Promise.resolve() };

const START_MS = 60_000;
const QUEUES = 4;
/** Messages in one request, and requests under way, while the backlog is filled. */
const BATCH = 100;
const BATCHES_UNDER_WAY = 8;
const REDIS_PORT = 16_379;
const RABBIT_PORT = 15_673;
const EPMD = { ERL_EPMD_PORT: String(RABBIT_PORT + 2), ERL_EPMD_RELAXED_COMMAND_CHECK: 'true' };
/** Debian's command on the PATH is a wrapper that changes the user. */
const PLAIN_RABBITMQ = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** One server of each of these kinds, and those that they need. */
export async function startServers(
  kinds: Iterable<ServerKind>,
  options: NestBenchOptions,
): Promise<Map<ServerKind, BenchServer>> {
  const servers = new Map<ServerKind, BenchServer>([['none', NO_SERVER]]);
  const start = async (kind: ServerKind): Promise<BenchServer> => {
    const running = servers.get(kind);
    if (running) return running;
    const server = kind === 'proxy' ? await proxy(await start('apache')) : await starters[kind](options);
    servers.set(kind, server);
    return server;
  };
  for (const kind of kinds) await start(kind);
  return servers;
}

/** Ours or Apache's, with the topics that the clients use, and a backlog if somebody consumes. */
async function rocketmq(which: 'ours' | 'apache', options: NestBenchOptions): Promise<BenchServer> {
  const cluster = await servers[which]();
  const { nameServer, brokerPid } = cluster;
  await createTopics(nameServer, ['bench-send', 'bench-nest', 'bench-backlog'], QUEUES);
  if (options.names.some((name) => name.includes('consume'))) await fill(nameServer, options);
  return { address: nameServer, pids: [brokerPid], stop: () => cluster.kill() };
}

/** In front of that broker, whose CPU is a part of what a message costs. */
async function proxy(broker: BenchServer): Promise<BenchServer> {
  const { address, child } = await startProxy(broker.address, APACHE_HEAP);
  return { address, pids: [...broker.pids, child.pid], stop: async () => void (await child.kill()) };
}

async function fill(nameServer: string, { messages, size }: NestBenchOptions): Promise<void> {
  const client = new RocketMQClient({ nameServer });
  await client.start();
  const producer = client.createProducer({ group: 'bench-fill' });
  await producer.start();
  const body = JSON.stringify(payloadOf(size));
  const batch = Array.from({ length: BATCH }, () => ({ topic: 'bench-backlog', body, tags: 'tag' }));
  let left = Math.ceil(messages / BATCH);
  const loop = async (): Promise<void> => {
    while (left-- > 0) await producer.sendBatch(batch);
  };
  await Promise.all(Array.from({ length: BATCHES_UNDER_WAY }, loop));
  await client.shutdown();
}

/** With an append-only file that is synced once a second, as Redis recommends it. */
async function redis(): Promise<BenchServer> {
  requireCommand('redis-server');
  const dir = temporaryFolder('bench-redis');
  const args = ['--port', String(REDIS_PORT), '--dir', dir, '--save', '', '--appendonly', 'yes'];
  const child = startChild('redis', 'redis-server', args);
  await child.line(/Ready to accept connections/, START_MS);
  return { address: `127.0.0.1:${REDIS_PORT}`, pids: [child.pid], stop: async () => void (await child.kill()) };
}

async function rabbitmq(): Promise<BenchServer> {
  const command = existsSync(PLAIN_RABBITMQ) ? PLAIN_RABBITMQ : 'rabbitmq-server';
  requireCommand(command);
  const dir = temporaryFolder('bench-rabbitmq');
  const child = startChild('rabbitmq', command, [], {
    env: {
      RABBITMQ_NODENAME: 'bench@localhost',
      // Its port mapper would outlive it.
      ...EPMD,
      RABBITMQ_NODE_PORT: String(RABBIT_PORT),
      RABBITMQ_DIST_PORT: String(RABBIT_PORT + 1),
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_MNESIA_BASE: dir,
      RABBITMQ_LOG_BASE: dir,
      HOME: dir,
    },
  });
  await child.line(/completed with \d+ plugins/, START_MS);
  return {
    address: `127.0.0.1:${RABBIT_PORT}`,
    pids: [child.pid, ...descendants(child.pid)],
    stop: async () => {
      // The command is a shell script, whose end alone leaves Erlang running.
      for (const pid of descendants(child.pid)) process.kill(pid, 'SIGKILL');
      await child.kill();
      spawnSync('epmd', ['-kill'], { env: { ...process.env, ...EPMD } });
    },
  };
}

const starters = {
  none: () => Promise.resolve(NO_SERVER),
  ours: (options: NestBenchOptions) => rocketmq('ours', options),
  apache: (options: NestBenchOptions) => rocketmq('apache', options),
  redis,
  rabbitmq,
};

function requireCommand(name: string): void {
  if (spawnSync('which', [name]).status === 0) return;
  throw new Error(`${name} is not on the PATH. Install it, or leave its contestant out with --of`);
}

function descendants(pid: number): number[] {
  const listed = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }).stdout;
  const children = listed.split('\n').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}
