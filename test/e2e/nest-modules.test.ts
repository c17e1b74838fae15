// Tests what an app's configuration decides: the options of decorators, the topics that modules declare, and which consumers run.
import 'reflect-metadata';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Injectable, Logger, Module, Scope } from '@nestjs/common';
import type { ModuleMetadata } from '@nestjs/common';
import { RocketMQClient } from '@nest-rocketmq/client';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { LazyModuleLoader, REQUEST } from '@nestjs/core';
import {
  InjectPullConsumer,
  RocketMQContext,
  RocketMQListeners,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  fromConfig,
} from 'nest-rocketmq';
import type { RocketMQModuleOptions, RocketMQPullConsumer, TopicOptions } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, PATIENT, closeApps, onCluster, startApp, unique } from './nest-harness.js';
import type { TestApp } from './nest-harness.js';

const timeout = PATIENCE_MS;

afterEach(async () => {
  jest.restoreAllMocks();
  delete process.env['ROCKETMQ_CONSUMERS'];
  await closeApps();
});

describe('the options of a decorator', () => {
  const topic = unique('configured');
  const group = unique('configured');
  const configuration = () => ({ order: { topic, group, concurrency: '3' } });

  class Orders {
    @RocketMQMessageListener({
      topic: '${order.topic}',
      tags: ['${order.tag:paid}', 'refunded'],
      consumerGroup: (config: ConfigService) => config.getOrThrow<string>('order.group'),
      concurrency: (config) => Number(config.get('order.concurrency')),
    })
    take(): void {}
  }

  const read = (key: string): unknown =>
    key.split('.').reduce<unknown>((at, name) => (at as never)?.[name], configuration());

  test.each<[string, ModuleMetadata, Partial<RocketMQModuleOptions>]>([
    ["come from the app's ConfigService", { imports: [ConfigModule.forRoot({ load: [configuration] })] }, {}],
    [
      'come from the ConfigService of a global module that reads its values asynchronously',
      { imports: [ConfigModule.forRoot({ isGlobal: true, load: [() => Promise.resolve(configuration())] })] },
      {},
    ],
    [
      'have their keys read by the option resolve',
      { providers: [{ provide: ConfigService, useValue: { get: () => '3', getOrThrow: () => group } }] },
      { resolve: read },
    ],
  ])('%s', async (_how, metadata, options) => {
    const app = await startApp({ ...metadata, providers: [Orders, ...(metadata.providers ?? [])] }, options);
    const arrival = consumed(app.module, { topic, tag: 'paid', group }, { timeout });
    await app.template.send(`${topic}:paid`, 1);
    await app.elapse(arrival, '30s');
  });

  test('keep the app from starting when a key has no value, with the name of the listener', async () => {
    await expect(startApp({ providers: [Orders] })).rejects.toThrow(
      /option topic of @RocketMQMessageListener on Orders\.take .*'order\.topic' is not\. Configure it, or write a default/,
    );
  });

  test('of the module come from fromConfig, and those of a pull consumer from keys', async () => {
    @Injectable()
    class Reports {
      constructor(@InjectPullConsumer() readonly consumer: RocketMQPullConsumer) {}
    }
    const pullConsumers = [{ group: '${rocketmq.pull-consumer.group}', topics: (): string[] => [topic] }];
    @Module({ imports: [RocketMQModule.forFeature({ pullConsumers })], providers: [Reports] })
    class ReportsModule {}
    const rocketmq = { producer: { group: unique('app') }, 'pull-consumer': { group: unique('reports') } };
    const { Test } = await import('@nestjs/testing');
    const module = await Test.createTestingModule({
      imports: [
        ConfigModule.forRoot({ isGlobal: true, load: [() => ({ rocketmq })] }),
        RocketMQModule.forRootAsync({
          inject: [ConfigService],
          useFactory: (config: ConfigService) => ({
            ...fromConfig(config),
            ...(onCluster ? PATIENT : { embedded: { store: 'memory' } }),
          }),
        }),
        ReportsModule,
      ],
    }).compile();
    try {
      await module.init();
      expect(module.get(Reports).consumer.group).toBe(rocketmq['pull-consumer'].group);
      await module.get(RocketMQTemplate).send(topic, 1);
    } finally {
      await module.close();
    }
  });
});

