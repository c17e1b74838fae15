// Defines what a test may ask of a running name server and broker, ours or Apache's, and the settings of both.

export interface Cluster {
  /** host:port */
  readonly nameServer: string;
  /** host:port */
  readonly brokerAddress: string;
  /** The broker's storePathRootDir. */
  readonly store: string;
  readonly brokerPid: number;
  /** A clean stop: SIGTERM. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

export interface ClusterOptions {
  /** A directory that a broker, ours or Apache's, has used before. Default: a new one. */
  store?: string;
  /** Where an ended cluster was, to come back there. Default: free ports. */
  at?: Pick<Cluster, 'nameServer' | 'brokerAddress'>;
  /** Keys of broker.conf over those of BROKER_SETTINGS. */
  settings?: Record<string, string>;
  /** How long a start, and how long a clean stop, may take, ms. Default: 90 s for ours and 170 s for Apache's, and 120 s. */
  patience?: number;
}

/** The length of the last delay level, s: it must outlast the change of brokers in the store tests. */
export const LONGEST_DELAY_S = 20;

const delayLevels = ['1s', '2s', '3s', ...Array<string>(14).fill('1s'), `${LONGEST_DELAY_S}s`];

/** Lengths of the first three delay levels, ms. */
export const DELAY_LEVELS_MS = [1000, 2000, 3000];

/**
 * Apache's defaults where nobody waits for them, and short times where a test would. Both brokers get the same
 * keys. Files are small because Apache fills a new CommitLog file's pages on a slow disk.
 */
export const BROKER_SETTINGS: Readonly<Record<string, string>> = {
  brokerClusterName: 'DefaultCluster',
  brokerName: 'broker-a',
  brokerId: '0',
  brokerIP1: '127.0.0.1',
  autoCreateTopicEnable: 'true',
  messageDelayLevel: delayLevels.join(' '),
  transactionTimeOut: '3000',
  transactionCheckInterval: '1000',
  // Far from the default of 15, which a change of brokers would use up in as many seconds.
  transactionCheckMax: '1000',
  flushConsumerOffsetInterval: '500',
  recallMessageEnable: 'true',
  mappedFileSizeCommitLog: String(64 * 1024 * 1024),
};

export function propertiesFile(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
