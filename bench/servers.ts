// Starts the servers to be measured, each with its own defaults in all that affects speed.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startApache } from '../test/interop/harness/apache.js';
import type { Cluster, ClusterOptions } from '../test/interop/harness/cluster.js';
import { startChild } from '../test/interop/harness/children.js';
import { startOurBroker } from '../test/interop/harness/our-broker.js';
import { temporaryFolder } from '../test/interop/harness/temporary.js';
import { type LoopDelays, LoopProbe } from './loop-delays.js';

/** What the interop tests make small or short is set back to Apache's defaults. */
const DEFAULTS = {
  mappedFileSizeCommitLog: String(1024 * 1024 * 1024),
  transactionTimeOut: '6000',
  transactionCheckInterval: '30000',
  flushConsumerOffsetInterval: '5000',
  messageDelayLevel: '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h',
};
const APACHE_ONLY = {
  brokerFastFailureEnable: 'true',
  osPageCacheBusyTimeOutMills: '1000',
  transactionOpBatchInterval: '3000',
};
/** A start or a stop with very many queues takes minutes. */
const PATIENCE_MS = 600_000;
/** Of a broker, and of a proxy. */
export const APACHE_HEAP = ['-Xms512m', '-Xmx1g', '-XX:MaxDirectMemorySize=1g'];
const BARE_RESPONDER = fileURLToPath(new URL('bare-responder/main.js', import.meta.url));
const RESPONDER_START_MS = 10_000;
const READY = /^ready (\S+)$/;

export interface ServerOptions extends Pick<ClusterOptions, 'store' | 'at'> {
  /** Answers after fdatasync. Default: after the write. */
  syncFlush?: boolean;
}

export interface MeasuredCluster extends Cluster {
  /** What our broker's event loop did since it was last asked, or since the start; Apache has none. */
  loopDelays(): Promise<LoopDelays | undefined>;
}

function options({ syncFlush, ...rest }: ServerOptions): ClusterOptions {
  const flushDiskType = syncFlush ? 'SYNC_FLUSH' : 'ASYNC_FLUSH';
  return { ...rest, settings: { ...DEFAULTS, flushDiskType }, patience: PATIENCE_MS };
}

async function startOurs(choice: ServerOptions, more: Record<string, string> = {}): Promise<MeasuredCluster> {
  const probe = new LoopProbe();
  const { settings, ...rest } = options(choice);
  const cluster = await startOurBroker({ ...rest, settings: { ...settings, ...more }, env: probe.env });
  return { ...cluster, loopDelays: () => probe.take(cluster.brokerPid) };
}

export const servers = {
  async apache(choice: ServerOptions = {}): Promise<MeasuredCluster> {
    const { settings, ...rest } = options(choice);
    const cluster = await startApache({ ...rest, settings: { ...settings, ...APACHE_ONLY }, brokerHeap: APACHE_HEAP });
    return { ...cluster, loopDelays: () => Promise.resolve(undefined) };
  },
  ours: (choice: ServerOptions = {}): Promise<MeasuredCluster> => startOurs(choice),
  /** Ours without the checksum over each record, which Apache's broker does not write by default. */
  'ours-without-crc': (choice: ServerOptions = {}): Promise<MeasuredCluster> =>
    startOurs(choice, { enabledAppendPropCRC: 'false' }),
  /** The limit: for sends only, since nothing can be read back. */
  async limit(): Promise<MeasuredCluster> {
    const store = join(temporaryFolder('bare-responder'), 'store');
    mkdirSync(store);
    const child = startChild('bare responder', process.execPath, [BARE_RESPONDER, store]);
    const [, address = ''] = READY.exec(await child.line(READY, RESPONDER_START_MS))!;
    return {
      nameServer: address,
      brokerAddress: address,
      store,
      brokerPid: child.pid,
      stop: async () => void (await child.stop()),
      kill: async () => void (await child.kill()),
      loopDelays: () => Promise.resolve(undefined),
    };
  },
} as const;

export type ServerName = keyof typeof servers;

/** Whether what was sent can be read back. */
export const stores = (server: ServerName): boolean => server !== 'limit';

export function serverName(text: string): ServerName {
  if (text in servers) return text as ServerName;
  throw new Error(`there is no server '${text}' to measure; allowed: ${Object.keys(servers).join(', ')}`);
}
