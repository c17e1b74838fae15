// Provides what all parts of a broker need: its settings, its files, its addresses.
import { join, resolve } from 'node:path';
import { formatAddress, packHost } from '@nest-rocketmq/remoting/internal';
import type { HostPort } from '@nest-rocketmq/remoting/internal';
import { ConfigFile } from './metadata/config-file.js';
import type { LoadedConfig } from './metadata/config-file.js';
import type { BrokerConfig } from './config/options.js';
import { FileSystemWithFreeDescriptors } from './store/files/free-descriptors.js';
import { nodeFileSystem } from './store/files/node-file-system.js';
import type { FileSystem } from './store/files/file-system.js';
import { memoryFileSystem } from './store/files/memory-file-system.js';

export interface OpenedConfig extends LoadedConfig {
  file: ConfigFile;
}

export interface Environment {
  config: BrokerConfig;
  fileSystem: FileSystem;
  root: string;
  storeHost: HostPort;
  brokerAddress: string;
  /**
   * A file of the store's folder config, and what it holds.
   * @param table the member that has its entries
   */
  openConfig(name: string, table: string): Promise<OpenedConfig>;
}

export function environmentOf(config: BrokerConfig, port: number): Environment {
  const inMemory = config.store === 'memory';
  const given = config.fileSystem ?? (inMemory ? memoryFileSystem(() => config.clock.now()) : nodeFileSystem());
  const fileSystem = given.onDisk ? new FileSystemWithFreeDescriptors(given, config) : given;
  const root = inMemory ? '/memory' : resolve(config.store);
  const { logger, brokerIP1 } = config;
  return {
    config,
    fileSystem,
    root,
    storeHost: { address: packHost(brokerIP1), port },
    brokerAddress: formatAddress(brokerIP1, port),
    openConfig: async (name, table) => {
      const now = (): number => config.clock.now();
      const file = new ConfigFile({ fileSystem, path: join(root, 'config', name), table, logger, now });
      return { file, ...(await file.load()) };
    },
  };
}