describe('declared topics', () => {
  const settings = async ({ admin }: RocketMQClient, topic: string): Promise<unknown> => {
    const [config] = await admin.topicConfigs(topic);
    const [queues] = (await admin.topicRoute(topic))!.queueDatas;
    return [queues?.writeQueueNums, queues?.perm, config?.attributes];
  };

  test('are created with their queues, permissions, type and attributes, from forRoot and from features', async () => {
    const [fifo, plain, configured] = [unique('fifo'), unique('plain'), unique('topic')];
    const features = [
      RocketMQModule.forFeature({ topics: [{ name: plain, queues: 2, permissions: 'R' }] }),
      RocketMQModule.forFeature({
        topics: (config): TopicOptions[] => [{ name: config.get('NO_SUCH_KEY', configured), queues: 3, type: 'DELAY' }],
      }),
    ];
    const topics: TopicOptions[] = [
      { name: fifo, queues: 1, type: 'FIFO', attributes: { 'reserve.time': '3600000' } },
      { name: plain, queues: 2, permissions: 'R' },
    ];
    const start = jest.spyOn(RocketMQClient.prototype, 'start');
    await startApp({ imports: features }, { topics });
    const client = start.mock.contexts[0] as RocketMQClient;
    await expect(settings(client, fifo)).resolves.toEqual([
      1,
      6,
      { 'message.type': 'FIFO', 'reserve.time': '3600000' },
    ]);
    await expect(settings(client, plain)).resolves.toEqual([2, 4, {}]);
    await expect(settings(client, configured)).resolves.toEqual([3, 6, { 'message.type': 'DELAY' }]);
  });

  test('of a module that is loaded later are created when it is loaded', async () => {
    const topic = unique('lazy');
    @Module({ imports: [RocketMQModule.forFeature({ topics: [{ name: topic, queues: 5 }] })] })
    class LazyFeature {}
    const start = jest.spyOn(RocketMQClient.prototype, 'start');
    const app = await startApp({});
    await app.module.get(LazyModuleLoader).load(() => LazyFeature);
    await expect(settings(start.mock.contexts[0] as RocketMQClient, topic)).resolves.toEqual([5, 6, {}]);
  });

  test('keep the app from starting when two modules do not agree', async () => {
    const imports = [4, 8].map((queues) => RocketMQModule.forFeature({ topics: [{ name: 'order', queues }] }));
    await expect(startApp({ imports })).rejects.toThrow(
      /option topics of RocketMQModule\.forFeature .*"queues":8.*the same settings for topic order as in .*"queues":4/,
    );
  });
});

describe('the option consumers', () => {
  const topic = unique('switched');
  const [mail, audit] = [unique('mail'), unique('audit')];

  class Listeners {
    @RocketMQMessageListener({ topic, consumerGroup: mail })
    onMail(): void {}
    @RocketMQMessageListener({ topic, consumerGroup: audit })
    onAudit(): void {}
  }

  const groupsOf = (app: TestApp): string[] =>
    [mail, audit].filter((group) => {
      try {
        app.module.get(RocketMQListeners).pause(group);
        return true;
      } catch {
        return false;
      }
    });

  test.each<[string, Partial<RocketMQModuleOptions>, string | undefined, string[]]>([
    ['none in a web-only process, which still sends', { consumers: false }, undefined, []],
    ['all but a group', { consumers: { [mail]: false } }, undefined, [audit]],
    ['all but a topic of a group', { consumers: { [mail]: { [topic]: false } } }, undefined, [audit]],
    ['those that the environment lists', {}, mail, [mail]],
    ['none, by the environment', {}, 'false', []],
  ])('starts %s', async (_what, options, env, running) => {
    if (env !== undefined) process.env['ROCKETMQ_CONSUMERS'] = env;
    const app = await startApp({ providers: [Listeners] }, options);
    expect(groupsOf(app)).toEqual(running);
    await expect(app.template.send(topic, 1)).resolves.toMatchObject({ sendStatus: 'SEND_OK' });
    await app.module.get(RocketMQListeners).start();
    expect(groupsOf(app)).toEqual(running);
  });

  test('tells what is off, and warns of a name that no listener has', async () => {
    const lines: string[] = [];
    for (const level of ['log', 'warn'] as const) {
      jest.spyOn(Logger.prototype, level).mockImplementation((line: unknown) => void lines.push(String(line)));
    }
    await startApp({ providers: [Listeners] }, { consumers: { [mail]: false, audti: false } });
    expect(lines).toContainEqual(expect.stringMatching(/switched off by the option consumers: Listeners\.onMail /));
    expect(lines).toContainEqual(expect.stringMatching(/option consumers names audti, .*Its groups are: mail-/));
  });

  test('does not hide a mistake in a listener that is off', async () => {
    class Wrong {
      @RocketMQMessageListener({ topic: 'order', consumerGroup: 'wrong', concurrency: 0 })
      take(): void {}
    }
    await expect(startApp({ providers: [Wrong] }, { consumers: false })).rejects.toThrow(/Wrong\.take.*/);
  });

  test('leaves pull consumers alone until they are asked', async () => {
    @Injectable()
    class Reports {
      constructor(@InjectPullConsumer('reports') readonly consumer: RocketMQPullConsumer) {}
    }
    const pullConsumers = [{ name: 'reports', group: unique('reports'), topics: [topic] }];
    const imports = [RocketMQModule.forFeature({ pullConsumers })];
    const { RocketMQPullConsumer: Consumer } = await import('nest-rocketmq');
    const started = jest.spyOn(Consumer.prototype, 'start');
    await startApp({ imports, providers: [Reports] }, { consumers: false });
    expect(started).not.toHaveBeenCalled();
    await startApp({ imports, providers: [Reports] });
    expect(started).toHaveBeenCalledTimes(1);
  });
});

test('a listener whose request-scoped factory makes it has an instance for each message, whose REQUEST is the context', async () => {
  const topic = unique('scoped');
  const made: unknown[] = [];
  class Scoped {
    constructor(readonly request: unknown) {}
    @RocketMQMessageListener({ topic: () => topic })
    take(): void {
      made.push(this);
    }
  }
  const provider = {
    provide: Scoped,
    scope: Scope.REQUEST,
    inject: [REQUEST],
    useFactory: (request: unknown) => new Scoped(request),
  };
  const app = await startApp({ providers: [provider] });
  const arrivals = consumed(app.module, { topic }, { timeout, times: 2 });
  await app.template.send(topic, 1);
  await app.template.send(topic, 2);
  await app.elapse(arrivals, '30s');
  expect(new Set(made).size).toBe(2);
  expect((made[0] as Scoped).request).toBeInstanceOf(RocketMQContext);
});
