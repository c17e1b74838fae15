// Provides an app with a listener, and tests of it for any runner, which gives its functions.
import 'reflect-metadata';
import { Injectable, Logger, Module } from '@nestjs/common';
import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ROCKETMQ_OPTIONS, RocketMQMessageListener, RocketMQModule, RocketMQTemplate } from 'nest-rocketmq';
import type { RocketMQListener } from 'nest-rocketmq';
import { rocketMQTesting } from 'nest-rocketmq/testing';

Logger.overrideLogger(false);

interface Order {
  id: string;
  amount: number;
}

@Injectable()
export class Orders {
  constructor(private readonly rocketmq: RocketMQTemplate) {}

  cancelLater(order: Order): Promise<unknown> {
    return this.rocketmq.send('order-cancel', order, { delay: '30m', keys: order.id });
  }
}

@RocketMQMessageListener({ topic: 'order-cancel', consumerGroup: 'cancel' })
export class CancelOrder implements RocketMQListener<Order> {
  onMessage({ amount }: Order): void {
    if (amount < 0) throw new Error('less than nothing');
  }
}

@Module({ imports: [RocketMQModule.forRoot()], providers: [Orders, CancelOrder] })
export class AppModule {}

export interface Runner {
  test(name: string, body: () => Promise<void>): void;
  beforeAll(body: () => Promise<void>): void;
  beforeEach(body: () => Promise<void>): void;
  afterAll(body: () => Promise<void>): void;
  /** Fails unless they are equal. */
  equal(actual: unknown, expected: unknown): void;
  /** Stands for any number in a match, where the runner has such a thing. */
  readonly anyNumber?: number;
}

export function testOrders({ test, beforeAll, beforeEach, afterAll, equal, anyNumber }: Runner): void {
  const testing = rocketMQTesting({ group: 'shop' });
  let app: INestApplicationContext;

  beforeAll(async () => {
    const building = Test.createTestingModule({ imports: [AppModule] });
    app = await building.overrideProvider(ROCKETMQ_OPTIONS).useValue(testing.options).compile();
    await app.init();
  });
  beforeEach(() => testing.reset());
  afterAll(() => app.close());

  test('an order is cancelled after half an hour', async () => {
    await app.get(Orders).cancelLater({ id: 'o1', amount: 7 });
    const { payload } = await testing.expectConsumed(CancelOrder, { id: 'o1', amount: anyNumber ?? 7 });
    equal(payload.amount, 7);
  });

  test('one that fails is a dead letter after its retries', async () => {
    await app.get(Orders).cancelLater({ id: 'o2', amount: -1 });
    await testing.expectDeadLetter<Order>('cancel', ({ id }) => id === 'o2');
    equal(testing.attempts('o2'), 17);
  });

  test('what never happens fails at once', async () => {
    const error: unknown = await testing.expectConsumed(CancelOrder).catch((reason: unknown) => reason);
    equal((error as { code: string }).code, 'NOT_CONSUMED');
  });
}
