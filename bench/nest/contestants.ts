// Lists what bench/nest can measure: a program, and the server that it needs.
import type { NestBenchOptions } from './options.js';
import { NO_SERVER, redis, rabbitmq, rocketmq, type BenchServer, type ServerKind } from './servers.js';

export interface Contestant {
  /** In programs/. */
  readonly program: string;
  readonly mode: string;
  readonly server: ServerKind;
  /** Modules that must be in the folder of peers. */
  readonly needs?: string;
}

const sends = { mode: 'send' } as const;
const consumes = { mode: 'consume' } as const;

export const contestants = {
  'nest-disk': { program: 'nest-rocketmq', mode: 'disk', server: 'none' },
  'nest-memory': { program: 'nest-rocketmq', mode: 'memory', server: 'none' },
  'nest-server': { program: 'nest-rocketmq', mode: 'server', server: 'ours' },
  'client-embedded': { program: 'client-embedded', mode: 'memory', server: 'none' },
  'client-embedded-disk': { program: 'client-embedded', mode: 'disk', server: 'none' },
  bullmq: { program: 'bullmq', mode: '', server: 'redis', needs: '@nestjs/bullmq' },
  golevelup: { program: 'golevelup', mode: '', server: 'rabbitmq', needs: '@golevelup/nestjs-rabbitmq' },
  'client-send': { program: 'client', ...sends, server: 'ours' },
  'client-consume': { program: 'client', ...consumes, server: 'ours' },
  'ali-ons-send': { program: 'ali-ons', ...sends, server: 'ours' },
  'ali-ons-consume': { program: 'ali-ons', ...consumes, server: 'ours' },
  'client-send-apache': { program: 'client', ...sends, server: 'apache' },
  'client-consume-apache': { program: 'client', ...consumes, server: 'apache' },
  'ali-ons-send-apache': { program: 'ali-ons', ...sends, server: 'apache' },
  'ali-ons-consume-apache': { program: 'ali-ons', ...consumes, server: 'apache' },
} as const satisfies Record<string, Contestant>;

export type ContestantName = keyof typeof contestants;

const start: Record<ServerKind, (options: NestBenchOptions) => Promise<BenchServer>> = {
  none: () => Promise.resolve(NO_SERVER),
  ours: (options) => rocketmq('ours', options),
  apache: (options) => rocketmq('apache', options),
  redis,
  rabbitmq,
};

/** One server of each kind that the contestants need. */
export async function startServers(options: NestBenchOptions): Promise<Map<ServerKind, BenchServer>> {
  const servers = new Map<ServerKind, BenchServer>();
  for (const name of options.names) {
    const { server } = contestants[name];
    if (!servers.has(server)) servers.set(server, await start[server](options));
  }
  return servers;
}
