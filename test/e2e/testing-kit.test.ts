// Tests the testing kit on a whole app: time that skips by itself, what was sent, dead letters, and clear failures.
import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import type { INestApplicationContext, Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  RocketMQListener,
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQTemplate,
  RocketMQTransactionListener,
} from 'nest-rocketmq';
import { rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting, TestingOptions } from 'nest-rocketmq/testing';

const MINUTE = 60_000;
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

@RocketMQMessageListener({ topic: 'order-cancel', consumerGroup: 'cancel' })
class CancelOrder implements RocketMQListener<Order> {
  onMessage(_order: Order): void {}
}

@RocketMQMessageListener({ topic: 'pay', consumerGroup: 'pay' })
class Flaky implements RocketMQListener<Order> {
  failures = 2;
  onMessage(): void {
    if (this.failures-- > 0) throw new Error('not yet');
  }
}

describe('time skips by itself', () => {
  test('to a delayed message, however far off it is', async () => {
    await start([CancelOrder]);
    const before = testing.now.getTime();
    await template.send('order-cancel', { id: 'o1' }, { delay: '30m', keys: 'k1' });
    const { payload, context } = await testing.expectConsumed(CancelOrder, { id: 'o1' });
    expect(payload.id).toBe('o1');
    expect(context.keys).toEqual(['k1']);
    expect(testing.now.getTime() - before).toBe(30 * MINUTE);
  });

  test('through retries, and to the dead letters', async () => {
    await start([{ provide: Flaky, useFactory: () => Object.assign(new Flaky(), { failures: Infinity }) }]);
    await template.send('pay', { id: 'o1' }, { keys: 'o1' });
    await testing.expectFailed(Flaky, 'o1', { times: 3 });
    expect(testing.attempts('o1')).toBe(3);
    const { payload } = await testing.expectDeadLetter<Order>('pay', { id: 'o1' });
    expect(payload).toEqual({ id: 'o1' });
    expect(testing.attempts('o1')).toBe(17);
    expect(testing.dlq('pay')).toHaveLength(1);
  });

  test('a retry that succeeds', async () => {
    await start([Flaky]);
    await template.send('pay', { id: 'o1' });
    const { context } = await testing.expectConsumed(Flaky);
    expect(context.reconsumeTimes).toBe(2);
  });
});

describe('what never happens fails at once', () => {
  test('with the list of what is pending, and when', async () => {
    await start([CancelOrder]);
    await template.send('other', { id: 'x' }, { delay: '2h', keys: 'x' });
    await template.send('order-cancel', { id: 'o1' });
    const began = performance.now();
    const waiting = testing.expectConsumed(CancelOrder, { id: 'o2' });
    await expect(waiting).rejects.toThrow(/no message of CancelOrder like \{ id: 'o2' \} was consumed/);
    await expect(waiting).rejects.toThrow(/Listeners were given:\s+consumed by cancel: order-cancel \{ id: 'o1' \}/);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
