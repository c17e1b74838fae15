// Tests what keeps an app from starting on the embedded broker: its error, and that nothing is left behind.
import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Global, Injectable, Logger, Module } from '@nestjs/common';
import type { INestApplicationContext, ModuleMetadata, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  ROCKETMQ_OPTIONS,
  RocketMQListeners,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
} from 'nest-rocketmq';
import type { RocketMQModuleOptions } from 'nest-rocketmq';
import { rocketMQTesting } from 'nest-rocketmq/testing';

const apps: INestApplicationContext[] = [];

beforeEach(() => Logger.overrideLogger(['error']));

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

async function start(metadata: ModuleMetadata): Promise<INestApplicationContext> {
  const app = await Test.createTestingModule(metadata).compile();
  apps.push(app);
  return app.init();
}

describe('T106: a wrong condition in SQL92', () => {
  class Rich {
    @RocketMQMessageListener({ topic: 'order', selectorType: 'SQL92', selectorExpression: 'amount >> 100' })
    take(): void {}
  }

  test.each([
    ['is there', true],
    ['is not there yet', false],
  ])('is refused at start, by the name of the listener, when its topic %s', async (_topic, exists) => {
    const testing = rocketMQTesting({ group: 'g', autoStart: false });
    const app = await start({ imports: [testing.module], providers: [Rich] });
    if (exists) await app.get(RocketMQTemplate).send('order', 1);
    const listening = app.get(RocketMQListeners).start();
    await expect(listening).rejects.toMatchObject({ code: 'INVALID_LISTENER' });
    await expect(listening).rejects.toThrow(
      /Rich\.take.*: .*topic order, 'amount >> 100'.*SQL92.*line 1, column 9: .*Correct/s,
    );
  });

  test('keeps the app from starting, and nothing is left behind', async () => {
    const testing = rocketMQTesting({ group: 'g' });
    await expect(start({ imports: [testing.module], providers: [Rich] })).rejects.toThrow(/Rich\.take/);
    expect(testing.clock.pending).toBe(0);
  });
});

const memory = (): RocketMQModuleOptions => ({ group: 'g', embedded: { store: 'memory' } });

describe('forRoot twice in one app', () => {
  test('is refused, with the modules that import it and the remedy', async () => {
    @Module({ imports: [RocketMQModule.forRoot(memory())] })
    class OrdersModule {}
    @Module({ imports: [OrdersModule, RocketMQModule.forRoot(memory())] })
    class AppModule {}
    const starting = start({ imports: [AppModule] });
    await expect(starting).rejects.toMatchObject({ code: 'MODULE_TWICE', importers: ['OrdersModule', 'AppModule'] });
    await expect(starting).rejects.toThrow(/OrdersModule; AppModule.*forRoot or forRootAsync once/);
  });

  test.each([
    ['with forRootAsync', () => RocketMQModule.forRootAsync({ useFactory: memory })],
    ['not global', () => RocketMQModule.forRoot({ ...memory(), isGlobal: false })],
    ['from the testing kit', () => rocketMQTesting({ group: 'g' }).module],
  ])('is refused %s as well, and a test is told what to override', async (_how, second) => {
    @Module({ imports: [RocketMQModule.forRoot(memory())] })
    class AppModule {}
    await expect(start({ imports: [AppModule, second()] })).rejects.toThrow(
      /AppModule; RootTestModule.*overrideProvider\(ROCKETMQ_OPTIONS\)\.useValue\(testing\.options\)/,
    );
  });

  test('is what that override avoids', async () => {
    @Module({ imports: [RocketMQModule.forRootAsync({ useFactory: () => ({ nameServer: '127.0.0.1:1' }) })] })
    class AppModule {}
    const testing = rocketMQTesting({ group: 'g' });
    const builder = Test.createTestingModule({ imports: [AppModule] });
    const app = await builder.overrideProvider(ROCKETMQ_OPTIONS).useValue(testing.options).compile();
    apps.push(app);
    await app.init();
    await expect(app.get(RocketMQTemplate).send('order', 1)).resolves.toMatchObject({ sendStatus: 'SEND_OK' });
  });

  test.each([true, false])('is not one module that several others import (isGlobal: %p)', async (isGlobal) => {
    const rocketmq = RocketMQModule.forRoot({ ...memory(), isGlobal });
    @Module({ imports: [rocketmq] })
    class OrdersModule {}
    @Global()
    @Module({ imports: [rocketmq, OrdersModule], exports: [rocketmq] })
    class SharedModule {}
    const app = await start({ imports: [SharedModule, rocketmq] });
    await expect(app.get(RocketMQTemplate).send('order', 1)).resolves.toMatchObject({ sendStatus: 'SEND_OK' });
  });
});

