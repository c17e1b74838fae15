import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { describe, expect, it } from '@jest/globals';
import { readBrokerConf } from './broker-conf.js';
import { propertiesOf, resolveOptions } from './options.js';
import type { GivenOptions } from './options.js';
import { optionEntries } from './option-rows.js';
import type { BrokerOptions } from './broker-options.js';

function refusalOf(options: unknown): InvalidOptionError {
  try {
    resolveOptions(options as BrokerOptions);
  } catch (error) {
    if (error instanceof InvalidOptionError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

type Settings = Omit<BrokerOptions, 'clock' | 'logger' | 'fileSystem'>;
/** That each takes what the other does is held by the compiler. */
const asRows: (options: Required<Settings>) => Required<GivenOptions> = (options) => options;
const asOptions: (options: Required<GivenOptions>) => Required<Settings> = (options) => options;

describe('options', () => {
  it('are those of the rows, with the types of the rows', () => {
    const given = Object.fromEntries(
      optionEntries.map(([name, row]) => [name, row.fallback]),
    ) as Required<GivenOptions>;
    expect(asRows(asOptions(given))).toBe(given);
  });

  it('have defaults that their own checks let pass', () => {
    const given = optionEntries.filter(([, { fallback }]) => fallback !== undefined);
    const { clock, logger, fileSystem, ...config } = resolveOptions({});
    expect(resolveOptions(Object.fromEntries(given.map(([name, row]) => [name, row.fallback])))).toMatchObject(config);
    expect([typeof clock.now(), logger, fileSystem]).toEqual(['number', expect.anything(), undefined]);
  });

  it.each(optionEntries.filter(([, { type }]) => type === 'number'))('%s ends where its row says', (name, row) => {
    const [min, max] = row.range!.split(' to ').map(Number) as [number, number];
    expect(resolveOptions({ [name]: min })).toMatchObject({ [name]: min });
    expect(resolveOptions({ [name]: max })).toMatchObject({ [name]: max });
    expect(refusalOf({ [name]: min - 1 })).toMatchObject({ option: name });
    expect(refusalOf({ [name]: max + 1 })).toMatchObject({ option: name });
  });

  it('are told to tools with the keys and words of broker.conf', () => {
    const listen = '127.0.0.2:20911';
    const config = resolveOptions({ listen, store: '/s', flush: 'sync', namesrvAddr: 'a:1,b:2', maxTopics: 7 });
    const properties = propertiesOf(config);
    expect(Object.fromEntries(properties)).toMatchObject({
      brokerIP1: '127.0.0.2',
      storePathRootDir: '/s',
      flushDiskType: 'SYNC_FLUSH',
      namesrvAddr: 'a:1;b:2',
      maxTopics: '7',
      traceOn: 'true',
    });
    expect(properties.has('listen')).toBe(false);
  });

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
  it.each([
    ['listenPort=20911', '127.0.0.1:20911'],
    ['bindAddress=192.0.2.1', '192.0.2.1:10911'],
    ['bindAddress=::1\nlistenPort=20911', '[::1]:20911'],
  ])('makes of %j the address to listen on', (text, listen) => {
    const { options } = readBrokerConf(text);
    expect(options).toEqual({ listen });
    expect(resolveOptions(options).listen?.port).toBe(Number(listen.split(':').at(-1)));
  });

  it('takes every option by its name', () => {
    for (const [name, { type, fallback }] of optionEntries) {
      const value = type === 'string | false' ? '127.0.0.1:1' : String(fallback ?? 'x');
      expect(Object.keys(readBrokerConf(`${name}=${value}`).options)).toEqual([name]);
    }
  });

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
    ['listenPort', 'ten'],
  ])('is refused for %s=%s', (key, value) => {
    expect(() => readBrokerConf(`${key}=${value}\n`)).toThrow(expect.objectContaining({ option: key, given: value }));
  });
});
