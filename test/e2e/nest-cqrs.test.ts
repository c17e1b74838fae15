// Tests the bridge from the EventBus of @nestjs/cqrs to topics and back.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Injectable, Scope } from '@nestjs/common';
import {
  AggregateRoot,
  CqrsModule,
  EventBus,
  EventPublisher,
  EventsHandler,
  UnhandledExceptionBus,
} from '@nestjs/cqrs';
import type { IEventHandler } from '@nestjs/cqrs';
import { RocketMQMessageListener, RocketMQTemplate } from 'nest-rocketmq';
import { RocketMQCqrsModule, eventTo } from 'nest-rocketmq/cqrs';
import type { RocketMQCqrsOptions } from 'nest-rocketmq/cqrs';
import { consumed, failed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';
import type { TestApp } from './nest-harness.js';

const timeout = PATIENCE_MS;

class OrderPaid {
  constructor(
    readonly id: string,
    readonly amount: number,
  ) {}

  get isLarge(): boolean {
    return this.amount > 100;
  }
}

class OrderShipped {
  constructor(readonly id: string) {}
}

class OrderSeen {}

let topic: string;
const got: unknown[] = [];

beforeEach(() => {
  topic = unique('cqrs');
  got.length = 0;
});

afterEach(closeApps);

@EventsHandler(OrderPaid)
class OnPaid implements IEventHandler<OrderPaid> {
  handle(event: OrderPaid): void {
    got.push([event instanceof OrderPaid, event.id, event.isLarge]);
  }
}

@EventsHandler(OrderShipped, OrderSeen)
class OnOther implements IEventHandler<object> {
  handle(event: object): void {
    got.push(event.constructor.name);
  }
}

class Order extends AggregateRoot {
  constructor(private readonly id: string) {
    super();
  }
  pay(amount: number): void {
    this.apply(new OrderPaid(this.id, amount));
    this.apply(new OrderShipped(this.id));
  }
}

type Handler = new (...args: never[]) => IEventHandler;

function bridged(
  providers: (Handler | (new () => object))[],
  options: Partial<RocketMQCqrsOptions> = {},
): Promise<TestApp> {
  const cqrs = RocketMQCqrsModule.forRoot({
    events: [
      eventTo(OrderPaid, `${topic}:paid`, { sendOptions: ({ id }) => ({ keys: id, shardingKey: id }) }),
      eventTo(OrderShipped, `${topic}:shipped`, { sendOptions: ({ id }) => ({ shardingKey: id }) }),
    ],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    ...options,
  });
  return startApp({ imports: [CqrsModule.forRoot(), cqrs], providers });
}

test("an aggregate's commit sends its events to their topics, and they come back to handlers as events, once", async () => {
  const app = await bridged([OnPaid, OnOther]);
  const order = app.module.get(EventPublisher).mergeObjectContext(new Order('o1'));
  const done = consumed(app.module, { topic }, { times: 2, timeout });
  order.pay(500);
  order.commit();
  expect(got).toEqual([]);
  await app.elapse(done, '60s');
  expect(got).toHaveLength(2);
  expect(got).toEqual(expect.arrayContaining([[true, 'o1', true], 'OrderShipped']));
  // Nothing was sent again: a message that comes after them is the next.
  const next = consumed(app.module, { topic }, { timeout });
  await app.module.get(EventBus).publish(new OrderPaid('o2', 1));
  const { context } = await app.elapse(next, '60s');
  expect(context.keys).toEqual(['o2']);
  expect(got).toHaveLength(3);
});

test('an event that is not declared stays in the process; one with listen: false is handled at once and sent, too', async () => {
  const sent: unknown[] = [];
  class Elsewhere {
    @RocketMQMessageListener({
      topic,
      consumerGroup: unique('elsewhere'),
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    })
    take(payload: unknown): void {
      sent.push(payload);
    }
  }
  const app = await bridged([OnPaid, OnOther, Elsewhere], {
    events: [eventTo(OrderPaid, `${topic}:paid`, { listen: false })],
  });
  const bus = app.module.get(EventBus);
  const done = consumed(app.module, { topic }, { timeout });
  bus.publish(new OrderSeen());
  await bus.publish(new OrderPaid('o1', 1));
  expect(got).toEqual(['OrderSeen', [true, 'o1', false]]);
  await app.elapse(done, '60s');
  expect(sent).toEqual([{ id: 'o1', amount: 1 }]);
  expect(got).toHaveLength(2);
});

test('a message that has a field for a getter of the class, or one named __proto__, is an event of the class all the same', async () => {
  const app = await bridged([OnPaid]);
  const done = consumed(app.module, { topic }, { timeout });
  const fromJava = '{"id":"o1","amount":200,"isLarge":true,"__proto__":{"id":"other"}}';
  await app.module.get(RocketMQTemplate).send(`${topic}:paid`, Buffer.from(fromJava));
  await app.elapse(done, '60s');
  expect(got).toEqual([[true, 'o1', true]]);
});

test.each([
  ['a singleton', Scope.DEFAULT],
  ['request-scoped', Scope.REQUEST],
])(
  'an event whose handler fails comes again to all handlers, and the UnhandledExceptionBus has the error: %s',
  async (_what, scope) => {
    let calls = 0;
    @Injectable({ scope })
    @EventsHandler(OrderPaid)
    class Failing implements IEventHandler<OrderPaid> {
      async handle(): Promise<void> {
        await Promise.resolve();
        if (++calls === 1) throw new Error('on purpose');
      }
    }
    const app = await bridged([OnPaid, Failing], { retry: { backoff: '1s' } });
    const unhandled: unknown[] = [];
    app.module.get(UnhandledExceptionBus).subscribe(({ exception }) => unhandled.push(exception));
    const once = failed(app.module, { topic }, { timeout });
    const done = consumed(app.module, { topic }, { timeout });
    await app.module.get(EventBus).publish(new OrderPaid('o1', 1));
    const { error } = await app.elapse(once, '60s');
    expect(error).toEqual(new Error('on purpose'));
    const { context } = await app.elapse(done, '60s');
    expect(context.reconsumeTimes).toBe(1);
    expect(calls).toBe(2);
    expect(got).toEqual([
      [true, 'o1', false],
      [true, 'o1', false],
    ]);
    expect(unhandled).toEqual([new Error('on purpose')]);
  },
);

test('an event that cannot be sent rejects for who awaits it, and after a commit goes to the UnhandledExceptionBus with those behind it', async () => {
  const app = await bridged([OnPaid, OnOther], {
    events: [
      eventTo(OrderPaid, `${topic}:paid`, { sendOptions: () => ({ keys: 'not one key' }) }),
      eventTo(OrderShipped, `${topic}:shipped`),
    ],
  });
  const unhandled: unknown[] = [];
  app.module.get(UnhandledExceptionBus).subscribe(({ cause }) => unhandled.push(cause));
  await expect(app.module.get(EventBus).publish(new OrderPaid('o1', 1))).rejects.toThrow(/keys/);
  const order = app.module.get(EventPublisher).mergeObjectContext(new Order('o2'));
  order.pay(1);
  order.commit();
  await new Promise(setImmediate);
  expect(unhandled).toEqual([new OrderPaid('o1', 1), new OrderPaid('o2', 1), new OrderShipped('o2')]);
});

test('wrong events are refused with their place', () => {
  const refused =
    (events: unknown): (() => unknown) =>
    () =>
      RocketMQCqrsModule.forRoot({ events } as never);
  expect(refused([])).toThrow(/option events of RocketMQCqrsModule.forRoot/);
  expect(refused([eventTo(OrderPaid, 'a b')])).toThrow(/events\[0\].destination/);
  expect(refused([eventTo(OrderPaid, 'a'), eventTo(OrderPaid, 'b')])).toThrow(/events\[1\]\.event .* is 'OrderPaid'/);
  expect(refused([eventTo(OrderPaid, 'a'), eventTo(OrderShipped, 'a')])).toThrow(/'a:OrderShipped'/);
  expect(refused([{ ...eventTo(OrderPaid, 'a'), sendoptions: 1 }])).toThrow(/the option is called sendOptions/);
});