describe('a start that failed leaves nothing behind: the next one on the same store works', () => {
  let directory: string;
  const store = (): string => join(directory, 'store');

  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'nest-start-'))));
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    rmSync(directory, { recursive: true });
  });

  /** Sends while providers are created, so that the broker runs before listeners are discovered. */
  const early = {
    provide: 'early',
    inject: [RocketMQTemplate],
    useFactory: (rocketmq: RocketMQTemplate) => rocketmq.send('early', 1),
  };

  class Conflicting {
    @RocketMQMessageListener({ topic: 'early' })
    one(): void {}
    @RocketMQMessageListener({ topic: 'early' })
    another(): void {}
  }

  class TooMany {
    @RocketMQMessageListener({ topic: 'order', consumeTimeout: '999d' as never })
    take(): void {}
  }

  async function failing(options: RocketMQModuleOptions, metadata: ModuleMetadata): Promise<void> {
    const embedded = { store: store(), ...options.embedded };
    const imports = [RocketMQModule.forRoot({ group: 'g', ...options, embedded }), ...(metadata.imports ?? [])];
    const app = await Test.createTestingModule({ ...metadata, imports }).compile();
    await expect(app.init()).rejects.toThrow();
    const next = await start({ imports: [RocketMQModule.forRoot({ group: 'g', embedded: { store: store() } })] });
    await next.close();
  }

  test('of conflicting listeners, when a provider has sent before they were found', () =>
    failing({}, { providers: [early, Conflicting] }));

  test("of another provider's onModuleInit", () => {
    @Injectable()
    class Failing implements OnModuleInit {
      onModuleInit(): void {
        throw new Error('not today');
      }
    }
    return failing({}, { providers: [Failing] });
  });

  test('of a listener with an option out of its range', () => failing({}, { providers: [TooMany] }));

  test('of a port in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    await failing({ embedded: { listen: `127.0.0.1:${port}`, nameServerListen: '127.0.0.1:0' } }, {});
    await failing({ embedded: { listen: '127.0.0.1:0', nameServerListen: `127.0.0.1:${port}` } }, {});
    await new Promise((resolve) => other.close(resolve));
  });
});

describe('a store that this process holds', () => {
  let directory: string;
  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'nest-reload-'))));
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    rmSync(directory, { recursive: true });
  });

  test('is waited for while its app is closing, as in a hot reload', async () => {
    const order: string[] = [];
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));

    @Injectable()
    class SlowToClose implements OnModuleDestroy {
      async onModuleDestroy(): Promise<void> {
        await held;
        order.push('old closed');
      }
    }
    const module = () => RocketMQModule.forRoot({ group: 'g', embedded: { store: join(directory, 'store') } });
    const old = await start({ imports: [module()], providers: [SlowToClose] });
    apps.splice(apps.indexOf(old), 1);
    const closing = old.close();
    const starting = start({ imports: [module()] }).then(() => order.push('new started'));
    setImmediate(release);
    await Promise.all([closing, starting]);
    expect(order).toEqual(['old closed', 'new started']);
  });

  test('by an app that is not closing is refused, with an error that says that', async () => {
    const module = () => RocketMQModule.forRoot({ group: 'g', embedded: { store: join(directory, 'store') } });
    await start({ imports: [module()] });
    await expect(start({ imports: [module()] })).rejects.toThrow(/another app of this process .*not closing/);
  });
});

describe('the log of a start', () => {
  const lines: string[] = [];

  const note = (level: string) => (message: string, context?: string) =>
    context === 'RocketMQ' && lines.push(`${level} ${message}`);

  async function startLogging(metadata: ModuleMetadata): Promise<INestApplicationContext> {
    lines.length = 0;
    const builder = Test.createTestingModule(metadata);
    const app = await builder.setLogger({ log: note('log'), warn: note('warn'), error: note('error') }).compile();
    apps.push(app);
    return app;
  }

  test('is two lines, whatever the number of listeners', async () => {
    class Listeners {
      @RocketMQMessageListener({ topic: 'order', tags: ['created', 'paid'], consumerGroup: 'stock' })
      created(): void {}
      @RocketMQMessageListener({ topic: 'payment', consumerGroup: 'stock' })
      payment(): void {}
      @RocketMQMessageListener({ topic: 'order', consumerGroup: 'mail' })
      mail(): void {}
    }
    const app = await startLogging({ imports: [rocketMQTesting({ group: 'g' }).module], providers: [Listeners] });
    await app.init();
    expect(lines).toEqual([
      'log embedded broker, in memory: its messages are gone when the process ends',
      'log group stock listens to order (created || paid), payment; group mail listens to order',
    ]);
  });

  test('goes on at a stop that waits for listeners', async () => {
    let begin!: () => void;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    class Endless {
      @RocketMQMessageListener({ topic: 'order', consumerGroup: 'mail' })
      mail(): Promise<void> {
        begin();
        return new Promise(() => undefined);
      }
    }
    const imports = [RocketMQModule.forRoot({ group: 'g', embedded: { store: 'memory' }, shutdownTimeout: 50 })];
    const app = await startLogging({ imports, providers: [Endless] });
    await app.init();
    await app.get(RocketMQTemplate).send('order', {});
    await begun;
    await app.close();
    expect(lines.slice(2)).toEqual([
      'log waiting up to 50 ms for running listeners: 1 of group mail',
      expect.stringMatching(/^warn group mail: after 50 ms 1 listener/),
    ]);
  });

  test('warns of a broker in this process that may be a mistake', async () => {
    await startLogging({ imports: [RocketMQModule.forRoot({ nameServer: undefined })] });
    expect(lines).toEqual([
      expect.stringMatching(
        /^warn starting a broker inside this process, since option nameServer is undefined.*embedded: \{\}/,
      ),
    ]);
  });
});
