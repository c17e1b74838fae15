import { describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { checkEmbedded } from '../backends/embedded-options.js';
import { loggerOf } from './cluster-logger.js';
import { environmentReader } from './option-reader.js';
import { resolveOptions } from './rocketmq.options.js';
import type { RocketMQModuleOptions } from './rocketmq.options.js';

const NO_ENV = {};

describe('the backend', () => {
  test('is embedded when nothing is said', () => {
    expect(resolveOptions({}, NO_ENV).backend).toEqual({ kind: 'embedded', embedded: {} });
  });

  test('is the cluster of nameServer', () => {
    const { backend } = resolveOptions({ nameServer: 'a:9876; b:9877 ' }, NO_ENV);
    expect(backend).toEqual({ kind: 'cluster', nameServer: 'a:9876;b:9877' });
  });

  test("is the environment's cluster", () => {
    const { backend } = resolveOptions({}, { ROCKETMQ_NAME_SERVER: 'mq:9876' });
    expect(backend).toEqual({ kind: 'cluster', nameServer: 'mq:9876' });
  });

  test('is what the code says, whatever the environment says', () => {
    const env = { ROCKETMQ_NAME_SERVER: 'mq:9876' };
    expect(resolveOptions({ embedded: { store: 'memory' } }, env).backend.kind).toBe('embedded');
    expect(resolveOptions({ nameServer: 'other:1' }, env).backend).toEqual({ kind: 'cluster', nameServer: 'other:1' });
  });

  test.each<[string, RocketMQModuleOptions, Record<string, string>, RegExp | undefined]>([
    ['nothing is said', {}, {}, undefined],
    ['it is asked for', { embedded: {} }, { NODE_ENV: 'production' }, undefined],
    ['nameServer is undefined', { nameServer: undefined }, {}, /option nameServer is undefined/],
    ['embedded is undefined', { embedded: undefined }, {}, /option embedded is undefined/],
    ['nothing is said in production', {}, { NODE_ENV: 'production' }, /NODE_ENV is production/],
  ])('embedded because %s is in doubt only where it may not be meant', (_why, given, env, doubt) => {
    const { backend } = resolveOptions(given, env);
    expect(backend.kind).toBe('embedded');
    expect('doubt' in backend ? backend.doubt : undefined).toEqual(doubt && expect.stringMatching(doubt));
  });

  test('embedded, has the delay levels of the template', () => {
    const resolved = resolveOptions({ messageDelayLevel: '1s 1h' }, NO_ENV);
    expect(resolved.backend).toEqual({ kind: 'embedded', embedded: { messageDelayLevel: '1s 1h' } });
    expect(resolved.highestDelayLevel).toBe(2);
    const fromEmbedded = resolveOptions({ embedded: { messageDelayLevel: '2s 2h 3h' } }, NO_ENV);
    expect(fromEmbedded.highestDelayLevel).toBe(3);
  });

  test('embedded, delays as long as the template does', () => {
    const { backend } = resolveOptions({ producer: { maxDelay: '7d' } }, NO_ENV);
    expect(backend).toEqual({ kind: 'embedded', embedded: { timerMaxDelaySec: '604800s' } });
    const embedded = { timerMaxDelaySec: '1d' };
    const own = resolveOptions({ producer: { maxDelay: '7d' }, embedded }, NO_ENV);
    expect(own.backend).toEqual({ kind: 'embedded', embedded });
  });

  test('embedded, delays at most 13 days; a cluster may delay longer', () => {
    const producer = { maxDelay: '30d' };
    const refused =
      "option producer.maxDelay of RocketMQModule.forRoot is '30d'; allowed: at most '13d' with the embedded broker";
    expect(() => resolveOptions({ producer }, NO_ENV)).toThrow(refused);
    expect(() => resolveOptions({ producer, embedded: {} }, NO_ENV)).toThrow(refused);
    expect(resolveOptions({ producer: { maxDelay: '13d' } }, NO_ENV).producer.maxDelay).toBe(13 * 86_400_000);
    const { producer: onCluster } = resolveOptions({ producer }, { ROCKETMQ_NAME_SERVER: 'mq:9876' });
    expect(onCluster.maxDelay).toBe(30 * 86_400_000);
  });
});

describe('the group', () => {
  test.each<[string, RocketMQModuleOptions, Record<string, string>]>([
    ['embedded', {}, {}],
    ['embedded by option', { embedded: {} }, { ROCKETMQ_NAME_SERVER: 'mq:9876' }],
    ['on a backend of its own', { backend: { name: 'b', start() {}, stop() {}, dial() {} } as never }, {}],
  ])("is the app's name for all, %s", (_what, options, env) => {
    const { group, groupNeededOn } = resolveOptions(options, env);
    expect([group, groupNeededOn]).toEqual(['nest-rocketmq-workspace', undefined]);
  });

  test.each<[string, RocketMQModuleOptions, Record<string, string>]>([
    ['by option', { nameServer: 'mq:9876' }, {}],
    ['by the environment', {}, { ROCKETMQ_NAME_SERVER: 'mq:9876' }],
  ])('must be set for listeners on a cluster, %s', (_what, options, env) => {
    expect(resolveOptions(options, env).groupNeededOn).toBe('mq:9876');
    const named = resolveOptions({ ...options, group: 'shop' }, env);
    expect([named.group, named.groupNeededOn]).toEqual(['shop', undefined]);
  });
});

describe('a cluster with a name', () => {
  const scene = { cluster: { name: 'billing', known: ['billing'] }, config: environmentReader(NO_ENV) };
  const backendOf = (given: RocketMQModuleOptions, env: Record<string, string> = NO_ENV): unknown =>
    resolveOptions(given, env, 'RocketMQModule.forRoot', scene).backend;

  test('has a store of its own, unless it names one', () => {
    expect(backendOf({ embedded: {} })).toMatchObject({ embedded: { store: '.rocketmq-billing' } });
    expect(backendOf({ embedded: { store: 'memory' } })).toMatchObject({ embedded: { store: 'memory' } });
  });

  test('does not join the cluster that the environment names', () => {
    const env = { ROCKETMQ_NAME_SERVER: 'mq:9876' };
    expect(() => backendOf({ nameServer: undefined }, env)).toThrow(/cluster 'billing' needs nameServer, embedded or/);
    expect(backendOf({ nameServer: 'billing:9876' }, env)).toEqual({ kind: 'cluster', nameServer: 'billing:9876' });
  });

  test('is named in the log', () => {
    const lines: unknown[] = [];
    const ignored = (): void => {};
    Logger.overrideLogger({ log: ignored, error: ignored, warn: (...line: unknown[]) => void lines.push(line) });
    loggerOf({ name: 'billing' }).warn('full');
    loggerOf({ name: 'default' }).warn('full');
    Logger.overrideLogger(['error']);
    expect(lines).toEqual([
      ['full', 'RocketMQ billing'],
      ['full', 'RocketMQ'],
    ]);
  });
});

describe('a wrong option is refused with its name and what is allowed', () => {
  test.each<[string, unknown, string]>([
    ['nameServer', { nameServer: 'localhost' }, 'host:port'],
    ['nameServer', { nameServer: 'localhost:99999' }, 'host:port'],
    ['nameServer', { nameServer: '' }, 'host:port'],
    ['nameServer', { nameServer: ['a:1'] }, 'host:port'],
    ['nameserver', { nameserver: 'a:1' }, 'the option is called nameServer'],
    ['colour', { colour: 'red' }, 'one of the options'],
    ['embedded', { nameServer: 'a:1', embedded: {} }, 'one of nameServer, embedded and backend'],
    ['backend', { backend: { start() {} } }, 'start() and stop() and dial()'],
    ['group', { group: 'my group' }, 'letters, digits'],
    ['shutdownTimeout', { shutdownTimeout: '30 seconds' }, "(ms), or a length such as '30s'"],
    ['shutdownTimeout', { shutdownTimeout: -1 }, '(ms)'],
    ['autoStart', { autoStart: 'no' }, 'true or false'],
    ['consumer.threads', { consumer: { threads: 2 } }, 'concurrency'],
    ['producer.timeout', { producer: { timeout: 2 } }, 'sendMsgTimeout'],
    ['messageConverter', { messageConverter: {} }, 'encode() and decode()'],
    ['messageDelayLevel', { messageDelayLevel: 'x' }, '1s 5s'],
    ['messageDelayLevel', { messageDelayLevel: 5 }, '1s 5s'],
    ['embedded.messageDelayLevel', { embedded: { messageDelayLevel: 'x' } }, '1s 5s'],
    ['options', null, 'an object'],
    ['options', undefined, 'an object'],
    ['options', 'localhost:9876', 'an object'],
    ['isGlobal', { isGlobal: true }, 'one of the options'],
    ['grup', { grup: 'shop' }, 'the option is called group'],
    ['embedded', { embedded: true }, 'an object'],
    ['embedded', { embedded: 'memory' }, 'an object'],
    ['embedded.stor', { embedded: { stor: 'x' } }, 'the option is called store'],
    ['embedded.store', { embedded: { store: ' ' } }, "'memory'"],
    ['embedded.nameServerListen', { embedded: { nameServerListen: '127.0.0.1:9876' } }, 'embedded.listen'],
    ['embedded.fileReservedTime', { embedded: { fileReservedTime: 72 } }, "write '72h'"],
    ['embedded.fileReservedTime', { embedded: { fileReservedTime: '90m' } }, 'whole hours'],
    ['embedded.transactionTimeOut', { embedded: { transactionTimeOut: 'soon' } }, '(ms)'],
    ['consumer', { consumer: [] }, 'an object'],
    ['consumer.concurrency', { consumer: { concurrency: '5' } }, 'from 1 to 1000'],
    ['consumer.localOffsetStoreDir', { consumer: { localOffsetStoreDir: ' ' } }, "a folder, or 'memory'"],
    ['consumer.consumeTimeout', { consumer: { consumeTimeout: 15 } }, "write '15m'"],
    ['consumer.consumeTimeout', { consumer: { consumeTimeout: '90s' } }, 'whole minutes'],
    ['consumer.consumeTimeout', { consumer: { consumeTimeout: '8d' } }, 'whole minutes'],
    ['consumer.consumeTimestamp', { consumer: { consumeTimestamp: '20261224180000' } }, 'a valid Date'],
    ['consumer.consumeFromWhere', { consumer: { consumeFromWhere: 'FIRST' } }, 'CONSUME_FROM_FIRST_OFFSET'],
    ['consumer.allocateStrategy', { consumer: { allocateStrategy: 'AVERAGELY' } }, "'AVG', 'AVG_BY_CIRCLE'"],
    ['consumer.allocateStrategy', { consumer: { allocateStrategy: { name: 'MINE' } } }, 'allocate(group'],
    ['consumer.allocateStrategy', { consumer: { allocateStrategy: null } }, 'allocateBy… function'],
    ['consumer.pullThresholdForQueue', { consumer: { pullThresholdForQueue: 0 } }, 'from 1 to 65535'],
    ['consumer.pullThresholdSizeForQueue', { consumer: { pullThresholdSizeForQueue: 1025 } }, 'MiB'],
    ['consumer.pullThresholdForTopic', { consumer: { pullThresholdForTopic: 0 } }, 'or -1: no limit'],
    ['consumer.pullThresholdSizeForTopic', { consumer: { pullThresholdSizeForTopic: 102_401 } }, 'from 1 to 102400'],
    ['consumer.consumeConcurrentlyMaxSpan', { consumer: { consumeConcurrentlyMaxSpan: 70_000 } }, 'from 1 to 65535'],
    ['topics', { topics: { name: 'order' } }, 'an array'],
    ['topics.0.name', { topics: [{ queues: 1 }] }, 'a topic'],
    ['topics.0.queues', { topics: [{ name: 'order', queues: 0 }] }, 'from 1 to 65535'],
    ['topics.0.queue', { topics: [{ name: 'order', queue: 1 }] }, 'the option is called queues'],
    ['topics.0.brokers', { topics: [{ name: 'order', brokers: [] }] }, 'broker-a'],
    ['topics.0.permissions', { topics: [{ name: 'order', permissions: 'r' }] }, "'R' or 'W' or 'RW'"],
    ['topics.0.type', { topics: [{ name: 'order', type: 'ORDERED' }] }, "'FIFO'"],
    ['topics.0.attributes', { topics: [{ name: 'order', attributes: { a: 'x,+b=y' } }] }, "without ',' and '='"],
    ['topics.0.attributes', { topics: [{ name: 'order', attributes: { '+a': 'x' } }] }, 'reserve.time'],
    ['topics.0.attributes', { topics: [{ name: 'order', attributes: 'FIFO' }] }, 'an object'],
    [
      'topics.0.attributes',
      { topics: [{ name: 'order', type: 'FIFO', attributes: { 'message.type': 'FIFO' } }] },
      'type sets',
    ],
    ['resolve', { resolve: 'order' }, 'a function'],
    ['consumers', { consumers: 'none' }, 'true, false'],
    ['name', { name: 'billing' }, 'one of the options'],
    ['topics.1.name', { topics: [{ name: 'order' }, { name: 'order' }] }, 'each topic once'],
    ['transactionLog', { transactionLog: { record() {} } }, 'hasCommitted()'],
    ['producer.maxDelay', { producer: { maxDelay: 0 } }, '(ms)'],
    ['producer.sendMsgTimeout', { producer: { sendMsgTimeout: '3' } }, '(ms)'],
  ])('%s', (option, given, allowed) => {
    expect(() => resolveOptions(given as RocketMQModuleOptions, NO_ENV)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option, allowed: expect.stringContaining(allowed) }),
    );
  });

  test.each(['nonsense', '', ' '])('also from the environment: %p', (given) => {
    expect(() => resolveOptions({}, { ROCKETMQ_NAME_SERVER: given })).toThrow(
      `option ROCKETMQ_NAME_SERVER of the environment is '${given}'; allowed: 'host:port'`,
    );
  });

  test('the message says whose option it is', () => {
    expect(() => resolveOptions({ embedded: { stor: 'x' } as never }, NO_ENV, 'RocketMQModule.forRootAsync')).toThrow(
      "option embedded.stor of RocketMQModule.forRootAsync is 'x'; allowed: the option is called store.",
    );
  });
});

