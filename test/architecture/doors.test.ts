import { describe, expect, it } from '@jest/globals';
import { exportsOf } from './doors.js';
import type { Export } from './doors.js';
import { packageOf } from './sources.js';

const DOORS = [
  'packages/remoting/src/index.ts',
  'packages/client/src/index.ts',
  'packages/broker/src/index.ts',
  'packages/nest-rocketmq/src/index.ts',
  'packages/nest-rocketmq/src/testing/index.ts',
];

/** Those that have no docstring yet. Never add to this list. */
const WITHOUT_DOCSTRING = new Set<string>([
  'broker Broker',
  'broker DEFAULT_BROKER_NAME',
  'broker DEFAULT_CLUSTER_NAME',
  'broker DEFAULT_LISTEN',
  'broker DEFAULT_NAME_SERVER_LISTEN',
  'broker DEFAULT_STORE',
  'broker BrokerOptions',
  'broker DirectoryEntry',
  'broker FileStat',
  'broker FileSystem',
  'broker OpenMode',
  'broker StoreFile',
  'broker memoryFileSystem',
  'nest-rocketmq RocketMQModule',
  'nest-rocketmq RocketMQModuleAsyncOptions',
  'nest-rocketmq ConsumerSettings',
  'nest-rocketmq RocketMQModuleOptions',
  'nest-rocketmq RocketMQTemplate',
  'nest-rocketmq SendOptions',
  'nest-rocketmq TransactionOptions',
  'nest-rocketmq TransactionResult',
  'nest-rocketmq DelayOptions',
  'nest-rocketmq MessageOptions',
  'nest-rocketmq RocketMQLocalTransactionState',
  'nest-rocketmq MessageListenerOptions',
  'nest-rocketmq TransactionListenerOptions',
  'nest-rocketmq RocketMQListeners',
  'nest-rocketmq JsonMessageConverterOptions',
  'nest-rocketmq DelayLevels',
  'nest-rocketmq DestinationObject',
  'nest-rocketmq ClusterBackend',
  'nest-rocketmq EmbeddedBackend',
  'nest-rocketmq RocketMQTesting',
  'nest-rocketmq TestingOptions',
  'nest-rocketmq WaitOptions',
]);

const keyOf = ({ name, path }: Export): string => `${packageOf(path)} ${name}`;

describe('the public doors', () => {
  it.each(DOORS)('%s exports nothing without a docstring', (door) => {
    const exported = exportsOf(door);
    expect(exported.length).toBeGreaterThan(3);
    const missing = exported.filter((each) => !each.documented && !WITHOUT_DOCSTRING.has(keyOf(each)));
    expect(missing.map(({ name, path }) => `${name} (${path})`)).toEqual([]);
  });

  it('leave out from the list of those without a docstring whatever has one by now', () => {
    const documented = new Set(DOORS.flatMap(exportsOf).flatMap((each) => (each.documented ? [keyOf(each)] : [])));
    expect([...WITHOUT_DOCSTRING].filter((key) => documented.has(key))).toEqual([]);
  });
});
