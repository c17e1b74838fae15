import { describe, expect, test } from '@jest/globals';
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

  test('an empty environment variable counts as none', () => {
    expect(resolveOptions({}, { ROCKETMQ_NAME_SERVER: '' }).backend.kind).toBe('embedded');
  });

  test('embedded, has the delay levels that the template maps to', () => {
    const resolved = resolveOptions({ messageDelayLevel: '1s 1h' }, NO_ENV);
    expect(resolved.backend).toEqual({ kind: 'embedded', embedded: { messageDelayLevel: '1s 1h' } });
    expect(resolved.delayLevels.levelOf('1h')).toBe(2);
    const fromEmbedded = resolveOptions({ embedded: { messageDelayLevel: '2s 2h' } }, NO_ENV);
    expect(fromEmbedded.delayLevels.levelOf('2h')).toBe(2);
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
    ['shutdownTimeout', { shutdownTimeout: '30s' }, '(ms)'],
    ['shutdownTimeout', { shutdownTimeout: -1 }, '(ms)'],
    ['autoStart', { autoStart: 'no' }, 'true or false'],
    ['consumer.threads', { consumer: { threads: 2 } }, 'concurrency'],
    ['producer.timeout', { producer: { timeout: 2 } }, 'sendMsgTimeout'],
    ['messageConverter', { messageConverter: {} }, 'encode() and decode()'],
    ['messageDelayLevel', { messageDelayLevel: 'x' }, '1s 5s'],
    ['options', null, 'an object'],
  ])('%s', (option, given, allowed) => {
    expect(() => resolveOptions(given as RocketMQModuleOptions, NO_ENV)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option, allowed: expect.stringContaining(allowed) }),
    );
  });

  test('also from the environment', () => {
    expect(() => resolveOptions({}, { ROCKETMQ_NAME_SERVER: 'nonsense' })).toThrow(
      /ROCKETMQ_NAME_SERVER.*nonsense.*host:port/,
    );
  });
});
