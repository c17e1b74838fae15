import { describe, expect, test } from '@jest/globals';
import { ConfigService } from '@nestjs/config';
import { fromConfig } from './from-config.js';
import type { RocketMQModuleOptions } from './rocketmq.options.js';
import { resolveOptions } from './rocketmq.options.js';

const configured = (rocketmq: unknown): RocketMQModuleOptions => fromConfig(new ConfigService({ rocketmq }));

describe('the configuration', () => {
  test.each([
    [
      'kebab-case',
      {
        'name-server': 'mq:9876',
        producer: { group: 'shop', 'send-message-timeout': 5000, 'retry-next-server': true },
      },
    ],
    [
      'camelCase, and texts as in a properties file',
      { nameServer: 'mq:9876', producer: { group: 'shop', sendMessageTimeout: '5000', retryNextServer: 'true' } },
    ],
  ])("may have rocketmq-spring's names in %s", (_style, given) => {
    expect(configured(given)).toEqual({
      nameServer: 'mq:9876',
      group: 'shop',
      producer: { sendMsgTimeout: 5000, retryAnotherBrokerWhenNotStoreOK: true },
    });
  });

  test('may come from environment variables, in our spelling and in that of Spring', () => {
    const env: Record<string, string> = {
      ROCKETMQ_NAME_SERVER: 'mq:9876',
      ROCKETMQ_PRODUCER_GROUP: '007',
      ROCKETMQ_PRODUCER_SENDMESSAGETIMEOUT: '5000',
      ROCKETMQ_SHUTDOWN_TIMEOUT: '10s',
    };
    const config = { get: (key: string) => env[key] as never };
    expect(fromConfig(config)).toEqual({
      nameServer: 'mq:9876',
      group: '007',
      producer: { sendMsgTimeout: 5000 },
      shutdownTimeout: '10s',
    });
  });

  test('maps each property of rocketmq-spring that has a counterpart, and the module takes the result', () => {
    const producer = {
      group: 'shop',
      namespace: 'ns',
      'instance-name': 'one',
      'access-key': 'a',
      'secret-key': 's',
      'send-message-timeout': 1,
      'compress-message-body-threshold': 2,
      'retry-times-when-send-failed': 3,
      'retry-times-when-send-async-failed': 4,
      'retry-next-server': true,
      'max-message-size': 5,
      'enable-msg-trace': true,
      'customized-trace-topic': 'trace',
      'tls-enable': false,
    };
    const consumer = { namespace: 'ns', 'access-key': 'a', 'secret-key': 's', 'tls-enable': 'false' };
    const given = {
      'name-server': 'mq:9876',
      'access-channel': 'LOCAL',
      producer,
      consumer,
      'pull-consumer': { group: 'p' },
    };
    const options = configured(given);
    expect(options).toEqual({
      nameServer: 'mq:9876',
      group: 'shop',
      namespace: 'ns',
      instanceName: 'one',
      accessKey: 'a',
      secretKey: 's',
      producer: {
        sendMsgTimeout: 1,
        compressMsgBodyOverHowmuch: 2,
        retryTimesWhenSendFailed: 3,
        retryAnotherBrokerWhenNotStoreOK: true,
        maxMessageSize: 5,
        enableMsgTrace: true,
        customizedTraceTopic: 'trace',
      },
    });
    expect(resolveOptions(options, {}).identity).toEqual({
      namespace: 'ns',
      instanceName: 'one',
      accessKey: 'a',
      secretKey: 's',
    });
  });

  test("may have this module's own options, and rocketmq-spring's switch of a listener", () => {
    const consumer = { concurrency: '10', listeners: { 'mail-group': { 'order-paid': 'false' } } };
    const options = configured({
      consumer,
      embedded: { store: 'memory' },
      'auto-start': 'false',
      topics: [{ name: 't' }],
    });
    expect(options).toEqual({
      autoStart: false,
      topics: [{ name: 't' }],
      consumer: { concurrency: 10 },
      embedded: { store: 'memory' },
      consumers: { 'mail-group': { 'order-paid': false } },
    });
    const { consumers } = resolveOptions(options, {});
    expect([consumers.isOn('mail-group', 'order-paid'), consumers.isOn('mail-group', 'other')]).toEqual([false, true]);
  });

  test('may stand elsewhere', () => {
    expect(fromConfig(new ConfigService({ crm: { group: 'crm' } }), 'crm')).toEqual({ group: 'crm' });
    expect(configured(undefined)).toEqual({});
  });

  test.each([
    [{ nameServr: 'mq:9876' }, /nameServr of configuration rocketmq .*called nameServer/],
    [{ producer: { 'send-mesage-timeout': 1 } }, /producer\.sendMesageTimeout.*called sendMessageTimeout/],
    [{ consumer: { lisners: {} } }, /consumer\.lisners/],
    [{ producer: { 'tls-enable': 'true' } }, /producer\.tlsEnable .* is true; allowed: false/],
    [{ 'access-channel': 'CLOUD' }, /accessChannel .*LOCAL/],
    [{ producer: { namespace: 'a' }, consumer: { namespace: 'b' } }, /namespace .*'b'.*"a": one client/],
    [{ consumer: { listeners: 'no' } }, /consumer\.listeners.*object of groups/],
    ['mq:9876', /rocketmq .*an object of options/],
    [{ producer: 'shop' }, /producer .*an object of options/],
  ])('%j is refused with the name and what is allowed', (given, reason) => {
    expect(() => configured(given)).toThrow(reason);
  });
});
