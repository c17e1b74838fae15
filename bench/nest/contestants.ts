// Lists what bench/nest can measure: a program, and the server that it needs.
import type { ServerKind } from './servers.js';

export interface Contestant {
  /** In programs/, or Java's. */
  readonly program: string;
  readonly mode: string;
  readonly server: ServerKind;
  /** Of the backlog, how much it consumes: one that is far slower would take minutes. Default: all. */
  readonly share?: number;
  /** Modules that must be in the folder of peers. */
  readonly needs?: string;
}

const sends = { mode: 'send' } as const;
const consumes = { mode: 'consume' } as const;

/** The program is ../java/JavaClient.java. */
export const JAVA = 'java';
const GRPC = 'rocketmq-client-nodejs';

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
  'client-send-batched-apache': { program: 'client', mode: 'send-batched', server: 'apache' },
  'java-send-threads-apache': { program: JAVA, mode: 'threads', server: 'apache' },
  'java-send-callbacks-apache': { program: JAVA, mode: 'callbacks', server: 'apache' },
  'grpc-send-proxy': { program: 'grpc', ...sends, server: 'proxy', needs: GRPC },
  'grpc-consume-proxy': { program: 'grpc', ...consumes, server: 'proxy', needs: GRPC, share: 0.05 },
} as const satisfies Record<string, Contestant>;

export type ContestantName = keyof typeof contestants;
