// Owns the servers that are measured, each with its own defaults as far as speed is concerned.
import { startApache } from '../test/interop/harness/apache.js';
import type { Cluster } from '../test/interop/harness/cluster.js';
import { startOurBroker } from '../test/interop/harness/our-broker.js';

/** What the interop tests make small or short is set back to Apache's defaults. */
const DEFAULTS = {
  mappedFileSizeCommitLog: String(1024 * 1024 * 1024),
  transactionTimeOut: '6000',
  transactionCheckInterval: '30000',
  flushConsumerOffsetInterval: '5000',
};
const APACHE_DEFAULTS = { ...DEFAULTS, waitTimeMillsInSendQueue: '200', transactionOpBatchInterval: '3000' };
const APACHE_HEAP = ['-Xms512m', '-Xmx1g', '-XX:MaxDirectMemorySize=1g'];

export const servers = {
  apache: (): Promise<Cluster> => startApache({ settings: APACHE_DEFAULTS, brokerHeap: APACHE_HEAP }),
  ours: (): Promise<Cluster> => startOurBroker({ settings: DEFAULTS }),
} as const;

export type ServerName = keyof typeof servers;

export function serverName(text: string): ServerName {
  if (text in servers) return text as ServerName;
  throw new Error(`there is no server '${text}' to measure; allowed: ${Object.keys(servers).join(', ')}`);
}
