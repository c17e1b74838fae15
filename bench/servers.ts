// Owns the servers that are measured, each with its own defaults as far as speed is concerned.
import { startApache } from '../test/interop/harness/apache.js';
import type { Cluster, ClusterOptions } from '../test/interop/harness/cluster.js';
import { startOurBroker } from '../test/interop/harness/our-broker.js';

/** What the interop tests make small or short is set back to Apache's defaults. */
const DEFAULTS = {
  mappedFileSizeCommitLog: String(1024 * 1024 * 1024),
  transactionTimeOut: '6000',
  transactionCheckInterval: '30000',
  flushConsumerOffsetInterval: '5000',
  messageDelayLevel: '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h',
};
const APACHE_ONLY = { waitTimeMillsInSendQueue: '200', transactionOpBatchInterval: '3000' };
const APACHE_HEAP = ['-Xms512m', '-Xmx1g', '-XX:MaxDirectMemorySize=1g'];

export interface ServerOptions {
  /** A directory that the server has used before. Default: a new one. */
  store?: string;
  /** Answers after fdatasync. Default: after the write. */
  syncFlush?: boolean;
}

function options({ store, syncFlush }: ServerOptions): ClusterOptions {
  const settings = { ...DEFAULTS, flushDiskType: syncFlush ? 'SYNC_FLUSH' : 'ASYNC_FLUSH' };
  return { settings, ...(store !== undefined && { store }) };
}

export const servers = {
  apache(choice: ServerOptions = {}): Promise<Cluster> {
    const { settings, ...rest } = options(choice);
    return startApache({ ...rest, settings: { ...settings, ...APACHE_ONLY }, brokerHeap: APACHE_HEAP });
  },
  ours: (choice: ServerOptions = {}): Promise<Cluster> => startOurBroker(options(choice)),
} as const;

export type ServerName = keyof typeof servers;

export function serverName(text: string): ServerName {
  if (text in servers) return text as ServerName;
  throw new Error(`there is no server '${text}' to measure; allowed: ${Object.keys(servers).join(', ')}`);
}
