// Tests the testing kit on an app with several clusters: one clock turns all of their brokers.
import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Injectable, Logger, Module } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import {
  InjectRocketMQTemplate,
  ROCKETMQ_OPTIONS,
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  RocketMQTransactionListener,
  getRocketMQOptionsToken,
} from 'nest-rocketmq';
import { Idempotent } from 'nest-rocketmq/idempotency';
import { consumed, rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting } from 'nest-rocketmq/testing';

const MINUTE = 60_000;
let testing: RocketMQTesting;
let app: TestingModule | undefined;

beforeEach(() => Logger.overrideLogger(false));
afterEach(async () => {
  await app?.close();
  app = undefined;
});

interface Invoice {
  id: string;
}

@Injectable()
class Shop {
  readonly failing = new Set<string>();
  readonly seen: string[] = [];

  constructor(
    readonly rocketmq: RocketMQTemplate,
    @InjectRocketMQTemplate('billing') readonly billing: RocketMQTemplate,
  ) {}

  @RocketMQMessageListener({ topic: 'order', consumerGroup: 'orders' })
  onOrder({ id }: Invoice): void {
    this.seen.push(`order ${id}`);
  }

  @RocketMQMessageListener({ topic: 'order', consumerGroup: 'orders', cluster: 'billing' })
  async onBilledOrder({ id }: Invoice): Promise<void> {
    this.seen.push(`billed order ${id}`);
    if (this.failing.has(id)) throw new Error('no');
    if (id === 'forward') await this.rocketmq.send('order', { id: 'forwarded' }, { delay: '10m' });
  }
}

@RocketMQMessageListener({ topic: 'invoice', consumerGroup: 'invoices', cluster: 'billing' })
class OnInvoice {
  onMessage(_invoice: Invoice): void {}
}

@RocketMQTransactionListener({ topic: 'invoice', cluster: 'billing' })
class Transactions {
  checkLocalTransaction(): RocketMQLocalTransactionState {
    return RocketMQLocalTransactionState.COMMIT;
  }
}

/** As an app configures its two clusters, both of which are real ones. */
function appModule(...providers: Type[]): Type {
  @Module({
    imports: [
      RocketMQModule.forRoot({ nameServer: '127.0.0.1:1', group: 'shop' }),
      RocketMQModule.forRoot({ name: 'billing', nameServer: '127.0.0.1:2', group: 'shop' }),
    ],
    providers,
  })
  class AppModule {}
  return AppModule;
}

async function start(...providers: Type[]): Promise<Shop> {
  testing = rocketMQTesting({ group: 'shop' });
  app = await Test.createTestingModule({ imports: [appModule(Shop, OnInvoice, ...providers)] })
    .overrideProvider(ROCKETMQ_OPTIONS)
    .useValue(testing.options)
    .overrideProvider(getRocketMQOptionsToken('billing'))
    .useValue(testing.optionsOf('billing', { group: 'shop', consumer: { maxReconsumeTimes: 2 } }))
    .compile();
  await app.init();
  return app.get(Shop);
}

