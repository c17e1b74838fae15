// The public door of @nest-rocketmq/broker.
export { startBroker } from './broker.js';
export type { Broker } from './broker.js';
export { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
export {
  DEFAULT_BROKER_NAME,
  DEFAULT_CLUSTER_NAME,
  DEFAULT_LISTEN,
  DEFAULT_NAME_SERVER_LISTEN,
} from './config/broker-rows.js';
export { DEFAULT_STORE } from './config/store-rows.js';
export { EMBEDDED_NAME_SERVER } from './config/options.js';
export type { BrokerOptions } from './config/broker-options.js';
export { StoreError, StoreLockedError } from './store/errors.js';
export { nodeFileSystem } from './store/files/node-file-system.js';
export type {
  DirectoryEntry,
  DiskUsage,
  FileStat,
  FileSystem,
  OpenMode,
  StoreFile,
} from './store/files/file-system.js';
export { memoryFileSystem } from './store/files/memory-file-system.js';
