// Tests what listeners receive, and what happens when they fail.
import { afterEach, describe, expect, test } from '@jest/globals';
import { Controller, Inject, Injectable, Scope, UseFilters } from '@nestjs/common';
import type { CanActivate, ExceptionFilter } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, REQUEST } from '@nestjs/core';
import { RocketMQContext, RocketMQMessageListener } from 'nest-rocketmq';
import type { RocketMQListener } from 'nest-rocketmq';
import { consumed, failed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, onCluster, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;

afterEach(closeApps);

interface Order {
  id: string;
}

test('a class listens, and receives the payload and everything about the delivery', async () => {
  const topic = unique('orders');
  const consumerGroup = unique('class');
  const seen: [Order, RocketMQContext][] = [];

  @RocketMQMessageListener({ topic, consumerGroup })
  class OnOrder implements RocketMQListener<Order> {
    onMessage(order: Order, context: RocketMQContext): void {
      seen.push([order, context]);
    }
  }

  const app = await startApp({ providers: [OnOrder] });
  const arrival = consumed(app.module, { topic }, { timeout });
  const sent = await app.template.send(
    `${topic}:created`,
    { id: 'o1' },
    { keys: ['o1', 'k2'], properties: { colour: 'red' } },
  );
  expect(sent.sendStatus).toBe('SEND_OK');
  await app.elapse(arrival, '30s');

  expect(seen).toHaveLength(1);
  const [order, context] = seen[0]!;
  expect(order).toEqual({ id: 'o1' });
  expect(context).toMatchObject({
    topic,
    tags: 'created',
    keys: ['o1', 'k2'],
    msgId: sent.msgId,
    group: consumerGroup,
    reconsumeTimes: 0,
    queueId: sent.messageQueue.queueId,
    queueOffset: sent.queueOffset,
  });
  expect(context.properties.get('colour')).toBe('red');
  expect(context.storeTimestamp).toBeGreaterThan(0);
  expect(context.signal.aborted).toBe(false);
  expect(context.message.body.toString()).toBe('{"id":"o1"}');
});

test('methods listen, and listeners of one group divide a topic by tags', async () => {
  const topic = unique('orders');
  const seen: string[] = [];

  @Injectable()
  class Service {
    @RocketMQMessageListener({ topic, tags: 'created' })
    created(id: string): void {
      seen.push(`created ${id}`);
    }
  }

  @Controller()
  class Web {
    @RocketMQMessageListener({ topic, tags: ['paid', 'refunded'] })
    money(id: string, context: RocketMQContext): void {
      seen.push(`${context.tags} ${id}`);
    }
  }

  const app = await startApp({ providers: [Service], controllers: [Web] });
  const arrivals = consumed(app.module, { topic }, { times: 3, timeout });
  for (const tag of ['created', 'lost', 'paid', 'refunded']) await app.template.send({ topic, tag }, 'o1');
  await app.elapse(arrivals, '30s');
  expect(seen.sort()).toEqual(['created o1', 'paid o1', 'refunded o1']);
});

test('listeners of one group filter by SQL92 and by tags, each its own topic', async () => {
  const [orders, others] = [unique('orders'), unique('others')];
  const seen: string[] = [];

  @Injectable()
  class Filtering {
    @RocketMQMessageListener({
      topic: orders,
      selectorType: 'SQL92',
      selectorExpression: "amount BETWEEN 100 AND 200 AND (country IN ('CH', 'AT') OR TAGS = 'vip')",
    })
    rich(id: string): void {
      seen.push(`rich ${id}`);
    }

    @RocketMQMessageListener({ topic: others, selectorExpression: 'a || b' })
    tagged(id: string): void {
      seen.push(`tagged ${id}`);
    }
  }

  const app = await startApp({ providers: [Filtering] });
  const arrivals = Promise.all([
    consumed(app.module, { topic: orders }, { times: 2, timeout }),
    consumed(app.module, { topic: others }, { times: 2, timeout }),
  ]);
  const order = (id: string, amount: string, country: string, tag = ''): Promise<unknown> =>
    app.template.send(tag ? `${orders}:${tag}` : orders, id, { properties: { amount, country } });
  await order('poor', '99', 'CH');
  await order('abroad', '150', 'FR');
  await order('swiss', '150', 'CH');
  await order('text', 'much', 'CH');
  await order('vip', '200', 'FR', 'vip');
  for (const tag of ['c', 'a', 'b']) await app.template.send(`${others}:${tag}`, tag);
  await app.elapse(arrivals, '30s');
  expect(seen.sort()).toEqual(['rich swiss', 'rich vip', 'tagged a', 'tagged b']);
});

test('each group gets every message', async () => {
  const topic = unique('orders');
  const groups = [unique('a'), unique('b')];

  @Injectable()
  class Both {
    @RocketMQMessageListener({ topic, consumerGroup: groups[0] })
    a(): void {}

    @RocketMQMessageListener({ topic, consumerGroup: groups[1] })
    b(): void {}
  }

  const app = await startApp({ providers: [Both] });
  const arrivals = Promise.all(groups.map((group) => consumed(app.module, { topic, group }, { timeout })));
  await app.template.send(topic, 1);
  await app.elapse(arrivals, '30s');
});

test.each<[string, 'json' | 'string' | 'buffer', unknown, unknown]>([
  ['an object', 'json', { list: [1, null], text: 'ü' }, { list: [1, null], text: 'ü' }],
  ['a text', 'json', 'hello', 'hello'],
  ['a text that is JSON', 'json', '{"a":1}', '{"a":1}'],
  ['a text of digits', 'json', '42', '42'],
  ['null', 'json', null, null],
  ['a text that is asked for', 'string', '{"not":"parsed"}', '{"not":"parsed"}'],
  ['bytes', 'buffer', Buffer.from([0, 1, 255]), Buffer.from([0, 1, 255])],
])('%s arrives as it was sent', async (_what, payload, sent, expected) => {
  const topic = unique('payload');
  const seen: unknown[] = [];

  class Listener {
    @RocketMQMessageListener({ topic, payload })
    take(message: unknown): void {
      seen.push(message);
    }
  }

  const app = await startApp({ providers: [Listener] });
  const arrival = consumed(app.module, { topic }, { timeout });
  await app.template.convertAndSend(topic, sent);
  await app.elapse(arrival, '30s');
  expect(seen).toEqual([expected]);
});

test('one-way messages arrive too', async () => {
  const topic = unique('oneway');

  class Listener {
    @RocketMQMessageListener({ topic })
    take(): void {}
  }

  const app = await startApp({ providers: [Listener] });
  await app.template.send(topic, 'so that the topic is there');
  const arrival = consumed(app.module, { topic, key: 'oneway' }, { timeout });
  await app.template.sendOneWay(topic, 'x', { keys: 'oneway' });
  await app.elapse(arrival, '30s');
});

describe('a failed delivery is never acknowledged', () => {
  class AnswersEverything implements ExceptionFilter {
    catch(): string {
      return 'handled';
    }
  }

  test.each<[string, () => unknown]>([
    [
      'a throw',
      () => {
        throw new Error('not now');
      },
    ],
    ['a rejected promise', () => Promise.reject(new Error('not now'))],
  ])('%s brings it again, also with a global filter that answers every error', async (_what, fail) => {
    const topic = unique('again');
    const deliveries: number[] = [];

    @RocketMQMessageListener({ topic })
    class FailsOnce implements RocketMQListener {
      onMessage(_message: unknown, context: RocketMQContext): unknown {
        deliveries.push(context.reconsumeTimes);
        return context.reconsumeTimes === 0 ? fail() : undefined;
      }
    }

    const app = await startApp({ providers: [FailsOnce, { provide: APP_FILTER, useClass: AnswersEverything }] });
    const success = consumed(app.module, { topic }, { timeout });
    const failure = failed(app.module, { topic }, { timeout });
    const { msgId } = await app.template.send(topic, { id: 1 });
    await app.elapse(failure, '30s');
    const { context } = await app.elapse(success, '60s');
    expect(deliveries).toEqual([0, 1]);
    expect(context.topic).toBe(topic);
    expect(context.msgId).toBe(msgId);
  });

  test('a body that cannot be read goes to the dead letters', async () => {
    const topic = unique('unreadable');
    const consumerGroup = unique('reader');

    class Listeners {
      @RocketMQMessageListener({ topic, consumerGroup })
      read(): void {}

      @RocketMQMessageListener({ topic: `%DLQ%${consumerGroup}`, consumerGroup: unique('dead'), payload: 'string' })
      dead(): void {}
    }

    const app = await startApp({ providers: [Listeners] });
    const dead = consumed(app.module, { topic: `%DLQ%${consumerGroup}` }, { timeout });
    await app.template.send(topic, Buffer.from('<xml/>'));
    const { context } = await app.elapse(dead, '60s');
    expect(context.message.body.toString()).toBe('<xml/>');
  });
});

test('a delayed message comes when its level is over, not before', async () => {
  const topic = unique('delayed');

  class Listener {
    @RocketMQMessageListener({ topic })
    take(): void {}
  }

  const app = await startApp({ providers: [Listener] });
  const first = consumed(app.module, { topic, key: 'now' }, { timeout });
  await app.template.send(topic, 1, { keys: 'now' });
  await app.elapse(first, '30s');

  const arrival = consumed(app.module, { topic, key: 'later' }, { timeout });
  const { msgId } = await app.template.send(topic, 2, { keys: 'later', delay: '10s' });
  const { context } = await app.elapse(arrival, '60s');
  expect(context.msgId).toBe(msgId);
  expect(context.storeTimestamp - context.bornTimestamp).toBeGreaterThanOrEqual(10_000);
  expect(context.storeTimestamp - context.bornTimestamp).toBeLessThan(onCluster ? 40_000 : 11_000);
});

test('messages of one sharding key share a queue', async () => {
  const topic = unique('sharded');
  const app = await startApp({});
  const sent = [];
  for (let index = 0; index < 5; index++)
    sent.push(await app.template.send(topic, index, { shardingKey: 'customer-7' }));
  expect(new Set(sent.map(({ messageQueue }) => messageQueue.queueId)).size).toBe(1);
});

test('a message that a guard denies is a failure: it comes again, and filters cannot change that', async () => {
  const topic = unique('guarded');
  const log: string[] = [];

  @Injectable({ scope: Scope.REQUEST })
  class OnSecondDelivery implements CanActivate {
    constructor(@Inject(REQUEST) private readonly context: RocketMQContext) {}
    canActivate(): boolean {
      return this.context.reconsumeTimes > 0;
    }
  }

  class Seen implements ExceptionFilter {
    catch(error: Error): string {
      log.push(error.message);
      return 'handled';
    }
  }

  @UseFilters(Seen)
  class Guarded {
    @RocketMQMessageListener({ topic })
    take(message: string): void {
      log.push(message);
    }
  }

  const guard = { provide: APP_GUARD, useClass: OnSecondDelivery, scope: Scope.REQUEST };
  const factory = { provide: 'guarded', useFactory: () => new Guarded() };
  const app = await startApp({ providers: [guard, factory] });
  const failure = failed(app.module, { topic }, { timeout });
  const success = consumed(app.module, { topic }, { timeout });
  await app.template.send(topic, 'let in');
  await app.elapse(failure, '30s');
  await app.elapse(success, '60s');
  expect(log).toEqual(['Forbidden resource: denied by OnSecondDelivery', 'let in']);
});