describe('a length of time', () => {
  test.each<[string, RocketMQModuleOptions, object]>([
    ['shutdownTimeout', { shutdownTimeout: '10s' }, { shutdownTimeout: 10_000 }],
    ['shutdownTimeout in ms', { shutdownTimeout: 500 }, { shutdownTimeout: 500 }],
    ['consumeTimeout', { consumer: { consumeTimeout: '15m' } }, { consumer: { consumeTimeout: 15 } }],
    ['consumeTimeout in ms', { consumer: { consumeTimeout: 900_000 } }, { consumer: { consumeTimeout: 15 } }],
    ['sendMsgTimeout', { producer: { sendMsgTimeout: '5s' } }, { producer: { sendMsgTimeout: 5_000 } }],
    ['maxDelay', { producer: { maxDelay: '7d' } }, { producer: { maxDelay: 604_800_000 } }],
    ['no limit', { producer: { sendMsgMaxTimeoutPerRequest: -1 } }, { producer: { sendMsgMaxTimeoutPerRequest: -1 } }],
  ])("may be written as '15m': %s", (_option, given, resolved) => {
    expect(resolveOptions(given, NO_ENV)).toMatchObject(resolved);
  });

  test('since the epoch may be a Date', () => {
    const consumer = (consumeTimestamp: Date | number) =>
      resolveOptions({ consumer: { consumeTimestamp } }, NO_ENV).consumer;
    expect(consumer(new Date(7))).toEqual({ consumeTimestamp: 7 });
    expect(consumer(7)).toEqual({ consumeTimestamp: 7 });
  });

  test('of the embedded broker is in the unit that the broker has', () => {
    const times = { fileReservedTime: '3d', transactionTimeOut: '10s', transactionCheckInterval: 500 };
    const checked = checkEmbedded(times);
    expect(checked).toEqual({ fileReservedTime: 72, transactionTimeOut: 10_000, transactionCheckInterval: 500 });
    expect(checkEmbedded({ fileReservedTime: 7_200_000 })).toEqual({ fileReservedTime: 2 });
  });
});
