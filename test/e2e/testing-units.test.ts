// Tests what the testing kit offers without a broker: deliveries to a listener through its pipeline, and a template that records.
import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Injectable, Logger, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor, PipeTransform, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { BatchSendFailedError, Outcome } from '@nest-rocketmq/client';
import {
  JsonMessageConverter,
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQTemplate,
  batchMessage,
} from 'nest-rocketmq';
import type { Message, RocketMQContext } from 'nest-rocketmq';
import { RocketMQTemplateFake, rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting } from 'nest-rocketmq/testing';

let testing: RocketMQTesting;
let module: TestingModule | undefined;

beforeEach(() => Logger.overrideLogger(false));
afterEach(async () => module?.close());

async function compile(...providers: Type[]): Promise<TestingModule> {
  testing = rocketMQTesting({ group: 'shop', consumer: { maxReconsumeTimes: 3 } });
  module = await Test.createTestingModule({ imports: [testing.module], providers }).compile();
  return module;
}

interface Order {
  id: string;
  at?: Date;
}

const steps: string[] = [];

class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    steps.push('guard');
    return context.switchToRpc().getData<Order>().id !== 'forbidden';
  }
}

class Interceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): ReturnType<CallHandler['handle']> {
    steps.push('interceptor');
    return next.handle();
  }
}

class Pipe implements PipeTransform<Order> {
  transform(order: Order): Order {
    steps.push('pipe');
    return { ...order, id: order.id.toUpperCase() };
  }
}

class NotRetryable extends Error {}

class Orders {
  readonly seen: [Order, RocketMQContext][] = [];

  @UseGuards(Guard)
  @UseInterceptors(Interceptor)
  @UsePipes(Pipe)
  @RocketMQMessageListener({ topic: 'order', tags: 'paid', retry: { notRetryable: [NotRetryable] } })
  take(order: Order, context: RocketMQContext): Outcome | undefined {
    this.seen.push([order, context]);
    if (order.id === 'FAIL') throw new Error('no');
    if (order.id === 'DEAD') throw new NotRetryable('never');
    return order.id === 'LATER' ? Outcome.retryLater('5m') : undefined;
  }

  @RocketMQMessageListener({ topic: 'other', consumerGroup: 'other' })
  other(): void {}
}

class Lists {
  @RocketMQMessageListener({ topic: 'list', consumerGroup: 'list', batch: { size: 10 } })
  take(messages: Message<Order>[]): Outcome[] {
    return messages.map(({ payload }) => (payload.id === 'bad' ? Outcome.retry : Outcome.ack));
  }
}

describe('a delivery without a broker', () => {
  beforeEach(() => void (steps.length = 0));

  test('goes through guard, interceptor, pipe and converter, with all about the message', async () => {
    await compile(Orders);
    const result = await testing.deliver(
      [Orders, 'take'],
      { id: 'o1', at: new Date(0) },
      { keys: 'k1', properties: { a: 'b' }, reconsumeTimes: 2 },
    );
    expect(result).toMatchObject({ outcome: 'consumed', group: 'shop', verdict: Outcome.ack });
    expect(steps).toEqual(['guard', 'interceptor', 'pipe']);
    const [order, context] = module!.get(Orders).seen[0]!;
    expect(order).toEqual({ id: 'O1', at: '1970-01-01T00:00:00.000Z' });
    expect(context).toMatchObject({ topic: 'order', tags: 'paid', keys: ['k1'], reconsumeTimes: 2 });
    expect(context.properties.get('a')).toBe('b');
    expect(testing.clock.pending).toBe(0);
    expect(testing.deliveries).toHaveLength(1);
  });

  test.each<[string, string, object]>([
    ['a denial', 'forbidden', { outcome: 'failed', verdict: { kind: 'retry' } }],
    ['a failure', 'fail', { outcome: 'failed', error: { message: 'no' }, verdict: { kind: 'retry' } }],
    ['an error that no retry helps', 'dead', { outcome: 'failed', verdict: { kind: 'deadLetter' } }],
    ['an outcome', 'later', { outcome: 'failed', verdict: { kind: 'retry', delay: 300_000 } }],
  ])('says what becomes of the message: %s', async (_what, id, expected) => {
    await compile(Orders);
    await expect(testing.deliver([Orders, 'take'], { id })).resolves.toMatchObject(expected);
  });

  test('reaches a batch listener, as a list of one', async () => {
    await compile(Lists);
    await expect(testing.deliver(Lists, { id: 'good' })).resolves.toMatchObject({ outcome: 'consumed' });
    await expect(testing.deliver('list', { id: 'bad' })).resolves.toMatchObject({ outcome: 'failed' });
  });

  test('to a listener that is not one, or not the only one, is refused with the names', async () => {
    await compile(Orders, Lists);
    await expect(testing.deliver(Orders, {})).rejects.toThrow(
      /one of its listeners, as \[Class, 'method'\]: Orders\.take/,
    );
    await expect(testing.deliver('nowhere', {})).rejects.toThrow(
      /'nowhere'; allowed: a listener of this app: .*Lists\.take/,
    );
    await expect(testing.deliver(Guard, {})).rejects.toThrow(/a listener of this app/);
    await expect(testing.deliver(Lists, {}, { key: 'a' } as never)).rejects.toThrow(/called keys/);
  });
});

