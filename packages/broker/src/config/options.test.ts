import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { describe, expect, it } from '@jest/globals';
import { readBrokerConf } from './broker-conf.js';
import { resolveOptions } from './options.js';
import type { BrokerOptions } from './options.js';

function refusalOf(options: unknown): InvalidOptionError {
  try {
    resolveOptions(options as BrokerOptions);
  } catch (error) {
    if (error instanceof InvalidOptionError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('options', () => {
  it("have Apache's defaults, and listen nowhere", () => {
    expect(resolveOptions({})).toMatchObject({
      listen: undefined,
      nameServerListen: undefined,
      flush: 'async',
      brokerClusterName: 'DefaultCluster',
      brokerIP1: '127.0.0.1',
      maxMessageSize: 4_194_304,
      defaultTopicQueueNums: 8,
      autoCreateTopicEnable: true,
      transactionTimeOut: 6000,
      transactionCheckInterval: 30_000,
      transactionCheckMax: 15,
      fileReservedTime: 72,
      deleteWhen: '04',
      diskMaxUsedSpaceRatio: 75,
    });
  });

  it('with `listen` have a name server that listens too', () => {
    const { listen, nameServerListen, brokerIP1 } = resolveOptions({ listen: '127.0.0.2:10911' });
    expect({ listen, nameServerListen, brokerIP1 }).toEqual({
      listen: { host: '127.0.0.2', port: 10911 },
      nameServerListen: { host: '127.0.0.1', port: 9876 },
      brokerIP1: '127.0.0.2',
    });
  });

  it.each([
    ['listen', 'nowhere'],
    ['listen', '127.0.0.1:70000'],
    ['nameServerListen', '9876'],
    ['flush', 'never'],
    ['maxMessageSize', 0],
    ['maxMessageSize', '5'],
    ['transactionCheckMax', 1.5],
    ['autoCreateTopicEnable', 'yes'],
    ['brokerName', 'a/b'],
    ['messageDelayLevel', '1s 5x'],
    ['namesrvAddr', 'one:9876;two'],
    ['store', ''],
    ['deleteWhen', '24'],
    ['fileReservedTime', 0],
    ['lisen', '127.0.0.1:1'],
  ])('refuse %s: %p by name, with what was given and what is allowed', (option, given) => {
    const error = refusalOf({ [option]: given });
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option });
    expect(error.message).toContain(option);
    expect(error.allowed).not.toBe('');
  });
});

describe('broker.conf', () => {
  it("is read with Apache's keys", () => {
    const { options, unknown } = readBrokerConf(
      `# a comment
brokerClusterName = DefaultCluster
brokerName=broker-b
brokerIP1=192.0.2.1
listenPort=20911
namesrvAddr=192.0.2.1:9876;192.0.2.2:9876
storePathRootDir=/data/store
flushDiskType=SYNC_FLUSH
brokerRole=ASYNC_MASTER
autoCreateTopicEnable=false
maxMessageSize=65536
deleteWhen=04;16
fileReservedTime=48
diskMaxUsedSpaceRatio=88
diskSpaceWarningLevelRatio=93
flushIntervalCommitLog=200
enabledAppendPropCRC=true
haListenPort=10912
`,
    );
    expect(options).toEqual({
      brokerClusterName: 'DefaultCluster',
      brokerName: 'broker-b',
      brokerIP1: '192.0.2.1',
      listen: '127.0.0.1:20911',
      namesrvAddr: '192.0.2.1:9876;192.0.2.2:9876',
      store: '/data/store',
      flush: 'sync',
      autoCreateTopicEnable: false,
      maxMessageSize: 65_536,
      deleteWhen: '04;16',
      fileReservedTime: 48,
      diskMaxUsedSpaceRatio: 88,
      diskSpaceWarningLevelRatio: 93,
      flushIntervalCommitLog: 200,
      enabledAppendPropCRC: true,
    });
    expect(unknown).toEqual(['haListenPort']);
    expect(resolveOptions(options).namesrvAddr).toEqual(['192.0.2.1:9876', '192.0.2.2:9876']);
  });

  it.each([
    ['flushDiskType', 'LATER'],
    ['brokerRole', 'SLAVE'],
    ['authenticationEnabled', 'true'],
    ['aclEnable', 'true'],
    ['maxMessageSize', 'big'],
    ['traceTopicEnable', '1'],
  ])('is refused for %s=%s', (key, value) => {
    expect(() => readBrokerConf(`${key}=${value}\n`)).toThrow(expect.objectContaining({ option: key, given: value }));
  });
});
