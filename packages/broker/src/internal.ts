// Exports what our own packages and tests use. It may change with any release.
export { startBroker, startBrokerUnderTest } from './broker.js';
export type { Broker } from './broker.js';
export { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
export {
  DEFAULT_BROKER_NAME,
  DEFAULT_CLUSTER_NAME,
  DEFAULT_LISTEN,
  DEFAULT_NAME_SERVER_LISTEN,
} from './config/broker-rows.js';
export { optionRows } from './config/option-rows.js';
export { DEFAULT_STORE } from './config/store-rows.js';
export { EMBEDDED_NAME_SERVER } from './config/options.js';
export type { BrokerOptions } from './config/broker-options.js';
export { BrokerTesting } from './testing/broker-testing.js';
export { SendFaults } from './testing/send-faults.js';
export type { StoredMessage } from './message/message-observer.js';
export { StoreError, StoreLockedError, fileError } from './store/errors.js';
export { nodeFileSystem } from './store/files/node-file-system.js';
export type {
  DirectoryEntry,
  DiskUsage,
  FileStat,
  FileSystem,
  OpenMode,
  StoreFile,
} from './store/files/file-system.js';
export {
  MemoryContent,
  MemoryFile,
  MemoryFileSystem,
  later,
  memoryFileSystem,
} from './store/files/memory-file-system.js';
export { MessageStore } from './store/store.js';
export type { AppendResult, GetResult, MessageInner, StoreOptions } from './store/store.js';
export type { StoreMetrics } from './store/store-metrics.js';
