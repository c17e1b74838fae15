// Tests tries in place together with idempotency, and exception filters that are request-scoped.
import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Catch, Inject, Injectable, Logger, Scope, UseFilters, UseGuards } from '@nestjs/common';
import type { ArgumentsHost, CanActivate, ExceptionFilter, Provider } from '@nestjs/common';
import { APP_FILTER, REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { RocketMQContext, RocketMQMessageListener, RocketMQTemplate, switchToRocketMQ } from 'nest-rocketmq';
import { Idempotent, RocketMQIdempotency } from 'nest-rocketmq/idempotency';
import type { IdempotencyEvent, IdempotentOptions } from 'nest-rocketmq/idempotency';
import { rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting } from 'nest-rocketmq/testing';

interface Order {
  id: string;
}

let testing: RocketMQTesting;
let template: RocketMQTemplate;
let app: TestingModule | undefined;

beforeEach(() => Logger.overrideLogger(false));
afterEach(async () => {
  await app?.close();
  app = undefined;
});

async function start(...providers: Provider[]): Promise<TestingModule> {
  testing = rocketMQTesting({ group: 'shop', shutdownTimeout: 50 });
  app = await Test.createTestingModule({ imports: [testing.module], providers }).compile();
  await app.init();
  template = app.get(RocketMQTemplate);
  return app;
}

describe('inPlace, of a listener that is idempotent', () => {
  const told: IdempotencyEvent['kind'][] = [];
  let calls: string[];

  beforeEach(() => {
    told.length = 0;
    calls = [];
  });

  /** @param work of the listener, with the number of its call */
  async function startOrders(
    work: (call: number, order: Order) => unknown,
    options: IdempotentOptions<Order> = {},
    batch?: { size: number },
  ): Promise<void> {
    const take = async (order: Order): Promise<unknown> => work(calls.push(order.id), order);
    class Orders {
      @Idempotent<Order>({ key: ({ id }) => id, ...options })
      @RocketMQMessageListener({
        topic: 'order',
        consumerGroup: 'orders',
        retry: { inPlace: 2 },
        ...(batch && { batch }),
      })
      async take(given: Order | { payload: Order }[]): Promise<unknown> {
        if (!Array.isArray(given)) return take(given);
        return Promise.allSettled(given.map(({ payload }) => take(payload)));
      }
    }
    const module = await start(Orders);
    module.get(RocketMQIdempotency).events.subscribe(({ kind }) => told.push(kind));
  }

  test.each([
    ['one by one', undefined],
    ['in lists', { size: 5 }],
  ])('%s: a try after a failure is no duplicate, and the work is done once', async (_how, batch) => {
    await startOrders((call) => (call < 3 ? Promise.reject(new Error('not yet')) : undefined), {}, batch);
    await template.send('order', { id: 'o1' });
    await testing.settled();
    expect(calls).toEqual(['o1', 'o1', 'o1']);
    expect(testing.deliveries).toMatchObject([{ outcome: 'consumed' }]);
    expect(told).not.toContain('duplicate');
    await template.send('order', { id: 'o1' });
    await testing.settled();
    expect(calls).toHaveLength(3);
    expect(told.filter((kind) => kind === 'duplicate')).toHaveLength(1);
  });

  test('a copy that meets another at work is not tried at once: it comes again later, as a duplicate', async () => {
    let finish = (): void => undefined;
    await startOrders(() => new Promise<void>((resolve) => (finish = resolve)));
    await template.send('order', { id: 'o1' });
    await template.send('order', { id: 'o1' });
    while (testing.deliveries.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(told.filter((kind) => kind === 'inProgress')).toHaveLength(1);
    expect(testing.deliveries).toMatchObject([{ outcome: 'failed', error: { code: 'MESSAGE_IN_PROGRESS' } }]);
    finish();
    const { context } = await testing.expectConsumed('order', { id: 'o1' }, { times: 2 });
    expect([calls, context.reconsumeTimes]).toEqual([['o1'], 1]);
    expect(told.filter((kind) => kind === 'duplicate')).toHaveLength(1);
  });

  test('a result that is kept is that of the try that succeeded', async () => {
    await startOrders((call) => (call === 1 ? Promise.reject(new Error('no')) : { call }), { storeResult: true });
    const ask = (): Promise<unknown> => testing.until(template.request('order', { id: 'o1' }));
    expect([await ask(), await ask()]).toEqual([{ call: 2 }, { call: 2 }]);
    expect(calls).toHaveLength(2);
  });
});

describe('a request-scoped exception filter', () => {
  let seen: { filter: object; request: unknown; ticket: object; context: unknown; of: string }[];
  let tickets: Map<string, object>;

  beforeEach(() => {
    seen = [];
    tickets = new Map();
  });

  /** One for each message. */
  @Injectable({ scope: Scope.REQUEST })
  class Ticket {}

  @Injectable({ scope: Scope.REQUEST })
  class TakesTicket implements CanActivate {
    constructor(
      @Inject(REQUEST) private readonly request: RocketMQContext,
      private readonly ticket: Ticket,
    ) {}
    canActivate(): boolean {
      tickets.set(this.request.keys[0]!, this.ticket);
      return true;
    }
  }

  @Catch()
  @Injectable({ scope: Scope.REQUEST })
  class Filter implements ExceptionFilter {
    constructor(
      @Inject(REQUEST) private readonly request: unknown,
      private readonly ticket: Ticket,
    ) {}
    catch(error: Error, host: ArgumentsHost): void {
      const { request, ticket } = this;
      seen.push({ filter: this, request, ticket, context: switchToRocketMQ(host).getContext(), of: error.message });
    }
  }

  class Bound {
    @UseGuards(TakesTicket)
    @UseFilters(Filter)
    @RocketMQMessageListener({ topic: 'order', consumerGroup: 'orders', maxReconsumeTimes: 1 })
    async take({ id }: Order): Promise<void> {
      // All of them are under way at the same time.
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error(id);
    }
  }

  class Plain {
    @UseGuards(TakesTicket)
    @RocketMQMessageListener({ topic: 'order', consumerGroup: 'orders', maxReconsumeTimes: 1 })
    async take({ id }: Order): Promise<void> {
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error(id);
    }
  }

  test.each<[string, Provider[]]>([
    ['of a method', [Bound, Ticket]],
    ['of the app', [Plain, Ticket, { provide: APP_FILTER, useClass: Filter, scope: Scope.REQUEST }]],
  ])('%s: each delivery has its own, with its context as REQUEST', async (_how, providers) => {
    await start(...providers);
    const ids = ['o1', 'o2', 'o3'];
    await Promise.all(ids.map((id) => template.send('order', { id }, { keys: id })));
    await testing.settled();
    expect(new Set(seen.map(({ of }) => of))).toEqual(new Set(ids));
    for (const { request, context, of, ticket } of seen) {
      expect(request).toBe(context);
      expect((request as RocketMQContext).keys).toEqual([of]);
      // What guard and filter of one delivery are given is one.
      expect(ticket).toBe(tickets.get(of));
    }
    expect(new Set(seen.map(({ filter }) => filter)).size).toBe(3);
    await testing.expectFailed('order', 'o1', { times: 2 });
    expect(new Set(seen.map(({ filter }) => filter)).size).toBe(seen.length);
  });
});
