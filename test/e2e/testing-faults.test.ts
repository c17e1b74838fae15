// Tests the faults, restarts and resets that the testing kit offers, on a whole app.
import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { INestApplicationContext, Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  RocketMQListener,
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQTemplate,
  RocketMQTransactionListener,
} from 'nest-rocketmq';
import type { RocketMQContext } from 'nest-rocketmq';
import { Idempotent } from 'nest-rocketmq/idempotency';
import { rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting, TestingOptions } from 'nest-rocketmq/testing';
import { leastTime } from './least-time.js';

let testing: RocketMQTesting;
let template: RocketMQTemplate;
const apps: INestApplicationContext[] = [];

beforeEach(() => Logger.overrideLogger(['error']));
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

async function start(providers: Provider[], options: TestingOptions = {}): Promise<INestApplicationContext> {
  testing = rocketMQTesting({ group: 'shop', shutdownTimeout: 50, ...options });
  const app = await Test.createTestingModule({ imports: [testing.module], providers }).compile();
  apps.push(app);
  await app.init();
  template = app.get(RocketMQTemplate);
  return app;
}

interface Order {
  id: string;
}

@RocketMQMessageListener({ topic: 'order', consumerGroup: 'orders' })
class Orders implements RocketMQListener<Order> {
  readonly seen: string[] = [];
  readonly ids: string[] = [];
  onMessage({ id }: Order, context: RocketMQContext): void {
    this.seen.push(id);
    this.ids.push(context.msgId);
  }
}

const { COMMIT, UNKNOWN } = RocketMQLocalTransactionState;

@RocketMQTransactionListener({ topic: 'order' })
class Checks {
  asked = 0;
  checkLocalTransaction(): RocketMQLocalTransactionState {
    this.asked++;
    return COMMIT;
  }
}

describe('faults:', () => {
  test('a refused send is tried again, or rejects with the broker’s code', async () => {
    await start([Orders]);
    testing.faults.rejectSends(1, 'SYSTEM_BUSY');
    await testing.until(template.send('order', { id: 'o1' }));
    testing.faults.rejectSends(1, 'MESSAGE_ILLEGAL');
    await expect(testing.until(template.send('order', { id: 'o2' }))).rejects.toMatchObject({ responseCode: 13 });
    await testing.expectConsumed(Orders, { id: 'o1' });
    expect(testing.sent('order').map(({ payload }) => payload)).toEqual([{ id: 'o1' }]);
  });

  test('a send whose answer is lost rejects after its time-out, and the message is there all the same', async () => {
    await start([Orders]);
    const took = await leastTime(900, async () => {
      testing.faults.loseAcks();
      const before = testing.now.getTime();
      const began = performance.now();
      const sending = testing.until(template.send('order', { id: 'o1' }));
      await expect(sending).rejects.toMatchObject({ code: 'SEND_FAILED', reason: 'timeout' });
      expect(testing.now.getTime() - before).toBeGreaterThanOrEqual(3_000);
      return performance.now() - began;
    });
    await testing.expectConsumed(Orders, { id: 'o1' });
    expect(took).toBeLessThan(900);
  });

  test('a lost answer with a lost connection makes the producer send again, so that the message comes twice', async () => {
    const app = await start([Orders]);
    testing.faults.loseAcks(1, 'closed');
    await testing.until(template.send('order', { id: 'o1' }));
    await testing.expectConsumed(Orders, { id: 'o1' }, { times: 2 });
    const { ids } = app.get(Orders);
    expect(ids[0]).toBe(ids[1]);
  });

  test('a duplicate has the same id', async () => {
    const app = await start([Orders]);
    testing.faults.duplicateSends();
    await template.send('order', { id: 'o1' });
    await testing.expectConsumed(Orders, { id: 'o1' }, { times: 2 });
    expect(new Set(app.get(Orders).ids).size).toBe(1);
    expect(testing.attempts(app.get(Orders).ids[0]!)).toBe(2);
  });

  test('deliveries change places', async () => {
    const app = await start([Orders]);
    testing.faults.reorderDeliveries(3);
    for (const id of ['o1', 'o2', 'o3', 'o4']) await template.send('order', { id }, { shardingKey: 'a' });
    await testing.settled();
    expect(app.get(Orders).seen).toEqual(['o3', 'o2', 'o1', 'o4']);
  });

  test('a delivery that is held back for others that never come goes on when nothing else happens', async () => {
    await start([Orders]);
    testing.faults.reorderDeliveries(5);
    await template.send('order', { id: 'o1' });
    await testing.expectConsumed(Orders, { id: 'o1' });
  });

  test('dropped connections are made anew, and nothing is lost', async () => {
    await start([Orders]);
    await template.send('order', { id: 'o1' });
    testing.faults.dropConnections();
    await testing.until(template.send('order', { id: 'o2' }));
    await testing.expectConsumed(Orders, { id: 'o1' });
    await testing.expectConsumed(Orders, { id: 'o2' });
  });
});

