// Tests apps that work with several clusters. With ROCKETMQ_NAME_SERVER the unnamed one is that cluster, and the others are
// embedded.
import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Injectable, Logger, Module } from '@nestjs/common';
import type { DynamicModule, ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import {
  EmbeddedBackend,
  InjectPullConsumer,
  InjectRocketMQAdmin,
  InjectRocketMQListeners,
  InjectRocketMQTemplate,
  RocketMQAdmin,
  RocketMQListeners,
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  RocketMQTransactionListener,
  getRocketMQAdminToken,
  getRocketMQListenersToken,
  getRocketMQOptionsToken,
  getRocketMQTemplateToken,
} from 'nest-rocketmq';
import type { RocketMQBackend, RocketMQModuleOptions, RocketMQPullConsumer } from 'nest-rocketmq';
import { Idempotent, MemoryIdempotencyStore } from 'nest-rocketmq/idempotency';
import { PATIENCE_MS, PATIENT, onCluster, unique } from './nest-harness.js';

const open: TestingModule[] = [];
const EMBEDDED: RocketMQModuleOptions = { embedded: { store: 'memory' }, ...PATIENT };

beforeEach(() => Logger.overrideLogger(['error']));

afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(open.splice(0).map((module) => module.close()));
});

/** The unnamed cluster: the one of the environment, or an embedded broker. */
const first = (options: RocketMQModuleOptions = {}): DynamicModule =>
  RocketMQModule.forRoot({ group: unique('app'), ...(onCluster ? PATIENT : EMBEDDED), ...options });

const named = (name: string, options: RocketMQModuleOptions = {}): DynamicModule =>
  RocketMQModule.forRoot({ name, group: unique(name), ...EMBEDDED, ...options });

async function start(metadata: ModuleMetadata): Promise<TestingModule> {
  const module = await Test.createTestingModule(metadata).compile();
  open.push(module);
  await module.init();
  return module;
}

/** What a listener was given, in its order, to be awaited. */
class Seen {
  readonly all: string[] = [];
  readonly #waiting = new Map<string, () => void>();

  add(text: string): void {
    this.all.push(text);
    this.#waiting.get(text)?.();
  }

