// Owns what all parts of a broker stand on: its settings, its files, its addresses. Leaves the parts to broker.ts.
import { join, resolve } from 'node:path';
import { formatAddress, packHost } from '@nest-rocketmq/remoting';
import type { HostPort } from '@nest-rocketmq/remoting';
import { ConfigFile } from './config-file.js';
import type { BrokerConfig } from './options.js';
import { nodeFileSystem } from './store/file-system.js';
import type { FileSystem } from './store/file-system.js';
import { memoryFileSystem } from './store/memory-file-system.js';

export interface Ground {
  config: BrokerConfig;
  fileSystem: FileSystem;
  root: string;
  storeHost: HostPort;
  brokerAddress: string;
  /** A file of the store's folder config, and what it holds. */
  opened(name: string): Promise<{ file: ConfigFile; saved: unknown }>;
}

export function groundOf(config: BrokerConfig, port: number): Ground {
  const inMemory = config.store === 'memory';
  const fileSystem = config.fileSystem ?? (inMemory ? memoryFileSystem(() => config.clock.now()) : nodeFileSystem);
  const root = inMemory ? '/memory' : resolve(config.store);
  const { logger, brokerIP1 } = config;
  return {
    config,
    fileSystem,
    root,
    storeHost: { address: packHost(brokerIP1), port },
    brokerAddress: formatAddress(brokerIP1, port),
    opened: async (name) => {
      const file = new ConfigFile({ fileSystem, path: join(root, 'config', name), logger });
      return { file, saved: await file.load() };
    },
  };
}