describe('a restart of the broker', () => {
  test('keeps what is stored: delayed messages, offsets, open transactions', async () => {
    const app = await start([Orders, Checks]);
    await template.send('order', { id: 'now' });
    await testing.expectConsumed(Orders, { id: 'now' });
    await template.send('order', { id: 'level' }, { delayLevel: 16 });
    await template.send('order', { id: 'timed' }, { delay: '37m' });
    await template.transaction('order', { id: 'half' }, () => UNKNOWN);
    await testing.restartBroker();
    await testing.until(template.send('order', { id: 'after' }));
    for (const id of ['after', 'level', 'timed', 'half']) await testing.expectConsumed(Orders, { id });
    expect(app.get(Orders).seen.toSorted()).toEqual(['after', 'half', 'level', 'now', 'timed']);
  });

  test('forgets what a reset has discarded before', async () => {
    const app = await start([Orders, Checks]);
    await template.send('order', { id: 'timed' }, { delay: '37m' });
    await template.send('order', { id: 'level' }, { delayLevel: 16 });
    await testing.reset();
    await testing.restartBroker();
    await testing.until(template.send('order', { id: 'after' }));
    await testing.advanceToEnd();
    await testing.advance('2h');
    expect(app.get(Orders).seen).toEqual(['after']);
  });
});

test('a forced check of transactions asks at once, however young they are', async () => {
  const app = await start([Orders, Checks]);
  await template.transaction('order', { id: 'o1' }, () => UNKNOWN);
  testing.expectNothingSent();
  const before = testing.now;
  await testing.checkTransactions();
  expect(app.get(Checks).asked).toBe(1);
  expect(testing.now).toEqual(before);
  await testing.expectConsumed(Orders, { id: 'o1' });
  testing.expectSent('order', { id: 'o1' });
});

describe('a reset', () => {
  @RocketMQMessageListener({ topic: 'stuck', consumerGroup: 'stuck', consumeMode: 'ORDERLY' })
  class Stuck {
    calls: unknown[] = [];
    onMessage(order: Order): void {
      this.calls.push(order.id);
      if (order.id === 'bad') throw new Error('no');
    }
  }

  test('empties the broker, and the same app goes on', async () => {
    const app = await start([Orders, Checks, Stuck]);
    Logger.overrideLogger(false);
    await template.send('order', { id: 'timed' }, { delay: '37m' });
    await template.send('order', { id: 'level' }, { delayLevel: 16 });
    await template.transaction('order', { id: 'half' }, () => UNKNOWN);
    await template.send('stuck', { id: 'bad' }, { shardingKey: 'a' });
    await template.send('order', { id: 'o1' });
    await testing.expectFailed(Stuck, { id: 'bad' }, { times: 3 });
    await testing.reset();
    expect(testing.sent()).toEqual([]);
    expect(testing.deliveries).toEqual([]);
    expect(testing.pending).toEqual([]);
    app.get(Orders).seen.length = 0;
    app.get(Stuck).calls.length = 0;
    await template.send('stuck', { id: 'good' }, { shardingKey: 'a' });
    await template.send('order', { id: 'o2' });
    await testing.expectConsumed(Stuck, { id: 'good' });
    await testing.expectConsumed(Orders, { id: 'o2' });
    await testing.advance('1d');
    expect(app.get(Orders).seen).toEqual(['o2']);
    expect(app.get(Stuck).calls).toEqual(['good']);
    expect(app.get(Checks).asked).toBe(0);
  });

  test('has a key that was done count as new again', async () => {
    @RocketMQMessageListener({ topic: 'pay', consumerGroup: 'pay' })
    class Pay {
      calls = 0;
      @Idempotent()
      onMessage(): void {
        this.calls++;
      }
    }
    const app = await start([Pay]);
    for (const expected of [1, 1]) {
      app.get(Pay).calls = 0;
      await template.send('pay', { id: 'o1' }, { keys: 'o1' });
      await template.send('pay', { id: 'o1' }, { keys: 'o1' });
      await testing.expectConsumed(Pay, 'o1', { times: 2 });
      expect(app.get(Pay).calls).toBe(expected);
      await testing.reset();
    }
  });

  test('takes next to no time', async () => {
    await start([Orders]);
    const took = await leastTime(5, async () => {
      await template.send('order', { id: 'o' }, { delay: '1h' });
      const began = performance.now();
      await testing.reset();
      return performance.now() - began;
    });
    expect(took).toBeLessThan(5);
  });
});

test('an app closes whatever the clock shows: with a send that waits for its answer, and messages that wait', async () => {
  await start([Orders]);
  Logger.overrideLogger(false);
  await template.send('order', { id: 'o1' }, { delay: '1d' });
  testing.faults.loseAcks(10);
  const sending = template.send('order', { id: 'o2' }).catch((error: unknown) => error);
  await testing.settled();
  await apps.pop()!.close();
  expect(await sending).toBeInstanceOf(Error);
  expect(testing.clock.pending).toBe(0);
});