@Injectable()
class Shop {
  constructor(private readonly rocketmq: RocketMQTemplate) {}

  async place(id: string): Promise<void> {
    await this.rocketmq.transaction('order:created', { id }, ({ transactionId }) => {
      if (id === 'bad') throw new Error('no');
      expect(transactionId).not.toBe('');
    });
    await this.rocketmq.send('order-cancel', { id }, { delay: '30m', keys: id });
  }
}

describe('a template that records', () => {
  let template: RocketMQTemplateFake;

  beforeEach(async () => {
    template = new RocketMQTemplateFake();
    const providers = [Shop, { provide: RocketMQTemplate, useValue: template }];
    module = await Test.createTestingModule({ providers }).compile();
  });

  test('takes the place of the real one, and tells what was sent', async () => {
    template.expectNothingSent();
    await module!.get(Shop).place('o1');
    template.expectSent<Order>('order', ({ id }) => id === 'o1', { times: 1 });
    const { sentAt, deliverAt, keys } = template.expectSent('order-cancel', { id: 'o1' });
    expect(deliverAt.getTime() - sentAt.getTime()).toBe(1_800_000);
    expect(keys).toEqual(['o1']);
    expect(() => template.expectSent('order', { id: 'o2' })).toThrow(/no message to order like .* was sent; sent:/);
    template.reset();
    expect(template.sent()).toEqual([]);
  });

  test('counts a transaction once it is committed, and runs its work', async () => {
    await expect(module!.get(Shop).place('bad')).rejects.toThrow('no');
    template.expectNothingSent();
    const { state } = await template.sendMessageInTransaction('order', { id: 'o1' });
    expect(state).toBe(RocketMQLocalTransactionState.COMMIT);
    const handle = await template.beginTransaction('order', { id: 'o2' });
    await handle.rollback();
    expect(template.sent('order')).toHaveLength(1);
  });

  test('checks and converts as the real one does', async () => {
    await expect(template.send('order', { wait: Promise.resolve() })).rejects.toMatchObject({ code: 'MESSAGE_ENCODE' });
    await expect(template.send('order', 1, { delya: 5 } as never)).rejects.toThrow(/called delay/);
    await template.sendBatch('order', [1, batchMessage(2, { keys: 'b' })]);
    await template.sendOneWay('page', 'text');
    expect(template.sent().map(({ topic, payload }) => [topic, payload])).toEqual([
      ['order', 1],
      ['order', 2],
      ['page', 'text'],
    ]);
    const own = new RocketMQTemplateFake({ messageConverter: new JsonMessageConverter({ bigIntegers: 'bigint' }) });
    await own.send('order', { big: 2n ** 60n });
    own.expectSent('order', { big: 2n ** 60n });
  });

  test('is given the reply to a request', async () => {
    template.replyWith({ price: 7 });
    await expect(template.request('price', { sku: 'a' })).resolves.toEqual({ price: 7 });
    template.expectSent('price', { sku: 'a' });
    await expect(template.request('price', { sku: 'a' })).rejects.toThrow(/replyWith\(payload\)/);
  });

  test('fails of a batch what it is told to, as the real one', async () => {
    template.failWith(new Error('the broker is away'));
    const failed = await template.sendBatch('order', [1, 2]).catch((error: unknown) => error as BatchSendFailedError);
    expect(failed).toBeInstanceOf(BatchSendFailedError);
    expect(failed).toMatchObject({ failures: [{ index: 0 }], results: [undefined, { sendStatus: 'SEND_OK' }] });
    expect(template.sent('order').map(({ payload }) => payload)).toEqual([2]);
  });

  test('fails as it is told to', async () => {
    template.failWith(new Error('the broker is away'));
    await expect(template.send('order', 1)).rejects.toThrow('the broker is away');
    await template.send('order', 2);
    template.failWith(new Error('twice'), 2);
    template.failWith(new Error('then once'));
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map((order) => template.send('order', order)));
    const reasons = outcomes.map((each) => (each.status === 'rejected' ? (each.reason as Error).message : 'sent'));
    expect(reasons).toEqual(['twice', 'twice', 'then once', 'sent']);
    for (const times of [0, 1.5, 10_001, Infinity]) {
      expect(() => template.failWith(new Error('no'), times)).toThrow(
        /option times of RocketMQTemplateFake\.failWith is/,
      );
    }
    const { recallHandle } = await template.send('order', 3, { delay: '1h' });
    await expect(template.recall('order', recallHandle!)).resolves.toBeTruthy();
  });
});