  when(text: string): Promise<void> {
    return new Promise((resolve) => (this.all.includes(text) ? resolve() : this.#waiting.set(text, resolve)));
  }
}

describe('two clusters in an app', () => {
  test('have their own templates, listeners and transaction listeners, also for a topic of the same name', async () => {
    const topic = unique('order');
    const seen = new Seen();

    @Injectable()
    class Orders {
      constructor(
        readonly template: RocketMQTemplate,
        @InjectRocketMQTemplate('billing') readonly billing: RocketMQTemplate,
      ) {}
      @RocketMQMessageListener({ topic })
      onOrder(text: string): void {
        seen.add(`unnamed ${text}`);
      }
      @RocketMQMessageListener({ topic, cluster: 'billing' })
      onBilling(text: string): void {
        seen.add(`billing ${text}`);
      }
    }

    @RocketMQTransactionListener({ topic, cluster: 'billing' })
    class Invoices {
      executeLocalTransaction(): RocketMQLocalTransactionState {
        return RocketMQLocalTransactionState.COMMIT;
      }
      checkLocalTransaction(): RocketMQLocalTransactionState {
        return RocketMQLocalTransactionState.COMMIT;
      }
    }

    const app = await start({ imports: [first(), named('billing')], providers: [Orders, Invoices] });
    const { template, billing } = app.get(Orders);
    expect(template).toBe(app.get(RocketMQTemplate));
    expect(billing).toBe(app.get(getRocketMQTemplateToken('billing')));
    await template.send(topic, 'one');
    await billing.send(topic, 'two');
    await billing.sendMessageInTransaction(topic, 'three');
    await Promise.all([seen.when('unnamed one'), seen.when('billing two'), seen.when('billing three')]);
    expect(seen.all).toHaveLength(3);
    await expect(template.sendMessageInTransaction(topic, 'four')).rejects.toThrow(/no transaction listener/);
  });

  test('have their own listeners to pause, dead letters and pull consumers', async () => {
    const topic = unique('parcel');
    @Injectable()
    class Parcels {
      constructor(
        @InjectRocketMQListeners('billing') readonly listeners: RocketMQListeners,
        @InjectRocketMQAdmin('billing') readonly admin: RocketMQAdmin,
        @InjectRocketMQTemplate('billing') readonly billing: RocketMQTemplate,
        @InjectPullConsumer(undefined, 'billing') readonly pull: RocketMQPullConsumer<string>,
      ) {}
      @RocketMQMessageListener({ topic: unique('other'), consumerGroup: 'billing-only', cluster: 'billing' })
      take(): void {}
    }
    const billing = RocketMQModule.forRoot({
      name: 'billing',
      group: 'billing',
      ...EMBEDDED,
      pullConsumers: [{ group: unique('pull'), topics: [topic], consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' }],
    });
    const app = await start({ imports: [first(), billing], providers: [Parcels] });
    const parcels = app.get(Parcels);
    expect(parcels.listeners).toBe(app.get(getRocketMQListenersToken('billing')));
    parcels.listeners.pause('billing-only');
    expect(() => app.get(RocketMQListeners).pause('billing-only')).toThrow(/listens in this app/);
    await parcels.billing.send(topic, 'parcel');
    const [message] = await parcels.pull.poll({ timeout: PATIENCE_MS });
    expect(message?.payload).toBe('parcel');
    expect(parcels.admin).toBe(app.get(getRocketMQAdminToken('billing')));
    expect(getRocketMQAdminToken('billing')).not.toBe(getRocketMQAdminToken());
    for await (const letter of parcels.admin.deadLetters('billing-only').list()) throw new Error(letter.msgId);
  });

  test('have their own records of what is done: a key that both deliver is handled once by each', async () => {
    const topic = unique('once');
    const seen = new Seen();
    class Once {
      @Idempotent()
      @RocketMQMessageListener({ topic })
      unnamed(text: string): void {
        seen.add(`unnamed ${text}`);
      }
      @Idempotent()
      @RocketMQMessageListener({ topic, cluster: 'billing' })
      billing(text: string): void {
        seen.add(`billing ${text}`);
      }
    }
    // On a real cluster there is no default store.
    const shared = onCluster ? { idempotency: { store: new MemoryIdempotencyStore() } } : {};
    const app = await start({ imports: [first(shared), named('billing')], providers: [Once] });
    for (const token of [getRocketMQTemplateToken(), getRocketMQTemplateToken('billing')]) {
      const template = app.get<RocketMQTemplate>(token);
      for (const text of ['first', 'copy']) await template.send(topic, text, { keys: 'k', shardingKey: 'k' });
      await template.send(topic, 'last', { keys: 'l', shardingKey: 'k' });
    }
    await Promise.all([seen.when('unnamed last'), seen.when('billing last')]);
    const handled = seen.all.filter((text) => /first|copy/.test(text)).map((text) => text.replace(/ .*/, ''));
    expect(handled).toHaveLength(2);
    expect(new Set(handled)).toEqual(new Set(['billing', 'unnamed']));
  });

  test('live twice in a process: two apps, each with two clusters of the same names', async () => {
    const topic = unique('twin');
    const seen = new Seen();
    const appOf = (name: string): Promise<TestingModule> => {
      class Twin {
        @RocketMQMessageListener({ topic, cluster: 'billing' })
        take(text: string): void {
          seen.add(`${name} ${text}`);
        }
      }
      return start({ imports: [first(), named('billing')], providers: [Twin] });
    };
    const tracked = jest.spyOn(RocketMQListeners.prototype as unknown as { trackCalls(): void }, 'trackCalls');
    const [one, two] = await Promise.all([appOf('one'), appOf('two')]);
    // Only an app that loads modules late pays for it, and not because of its second cluster.
    expect(tracked).not.toHaveBeenCalled();
    const token = getRocketMQTemplateToken('billing');
    await one.get<RocketMQTemplate>(token).send(topic, 'first');
    await seen.when('one first');
    await one.close();
    await two.get<RocketMQTemplate>(token).send(topic, 'second');
    await seen.when('two second');
    expect(seen.all).toEqual(['one first', 'two second']);
  });

  test('take their options from factories, and a test overrides those of one by its token', async () => {
    class Options {
      createRocketMQOptions(): RocketMQModuleOptions {
        return { nameServer: '127.0.0.1:1' };
      }
    }
    const billing = RocketMQModule.forRootAsync({ name: 'billing', useClass: Options });
    const module = await Test.createTestingModule({ imports: [first(), billing] })
      .overrideProvider(getRocketMQOptionsToken('billing'))
      .useValue(EMBEDDED)
      .compile();
    open.push(module);
    await module.init();
    const template = module.get<RocketMQTemplate>(getRocketMQTemplateToken('billing'));
    await expect(template.send(unique('async'), 1)).resolves.toMatchObject({ sendStatus: 'SEND_OK' });
  });
});

describe('an app does not start', () => {
  test('with a listener of a cluster that it does not have, which is named with those that it has', async () => {
    class Orders {
      @RocketMQMessageListener({ topic: 'order', cluster: 'biling' })
      onOrder(): void {}
    }
    const starting = start({ imports: [first(), named('billing')], providers: [Orders] });
    await expect(starting).rejects.toMatchObject({
      code: 'UNKNOWN_CLUSTER',
      message: expect.stringMatching(/Orders\.onOrder \(RootTestModule\).*'biling'.*are 'default', 'billing'/),
    });
  });

  test('with a transaction listener or a feature of a cluster that it does not have', async () => {
    @RocketMQTransactionListener({ topic: 'order', cluster: 'crm' })
    class Transactions {
      checkLocalTransaction(): RocketMQLocalTransactionState {
        return RocketMQLocalTransactionState.UNKNOWN;
      }
    }
    await expect(start({ imports: [first()], providers: [Transactions] })).rejects.toThrow(
      /Transactions \(RootTestModule\).*'crm'.*'default'/,
    );
    for (const feature of [{ topics: [] }, { templates: [{ name: 'bulk' }] }, { pullConsumers: [{ group: 'g' }] }]) {
      const imports = [first(), RocketMQModule.forFeature({ cluster: 'crm', ...feature })];
      await expect(start({ imports })).rejects.toMatchObject({ code: 'UNKNOWN_CLUSTER' });
    }
  });

  test('with a listener that names no cluster, if each cluster has a name', async () => {
    class Orders {
      @RocketMQMessageListener({ topic: 'order' })
      onOrder(): void {}
    }
    const starting = start({ imports: [named('billing')], providers: [Orders] });
    await expect(starting).rejects.toThrow(/Orders\.onOrder .*names no cluster.*'billing'.*option cluster/);
  });

  test.each([
    ['without a name', {}, /2 times without a name.*forRoot\(\{ name: 'billing'/],
    ['with the same name', { name: 'crm' }, /2 times with the name 'crm'.*forRoot\(\{ name: 'crm-2'/],
  ])('with two clusters %s', async (_how, name, reason) => {
    const twice = [RocketMQModule.forRoot({ ...EMBEDDED, ...name }), RocketMQModule.forRoot({ ...EMBEDDED, ...name })];
    await expect(start({ imports: twice })).rejects.toMatchObject({
      code: 'MODULE_TWICE',
      message: expect.stringMatching(reason),
    });
  });

  test('if one of its clusters is down, which is named; the others are closed', async () => {
    const stopped: string[] = [];
    const backend = new EmbeddedBackend({ store: 'memory' }, new Logger('test'));
    const stop = backend.stop.bind(backend);
    backend.stop = async () => {
      stopped.push('crm');
      await stop();
    };
    const unreachable: RocketMQBackend = {
      name: 'cluster',
      dial: backend.dial,
      start: () => Promise.reject(new Error('no name server at 127.0.0.1:1')),
      stop: () => Promise.resolve(),
    };
    const imports = [
      named('crm', { embedded: undefined, backend }),
      named('billing', { embedded: undefined, backend: unreachable }),
    ];
    await expect(start({ imports })).rejects.toMatchObject({
      code: 'CLUSTER_START',
      message: expect.stringMatching(/cluster 'billing': .*127\.0\.0\.1:1/),
      failed: new Map([['billing', expect.anything()]]),
    });
    expect(stopped).toEqual(['crm']);
  });

  test('if one cluster refuses a listener; those of the others are stopped, which have started', async () => {
    class Listeners {
      @RocketMQMessageListener({ topic: unique('right') })
      right(): void {}
      @RocketMQMessageListener({
        topic: unique('wrong'),
        cluster: 'billing',
        selectorType: 'SQL92',
        selectorExpression: 'amount >> 1',
      })
      wrong(): void {}
    }
    const stop = jest.spyOn(RocketMQListeners.prototype, 'stop');
    const starting = start({ imports: [first(), named('billing')], providers: [Listeners] });
    await expect(starting).rejects.toThrow(/cluster 'billing': Listeners\.wrong .*amount >> 1/s);
    expect(new Set(stop.mock.contexts).size).toBe(2);
  });

  test('if a cluster with a name says nothing of where it is: the environment names the unnamed one', async () => {
    const starting = start({ imports: [first(), RocketMQModule.forRoot({ name: 'billing' })] });
    await expect(starting).rejects.toThrow(/nameServer.*cluster 'billing' needs nameServer, embedded or backend/);
  });

  test('with a name that is no name', () => {
    expect(() => RocketMQModule.forRoot({ name: '../x', ...EMBEDDED })).toThrow(/option name.*letters, digits/);
  });
});

describe('a shutdown', () => {
  test('drains all clusters at the same time', async () => {
    const topic = unique('slow');
    const running: string[] = [];
    const both = new Seen();
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    @Injectable()
    class Slow {
      @RocketMQMessageListener({ topic })
      async unnamed(): Promise<void> {
        await this.#work('unnamed');
      }
      @RocketMQMessageListener({ topic, cluster: 'billing' })
      async billing(): Promise<void> {
        await this.#work('billing');
      }
      async #work(name: string): Promise<void> {
        running.push(name);
        both.add(name);
        await released;
        running.splice(running.indexOf(name), 1);
      }
    }
    const app = await start({ imports: [first(), named('billing')], providers: [Slow] });
    await app.get(RocketMQTemplate).send(topic, 1);
    await app.get<RocketMQTemplate>(getRocketMQTemplateToken('billing')).send(topic, 1);
    await Promise.all([both.when('unnamed'), both.when('billing')]);
    const stops = [RocketMQListeners, getRocketMQListenersToken('billing')].map((token) =>
      jest.spyOn(app.get<RocketMQListeners>(token), 'stop'),
    );
    const closing = app.close();
    await new Promise((resolve) => setImmediate(resolve));
    // Both are asked to stop while both still work.
    expect(stops.map((stop) => stop.mock.calls.length)).toEqual([1, 1]);
    expect(running).toHaveLength(2);
    release();
    await closing;
    expect(running).toEqual([]);
  });
});

describe('forFeature', () => {
  test('gives a module templates with producers of their own, on the cluster that it names', async () => {
    const topic = unique('bulk');
    const seen = new Seen();
    @Injectable()
    class Bulk {
      constructor(@InjectRocketMQTemplate('bulk') readonly bulk: RocketMQTemplate) {}
      @RocketMQMessageListener({ topic, cluster: 'billing' })
      take(text: string): void {
        seen.add(text);
      }
    }
    const bulk = { name: 'bulk', group: () => unique('bulk'), producer: { maxMessageSize: 100 } };
    @Module({ imports: [RocketMQModule.forFeature({ cluster: 'billing', templates: [bulk] })], providers: [Bulk] })
    class BulkModule {}

    const app = await start({ imports: [first(), named('billing'), BulkModule] });
    const template = app.get(Bulk).bulk;
    await template.send(topic, 'small');
    await seen.when('small');
    await expect(template.send(topic, 'x'.repeat(200))).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
    await app.get<RocketMQTemplate>(getRocketMQTemplateToken('billing')).send(topic, 'x'.repeat(200));
    await app.close();
    await expect(template.send(topic, 'late')).rejects.toThrow(/the app is closed/);
  });

  test('reaches a cluster that is not global by its imports, and says so without them', async () => {
    const inner = RocketMQModule.forRoot({ name: 'inner', isGlobal: false, group: 'inner', ...EMBEDDED });
    const feature = { cluster: 'inner', templates: [{ name: 'own' }] };
    const without = [inner, RocketMQModule.forFeature(feature)];
    await expect(start({ imports: without })).rejects.toThrow(/option cluster.*global, or imported by this module/);
    const app = await start({ imports: [inner, RocketMQModule.forFeature({ ...feature, imports: [inner] })] });
    const own = app.get<RocketMQTemplate>(getRocketMQTemplateToken('own'));
    await expect(own.send(unique('inner'), 1)).resolves.toMatchObject({ sendStatus: 'SEND_OK' });
  });

  test.each([
    [{ templates: [{ name: 'billing' }] }, /templates\.name .*is 'billing'.*no name of a cluster/],
    [{ templates: [{ name: 'bulk', grup: 'g' }] }, /templates\.bulk\.grup.*called group/],
    [{ templates: [{ name: 'bulk', producer: { sendMsgTimeout: 0 } }] }, /templates\.bulk\.producer\.sendMsgTimeout/],
  ])('refuses a wrong template: %j', async (feature, reason) => {
    const imports = [first(), named('billing'), RocketMQModule.forFeature(feature as never)];
    await expect(start({ imports })).rejects.toThrow(reason);
  });

  test.each([
    [{ templates: {} }, /templates.*a list/],
    [{ templates: [{ name: '' }] }, /templates\.name.*non-empty/],
    [{ templates: [{ name: 'default' }] }, /no name of a cluster/],
    [{ template: [] }, /option is called templates/],
  ])('refuses %j at once', (feature, reason) => {
    expect(() => RocketMQModule.forFeature(feature as never)).toThrow(reason);
  });
});