describe('time', () => {
  test('is the same for all clusters, and skips to what is due in any of them', async () => {
    const { billing } = await start();
    const before = testing.now.getTime();
    await billing.send('invoice', { id: 'i1' }, { delay: '30m' });
    await billing.send('order', { id: 'forward' }, { delay: '1h' });
    const { cluster, payload } = await testing.expectConsumed(OnInvoice, { id: 'i1' });
    expect([cluster, payload.id]).toEqual(['billing', 'i1']);
    expect(testing.now.getTime() - before).toBe(30 * MINUTE);
    await testing.expectConsumed('order', { id: 'forwarded' }, { cluster: 'default' });
    expect(testing.now.getTime() - before).toBe(70 * MINUTE);
    await testing.expectConsumed('order', { id: 'forward' }, { cluster: 'billing' });
  });

  test('what is pending names its cluster, and so does a wait that fails', async () => {
    const { rocketmq, billing, failing } = await start(Transactions);
    failing.add('bad');
    await rocketmq.send('order', { id: 'o1' }, { delay: '2h' });
    await billing.send('invoice', { id: 'i1' }, { delay: '1h' });
    await billing.send('order', { id: 'bad' });
    await billing.transaction('invoice', { id: 'half' }, () => RocketMQLocalTransactionState.UNKNOWN);
    await testing.settled();
    const names = testing.pending.map(({ what }) => what);
    expect(names).toContain("order { id: 'o1' }");
    expect(names).toContain("invoice { id: 'i1' } (cluster billing)");
    expect(names).toContainEqual(expect.stringMatching(/^retry for group orders: order .*\(cluster billing\)$/));
    expect(names).toContainEqual(expect.stringMatching(/check of open transactions \(cluster billing\)/));
    const waiting = testing.expectConsumed('order', { id: 'bad' }, { cluster: 'billing', within: '1s' });
    await expect(waiting).rejects.toThrow(
      /no message of topic order like \{ id: 'bad' \} in cluster billing was consumed.*invoice \{ id: 'i1' \} \(cluster billing\), due.*Listeners were given:.*failed by orders: order \{ id: 'bad' \} \(cluster billing\): 'no'/s,
    );
  });

  test('settled waits for the listeners of all clusters, and one that hangs is named with its cluster', async () => {
    let end = (): void => undefined;
    class Slow {
      @RocketMQMessageListener({ topic: 'slow', consumerGroup: 'slow', cluster: 'billing' })
      take(): Promise<void> {
        return new Promise((resolve) => (end = resolve));
      }
    }
    const { billing } = await start(Slow);
    await billing.send('slow', 1);
    await expect(testing.settled({ timeout: 20 })).rejects.toThrow(/Slow\.take.*\(cluster billing\)/);
    end();
    await testing.settled();
    expect(testing.deliveries).toMatchObject([{ outcome: 'consumed', cluster: 'billing' }]);
  });

  test('a check of open transactions is forced in all clusters', async () => {
    const { billing } = await start(Transactions);
    await billing.transaction('invoice', { id: 'half' }, () => RocketMQLocalTransactionState.UNKNOWN);
    testing.expectNothingSent();
    await testing.checkTransactions();
    testing.expectSent('invoice', { id: 'half' }, { cluster: 'billing' });
  });
});

describe('what was sent', () => {
  test('is that of all clusters, in its order, or of one', async () => {
    const { rocketmq, billing } = await start();
    await billing.send('order', { id: '1' });
    await rocketmq.send('order', { id: '2' });
    await billing.send('order', { id: '3' }, { keys: 'k' });
    expect(testing.sent<Invoice>('order').map(({ payload, cluster }) => [payload.id, cluster])).toEqual([
      ['1', 'billing'],
      ['2', 'default'],
      ['3', 'billing'],
    ]);
    expect(testing.sent('order', { cluster: 'default' })).toHaveLength(1);
    testing.expectSent('order', { id: '3' });
    testing.expectSent('order', undefined, { cluster: 'billing', times: 2 });
    expect(() => testing.expectSent('order', { id: '3' }, { cluster: 'default' })).toThrow(
      "no message to order like { id: '3' } in cluster default was sent; sent:\n  order { id: '1' } (cluster billing)\n  order { id: '2' }\n  order [k] { id: '3' } (cluster billing)",
    );
    testing.expectNothingSent('invoice');
    expect(() => testing.expectNothingSent(undefined, { cluster: 'billing' })).toThrow(
      /2 message\(s\) .*in cluster bil/,
    );
    await testing.settled();
    expect([testing.attempts('k'), testing.attempts('k', { cluster: 'default' })]).toEqual([1, 0]);
  });

  test('dead letters are those of the group in any cluster, or in one', async () => {
    const { billing, failing } = await start();
    failing.add('bad');
    await billing.send('order', { id: 'bad' });
    await testing.expectDeadLetter('orders', { id: 'bad' }, { cluster: 'billing' });
    expect(testing.dlq('orders')).toMatchObject([{ cluster: 'billing' }]);
    expect(testing.dlq('orders', { cluster: 'default' })).toEqual([]);
    const waiting = testing.expectDeadLetter('orders', { id: 'bad' }, { cluster: 'default' });
    await expect(waiting).rejects.toThrow(/is a dead letter of group orders in cluster default/);
  });

  test('a delivery without a broker finds the listener in its cluster, or asks which one', async () => {
    const shop = await start();
    await testing.deliver([Shop, 'onBilledOrder'], { id: 'a' });
    await testing.deliver('order', { id: 'b' }, { cluster: 'default' });
    expect(shop.seen).toEqual(['billed order a', 'order b']);
    await expect(testing.deliver('order', {})).rejects.toThrow(/one of its listeners.*onOrder.*onBilledOrder/);
  });

  test('consumed, in real time, looks at all clusters, or at one', async () => {
    const { billing, rocketmq } = await start();
    const any = consumed(app!, { topic: 'order', key: 'k' });
    const ofDefault = consumed(app!, { topic: 'order', cluster: 'default' });
    await billing.send('order', { id: '1' }, { keys: 'k' });
    await rocketmq.send('order', { id: '2' }, { keys: 'l' });
    expect((await any).context.keys).toEqual(['k']);
    expect((await ofDefault).context.keys).toEqual(['l']);
    await expect(consumed(app!, { cluster: 'crm' })).rejects.toMatchObject({ code: 'UNKNOWN_CLUSTER' });
  });
});

