// Tests when an app connects, listens, drains and closes.
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { RocketMQListeners, RocketMQMessageListener, RocketMQModule, RocketMQTemplate } from 'nest-rocketmq';
import type { RocketMQContext, RocketMQModuleOptions, RocketMQOptionsFactory } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, PATIENT, closeApps, onCluster, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;

afterEach(closeApps);

/** A promise and its resolver. */
function signalled(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

test('a closed app leaves no storage behind that each promise of the process would have to pass on', async () => {
  const run = jest.spyOn(AsyncLocalStorage.prototype, 'run');
  const disable = jest.spyOn(AsyncLocalStorage.prototype, 'disable');
  const topics = [unique('first'), unique('second')];

  @Injectable()
  class Listener {
    /** An app that may load modules has a storage. */
    constructor(readonly loader: LazyModuleLoader) {}

    @RocketMQMessageListener({ topic: topics[0]!, consumerGroup: topics[0] })
    first(): void {}
    @RocketMQMessageListener({ topic: topics[1]!, consumerGroup: topics[1] })
    second(): void {}
  }

  const app = await startApp({ providers: [Listener] });
  const arrivals = topics.map((topic) => consumed(app.module, { topic }, { timeout }));
  for (const topic of topics) await app.module.get(RocketMQTemplate).send(topic, 'text');
  await app.elapse(Promise.all(arrivals), '30s');
  const used = new Set(run.mock.contexts);
  await closeApps();
  expect(used.size).toBe(1);
  expect(disable.mock.contexts).toEqual([...used]);
  jest.restoreAllMocks();
});

describe('start', () => {
  test('another provider may send while the app is still initialising', async () => {
    const topic = unique('early');

    @Injectable()
    class Early implements OnModuleInit {
      constructor(private readonly template: RocketMQTemplate) {}
      async onModuleInit(): Promise<void> {
        await this.template.send(topic, 'early');
      }
      @RocketMQMessageListener({ topic })
      take(): void {}
    }

    const app = await startApp({ providers: [Early] }, { autoStart: false });
    const arrival = consumed(app.module, { topic }, { timeout });
    await app.module.get(RocketMQListeners).start();
    await app.elapse(arrival, '30s');
  });

  test('two apps live in one process and do not disturb each other', async () => {
    const topic = unique('two');
    const seen: string[] = [];
    const listenerOf = (name: string) => {
      class Listener {
        @RocketMQMessageListener({ topic: `${topic}-${name}` })
        take(message: string): void {
          seen.push(`${name} ${message}`);
        }
      }
      return Listener;
    };
    const one = await startApp({ providers: [listenerOf('one')] });
    const two = await startApp({ providers: [listenerOf('two')] });
    const [first, second] = [consumed(one.module, {}, { timeout }), consumed(two.module, {}, { timeout })];
    await one.template.send(`${topic}-one`, 'first');
    await one.elapse(first, '30s');
    await one.close();
    await two.template.send(`${topic}-two`, 'second');
    await two.elapse(second, '30s');
    expect(seen).toEqual(['one first', 'two second']);
  });

  test('conflicting listeners keep the app from starting, with both names', async () => {
    class Conflict {
      @RocketMQMessageListener({ topic: 'orders' })
      first(): void {}
      @RocketMQMessageListener({ topic: 'orders', tags: 'paid' })
      second(): void {}
    }
    await expect(startApp({ providers: [Conflict] })).rejects.toThrow(/Conflict\.first and Conflict\.second/);
  });

  test('a wrong option keeps the app from starting, with its name, what was given and what is allowed', async () => {
    const metadata = { imports: [RocketMQModule.forRoot({ shutdownTimeout: 'soon' as never })] };
    await expect(Test.createTestingModule(metadata).compile()).rejects.toThrow(/shutdownTimeout.*soon.*integer/);
  });

  test('a wrong option of a send is refused before anything is sent', async () => {
    const { template } = await startApp({});
    await expect(template.send('orders', 1, { timeout: 0 })).rejects.toThrow(/timeout.*0.*\(ms\)/);
    await expect(template.send('orders', 1, { shardingKey: '' })).rejects.toThrow(/shardingKey/);
    await expect(template.sendOneWay('orders', 1, { delay: '1.5h' })).rejects.toThrow(/delay.*1\.5h.*'90m'/);
    await expect(template.send('orders', 1, { timeout: 'long' })).rejects.toThrow(
      /option timeout of RocketMQTemplate\.send is 'long'/,
    );
    await expect(template.send('orders', 1, { dely: '30m' } as never)).rejects.toThrow(/dely.*called delay/);
    await expect(template.send({ topic: 'orders', tags: 'paid' } as never, 1)).rejects.toThrow(/destination\.tags/);
    await expect(template.send('orders', 1, { timeout: '30s' })).resolves.toMatchObject({ sendStatus: 'SEND_OK' });
    await expect(template.sendMessageInTransaction('orders', 1, { delay: '30m' } as never)).rejects.toThrow(/delay/);
  });

  test('a listener on a cluster without a group keeps the app from starting, before any connection is opened', async () => {
    @Injectable()
    class Orders {
      @RocketMQMessageListener({ topic: 'orders' })
      onCreated(): void {}
    }
    const imports = [RocketMQModule.forRoot({ nameServer: '127.0.0.1:1' })];
    const module = await Test.createTestingModule({ imports, providers: [Orders] }).compile();
    await expect(module.init()).rejects.toThrow(/Orders\.onCreated \(\w+\) has no group on the cluster 127\.0\.0\.1:1/);
    await module.close();
  });

  test('T106: a wrong condition in SQL92 keeps the app from starting, though its topic is new', async () => {
    class Rich {
      @RocketMQMessageListener({ topic: unique('rich'), selectorType: 'SQL92', selectorExpression: 'amount >> 100' })
      take(): void {}
    }
    await expect(startApp({ providers: [Rich] })).rejects.toThrow(/Rich\.take.*'amount >> 100'.*line 1, column 9/s);
  });

  test('an unreachable name server is reported within a bounded time', async () => {
    const metadata = { imports: [RocketMQModule.forRoot({ nameServer: '127.0.0.1:1' })] };
    const module = await Test.createTestingModule(metadata).compile();
    await expect(module.init()).rejects.toThrow(/127\.0\.0\.1:1/);
    await module.close();
  });
});

describe('shutdown', () => {
  test('waits for the listener that is running, which may still send', async () => {
    const topic = unique('drain');
    const running = signalled();
    const release = signalled();
    const done: string[] = [];

    @Injectable()
    class Slow {
      constructor(private readonly template: RocketMQTemplate) {}
      @RocketMQMessageListener({ topic })
      async take(): Promise<void> {
        running.resolve();
        await release.promise;
        await this.template.send(`${topic}-after`, 'sent while draining');
        done.push('finished');
      }
    }

    const app = await startApp({ providers: [Slow] });
    await app.template.send(topic, 1);
    await app.elapse(running.promise, '30s');
    const closing = app.close().then(() => done.push('closed'));
    release.resolve();
    await closing;
    expect(done).toEqual(['finished', 'closed']);
  });

  test('does not wait forever: after the deadline the signal of the listener aborts, and one warning says that it is abandoned', async () => {
    const topic = unique('stuck');
    const running = signalled();
    const aborted = signalled();

    class Stuck {
      @RocketMQMessageListener({ topic })
      async take(_message: unknown, context: RocketMQContext): Promise<void> {
        context.signal.addEventListener('abort', aborted.resolve);
        running.resolve();
        await aborted.promise;
      }
    }

    const app = await startApp({ providers: [Stuck] }, { shutdownTimeout: 100 });
    const warnings: string[] = [];
    const ignored = (): void => {};
    Logger.overrideLogger({ log: ignored, error: ignored, warn: (line: string) => void warnings.push(line) });
    await app.template.send(topic, 1);
    await app.elapse(running.promise, '30s');
    await app.elapse(app.close(), '5s');
    await aborted.promise;
    expect(warnings).toEqual([expect.stringMatching(/after 100 ms 1 listener\(s\) still run and are abandoned/)]);
  });

  test('a send afterwards is refused with an error', async () => {
    const app = await startApp({});
    await app.close();
    await expect(app.template.send(unique('late'), 1)).rejects.toThrow(/the app is closed/);
  });

  test('of an app that was never initialised closes too', async () => {
    const module = await Test.createTestingModule({
      imports: [RocketMQModule.forRoot({ embedded: { store: 'memory' } })],
    }).compile();
    await module.close();
  });
});

describe('forRootAsync', () => {
  const options = (): RocketMQModuleOptions =>
    onCluster ? { group: unique('async'), ...PATIENT } : { group: unique('async'), embedded: { store: 'memory' } };

  @Injectable()
  class Factory implements RocketMQOptionsFactory {
    createRocketMQOptions(): RocketMQModuleOptions {
      return options();
    }
  }

  class FactoryModule {}
  const factoryModule = {
    module: FactoryModule,
    providers: [Factory, { provide: 'options', useFactory: options }],
    exports: [Factory, 'options'],
  };

  test.each([
    [
      'useFactory',
      RocketMQModule.forRootAsync({
        imports: [factoryModule],
        inject: ['options'],
        useFactory: (given: RocketMQModuleOptions) => Promise.resolve(given),
      }),
    ],
    ['useClass', RocketMQModule.forRootAsync({ useClass: Factory })],
    ['useExisting', RocketMQModule.forRootAsync({ imports: [factoryModule], useExisting: Factory })],
  ])('takes %s', async (_form, imported) => {
    const module = await Test.createTestingModule({ imports: [imported] }).compile();
    await module.init();
    const { sendStatus } = await module.get(RocketMQTemplate).send(unique('async'), 1);
    expect(sendStatus).toBe('SEND_OK');
    await module.close();
  });

  test.each<[string, () => unknown, RegExp]>([
    ['null', () => RocketMQModule.forRoot(null as never), /option options of RocketMQModule\.forRoot is null/],
    ['a text', () => RocketMQModule.forRoot('mq:9876' as never), /options of RocketMQModule\.forRoot is 'mq:9876'/],
    [
      'isGlobal',
      () => RocketMQModule.forRoot({ isGlobal: 'yes' as never }),
      /isGlobal of RocketMQModule\.forRoot is 'yes'/,
    ],
    ['nothing', () => RocketMQModule.forRootAsync({}), /forRootAsync.*one of useFactory, useClass and useExisting/],
    ['nothing at all', () => RocketMQModule.forRootAsync(undefined as never), /one of useFactory/],
    [
      'isGlobal',
      () => RocketMQModule.forRootAsync({ useFactory: () => ({}), isGlobal: 1 as never }),
      /isGlobal of RocketMQModule\.forRootAsync is 1/,
    ],
  ])('and forRoot refuse at the call what is no options: %s', (_what, call, message) => {
    expect(call).toThrow(message);
  });

  test.each<[unknown, RegExp]>([
    [undefined, /option options of RocketMQModule\.forRootAsync is undefined/],
    [{ nameServers: 'mq:9876' }, /option nameServers of RocketMQModule\.forRootAsync.*called nameServer/],
    [
      { embedded: { maxMessageSize: -1, store: 'memory' } },
      /option embedded\.maxMessageSize of RocketMQModule\.forRootAsync is -1/,
    ],
    [
      { embedded: { store: 'memory' }, producer: { compressLevel: 10 } },
      /option producer\.compressLevel of RocketMQModule\.forRootAsync is 10/,
    ],
  ])('refuses a wrong result, %p, by its whole path', async (given, message) => {
    const imported = RocketMQModule.forRootAsync({ useFactory: () => given as never });
    const starting = async (): Promise<void> => {
      const module = await Test.createTestingModule({ imports: [imported] }).compile();
      await module.init();
    };
    await expect(starting()).rejects.toThrow(message);
  });

  test('a wrong option is refused as well', async () => {
    const imported = RocketMQModule.forRootAsync({ useFactory: () => ({ nameServer: 'nowhere' }) });
    await expect(Test.createTestingModule({ imports: [imported] }).compile()).rejects.toThrow(
      /nameServer.*nowhere.*host:port/,
    );
  });
});
