// Tests what decorated parameters of listeners receive: of single messages, of lists and of requests.
import { afterEach, describe, expect, test } from '@jest/globals';
import { Headers as HttpHeaders, Injectable, ParseIntPipe, Query } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { Ctx as RpcCtx, Payload as RpcPayload } from '@nestjs/microservices';
import {
  Ctx,
  Header,
  Headers,
  InvalidListenerError,
  Keys,
  Message,
  Payload,
  RocketMQBatchContext,
  RocketMQContext,
  RocketMQMessageListener,
  Tag,
  deadLetters,
} from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;

afterEach(closeApps);

interface Order {
  id: string;
  total: number;
}

const ORDER: Order = { id: 'o1', total: 5 };
const OPTIONS = { keys: ['k1', 'k2'], tags: 'paid', properties: { attempt: '7' } };

test('a listener of single messages, and a reply listener, are given what their parameters ask for', async () => {
  const topic = unique('params');
  const seen: unknown[] = [];

  @Injectable()
  class Orders {
    @RocketMQMessageListener({ topic })
    take(
      @Keys() keys: readonly string[],
      @Tag() tag: string | undefined,
      @Header('attempt', ParseIntPipe) attempt: number,
      @Header('rocketmq_KEYS') spring: string,
      @Header('KEYS') own: string,
      @Header('rocketmq_TOPIC') from: string,
      @Header('nothing') nothing: string | undefined,
      @Headers() headers: Record<string, string>,
      @Payload('id') id: string,
      @Payload() order: Order,
      @Ctx() context: RocketMQContext,
    ): string {
      seen.push({ keys, tag, attempt, spring, own, from, nothing, id, order, topic: context.topic });
      seen.push(headers);
      return `took ${id}`;
    }
  }

  const app = await startApp({ providers: [Orders] });
  await expect(app.elapse(app.template.request(topic, ORDER, { ...OPTIONS, timeout }), '60s')).resolves.toBe('took o1');
  expect(seen[0]).toEqual({
    keys: ['k1', 'k2'],
    tag: 'paid',
    attempt: 7,
    spring: 'k1 k2',
    own: 'k1 k2',
    from: topic,
    nothing: undefined,
    id: 'o1',
    order: ORDER,
    topic,
  });
  expect(seen[1]).toMatchObject({
    KEYS: 'k1 k2',
    TAGS: 'paid',
    attempt: '7',
    rocketmq_KEYS: 'k1 k2',
    rocketmq_TAGS: 'paid',
    rocketmq_TOPIC: topic,
    rocketmq_FLAG: '0',
    rocketmq_BORN_HOST: expect.stringMatching(/^[\da-f.:]+$/),
    rocketmq_BORN_TIMESTAMP: expect.stringMatching(/^\d{13}$/),
  });
});

test('a batch listener is given lists, without what a pipe has refused', async () => {
  const topic = unique('lists');
  const consumerGroup = unique('group');
  const seen: unknown[] = [];
  const reasons: string[] = [];

  @Injectable()
  class Orders {
    @RocketMQMessageListener({ topic, consumerGroup, batch: { size: 10, wait: '200ms' } })
    take(
      @Payload() messages: Message<Order>[],
      @Payload('id') ids: string[],
      @Header('attempt', ParseIntPipe) attempts: number[],
      @Tag() tags: string[],
      @Keys() keys: string[][],
      @Ctx() context: RocketMQBatchContext,
    ): void {
      seen.push({ payloads: messages.map(({ payload }) => payload), ids, attempts, tags, keys });
      expect(context.messages).toEqual(messages);
    }

    @RocketMQMessageListener({ topic: deadLetters(consumerGroup), consumerGroup: unique('dead') })
    dead(_order: unknown, context: RocketMQContext): void {
      reasons.push(context.properties.get('DLQ_REASON') ?? '');
    }
  }

  const app = await startApp({ providers: [Orders] }, { topics: [{ name: topic, queues: 1 }] });
  const good = consumed(app.module, { topic }, { times: 2, timeout });
  const dead = consumed(app.module, { topic: deadLetters(consumerGroup) }, { timeout });
  for (const [id, attempt] of [
    ['a', '1'],
    ['b', 'many'],
    ['c', '3'],
  ] as const) {
    await app.template.send(topic, { id, total: 1 }, { tags: 'paid', keys: id, properties: { attempt } });
  }
  await app.elapse(Promise.all([good, dead]), '120s');
  const calls = seen as Record<string, unknown[]>[];
  const all = (name: string): unknown[] => calls.flatMap((call) => call[name]!);
  expect(all('ids')).toEqual(['a', 'c']);
  expect(all('attempts')).toEqual([1, 3]);
  expect(all('tags')).toEqual(['paid', 'paid']);
  expect(all('keys')).toEqual([['a'], ['c']]);
  expect(all('payloads')).toEqual([
    { id: 'a', total: 1 },
    { id: 'c', total: 1 },
  ]);
  expect(reasons).toEqual([expect.stringMatching(/numeric string/)]);
});

describe('decorators of other packages', () => {
  test('that mean the same are taken: @Payload and @Ctx of @nestjs/microservices, @Headers(name) of @nestjs/common', async () => {
    const topic = unique('others');
    const seen: unknown[] = [];

    @Injectable()
    class Orders {
      @RocketMQMessageListener({ topic })
      take(
        @RpcCtx() context: RocketMQContext,
        @RpcPayload('id') id: string,
        @HttpHeaders('attempt') attempt: string,
      ): void {
        seen.push(context.topic, id, attempt);
      }
    }

    const app = await startApp({ providers: [Orders] });
    const done = consumed(app.module, { topic }, { timeout });
    await app.template.send(topic, ORDER, OPTIONS);
    await app.elapse(done, '60s');
    expect(seen).toEqual([topic, 'o1', '7']);
  });

  test.each([
    ['@Ctx() without the type of the context', RpcCtx(), /Import \{ Ctx, Headers \} from 'nest-rocketmq'/],
    ['@Headers() of HTTP', HttpHeaders(), /Import \{ Ctx, Headers \} from 'nest-rocketmq'/],
    ['@Query()', Query(), /a decorator without a meaning for messages.*from 'nest-rocketmq' @Payload\(\)/],
  ])('that cannot be told are refused at the start: %s', async (_what, decorator, message) => {
    const topic = unique('refused');

    @Injectable()
    class Orders {
      @RocketMQMessageListener({ topic })
      take(_order: Order, _other: unknown): void {}
    }
    decorator(Orders.prototype, 'take', 1);
    const starting = startApp({ providers: [Orders] });
    await expect(starting).rejects.toThrow(InvalidListenerError);
    await expect(starting).rejects.toThrow(message);
  });
});

test('pipes of the app and of the payload see the payload alone, not headers and keys', async () => {
  const topic = unique('piped');
  const piped: unknown[] = [];
  const pipe = {
    transform(value: unknown) {
      piped.push(value);
      return value;
    },
  };

  @Injectable()
  class Orders {
    @RocketMQMessageListener({ topic })
    take(@Payload(pipe) _order: Order, @Keys() _keys: string[], @Headers() _headers: object): void {}
  }

  const app = await startApp({ providers: [Orders, { provide: APP_PIPE, useValue: pipe }] });
  const done = consumed(app.module, { topic }, { timeout });
  await app.template.send(topic, ORDER, OPTIONS);
  await app.elapse(done, '60s');
  expect(piped).toEqual([ORDER, ORDER]);
});