describe('faults', () => {
  test('meet the next sends of any cluster, or those of the one that is named', async () => {
    const { rocketmq, billing } = await start();
    testing.faults.rejectSends(1, 'MESSAGE_ILLEGAL');
    await expect(testing.until(billing.send('order', { id: '1' }))).rejects.toMatchObject({ responseCode: 13 });
    await rocketmq.send('order', { id: '2' });
    testing.faults.rejectSends(1, 'MESSAGE_ILLEGAL', { cluster: 'billing' });
    testing.faults.duplicateSends(1, { cluster: 'default' });
    await rocketmq.send('order', { id: '3' });
    await expect(testing.until(billing.send('order', { id: '4' }))).rejects.toMatchObject({ responseCode: 13 });
    await testing.settled();
    expect(testing.deliveries.filter(({ cluster }) => cluster === 'default')).toHaveLength(3);
  });

  test('reorder the deliveries of the cluster that is named only', async () => {
    const shop = await start();
    testing.faults.reorderDeliveries(2, { cluster: 'billing' });
    for (const id of ['1', '2']) {
      await shop.billing.send('order', { id }, { shardingKey: 'a' });
      await shop.rocketmq.send('order', { id }, { shardingKey: 'a' });
      await testing.clock.settle();
    }
    const ofBilling = shop.seen.filter((each) => each.startsWith('billed'));
    expect(ofBilling).toEqual(['billed order 2', 'billed order 1']);
    expect(shop.seen.filter((each) => !ofBilling.includes(each))).toEqual(['order 1', 'order 2']);
  });

  test('a lost connection and a restart, of one cluster or of all, lose nothing', async () => {
    const { rocketmq, billing } = await start();
    await billing.send('order', { id: 'later' }, { delay: '30m' });
    testing.faults.dropConnections();
    await testing.restartBroker({ cluster: 'billing' });
    await testing.until(billing.send('order', { id: '1' }));
    await testing.restartBroker();
    await testing.until(Promise.all([rocketmq.send('order', { id: '2' }), billing.send('order', { id: '3' })]));
    for (const id of ['1', '2', '3', 'later']) await testing.expectConsumed('order', { id });
  });
});

test('a reset empties all clusters, and their stores of what is done', async () => {
  let calls = 0;
  class Once {
    @Idempotent({ key: () => 'k' })
    @RocketMQMessageListener({ topic: 'once', consumerGroup: 'once', cluster: 'billing' })
    take(): void {
      calls++;
    }
  }
  const { billing, rocketmq } = await start(Once);
  await billing.send('once', 1);
  await billing.send('order', { id: 'later' }, { delay: '30m' });
  await rocketmq.send('order', { id: 'later' }, { delayLevel: 16 });
  await testing.settled();
  await testing.reset();
  expect([testing.sent(), testing.deliveries, testing.pending]).toEqual([[], [], []]);
  await testing.advance('2h');
  expect(testing.deliveries).toEqual([]);
  await billing.send('once', 1);
  await testing.expectConsumed('once');
  expect(calls).toBe(2);
});

test('an app whose clusters all have names needs no other words', async () => {
  @RocketMQMessageListener({ topic: 'invoice', consumerGroup: 'invoices', cluster: 'billing' })
  class Only {
    onMessage(_invoice: Invoice): void {}
  }
  testing = rocketMQTesting();
  const imports = [RocketMQModule.forRoot({ name: 'billing', ...testing.optionsOf('billing') })];
  class Sender {
    constructor(@InjectRocketMQTemplate('billing') readonly billing: RocketMQTemplate) {}
  }
  Injectable()(Sender);
  app = await Test.createTestingModule({ imports, providers: [Only, Sender] }).compile();
  await app.init();
  await app.get(Sender).billing.send('invoice', { id: 'i1' }, { delay: '30m' });
  await testing.expectConsumed(Only, { id: 'i1' });
  testing.expectSent('invoice', { id: 'i1' });
});

describe('a mistake in wiring', () => {
  const building = (given: RocketMQTesting): ReturnType<typeof Test.createTestingModule> =>
    Test.createTestingModule({ imports: [appModule(Shop)] })
      .overrideProvider(ROCKETMQ_OPTIONS)
      .useValue(given.options);

  test('says what to do: a cluster is still the real one', async () => {
    testing = rocketMQTesting();
    const module = await building(testing).compile();
    const remedy = /not 'billing'.*overrideProvider\(getRocketMQOptionsToken\('billing'\)\)\.useValue\(testing\.opt/;
    expect(() => testing.sent()).toThrow(remedy);
    await expect(module.init()).rejects.toThrow(remedy);
    await expect(testing.deliver([Shop, 'onOrder'], {})).rejects.toMatchObject({ code: 'TESTING_NOT_WIRED' });
  });

  test('says what to do: one cluster is given the options of another', async () => {
    testing = rocketMQTesting();
    const wrong = building(testing).overrideProvider(getRocketMQOptionsToken('billing')).useValue(testing.options);
    await expect(wrong.compile()).rejects.toThrow(
      /'billing' is given .* of cluster 'default'.*optionsOf\('billing'\)/s,
    );
  });

  test('says what to do: a cluster that the test does not know', async () => {
    const { billing } = await start();
    await billing.send('invoice', { id: 'i1' });
    const unknown = /option cluster .*'biling'; allowed: a cluster of this testing: 'default', 'billing'/;
    const options = { cluster: 'biling' };
    expect(() => testing.sent('invoice', options)).toThrow(unknown);
    expect(() => testing.expectSent('invoice', undefined, options)).toThrow(unknown);
    expect(() => testing.dlq('orders', options)).toThrow(unknown);
    expect(() => testing.faults.loseAcks(1, 'open', options)).toThrow(unknown);
    await expect(testing.restartBroker(options)).rejects.toThrow(unknown);
    await expect(testing.expectConsumed(OnInvoice, undefined, options)).rejects.toThrow(unknown);
    expect(() => testing.sent('invoice', { clustr: 'billing' } as never)).toThrow(/option is called cluster/);
    expect(() => testing.optionsOf('')).toThrow(/option cluster.*the name of a cluster/);
    expect(() => testing.optionsOf('billing', { group: 'late' })).toThrow(/the first call for cluster 'billing'/);
  });
});
