// Tests listeners that are given lists of messages, and answer for each.
import { afterEach, expect, test } from '@jest/globals';
import { BadRequestException, Injectable, UsePipes } from '@nestjs/common';
import type { PipeTransform } from '@nestjs/common';
import { ListenerConflictError, deadLetters, Message, Outcome, RocketMQMessageListener } from 'nest-rocketmq';
import type { ConsumeMode, RocketMQContext, RocketMQBatchContext, RocketMQBatchListener } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, onCluster, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;

afterEach(closeApps);

const MODES: ConsumeMode[] = ['CONCURRENTLY', 'ORDERLY', 'KEY_ORDERED'];

/** Each try: 'a0' is the first one of a. */
const tryOf = ({ payload, context }: Message<string>): string => `${payload}${context.reconsumeTimes}`;

/** What a listener may do so that 'b' fails once. */
const PARTIAL: [string, (messages: Message<string>[]) => unknown][] = [
  [
    'fail()',
    (messages) => {
      for (const message of messages) if (tryOf(message) === 'b0') message.fail(new Error('not yet'));
    },
  ],
  [
    'a list of outcomes',
    (messages) => messages.map((message) => (tryOf(message) === 'b0' ? Outcome.retry : Outcome.ack)),
  ],
  [
    'a Map',
    (messages) => new Map(messages.filter((each) => tryOf(each) === 'b0').map((each) => [each, new Error('no')])),
  ],
  [
    'Promise.allSettled',
    (messages) =>
      Promise.allSettled(
        messages.map(async (each) => {
          if (tryOf(each) === 'b0') throw new Error('no');
          return Promise.resolve('row');
        }),
      ),
  ],
];

test.each(PARTIAL)('only what failed is delivered again: %s', async (_how, answer) => {
  const topic = unique('orders');
  const calls: string[][] = [];

  @RocketMQMessageListener({ topic, consumerGroup: unique('batch'), batch: { size: 3, wait: '2s' } })
  class OnOrders implements RocketMQBatchListener<string> {
    onMessage(messages: Message<string>[], context: RocketMQBatchContext): unknown {
      expect(messages.every((message) => message instanceof Message)).toBe(true);
      expect(context).toMatchObject({ topic, messages });
      calls.push(messages.map(tryOf));
      return answer(messages);
    }
  }

  const app = await startApp({ providers: [OnOrders] }, { topics: [{ name: topic, queues: 1 }] });
  const arrivals = consumed(app.module, { topic }, { times: 3, timeout });
  for (const body of ['a', 'b', 'c']) await app.template.send(topic, body);
  await app.elapse(arrivals, '60s');
  const tries = calls.flat().sort();
  expect(tries).toEqual(['a0', 'b0', 'b1', 'c0']);
  expect(calls.at(-1)).toEqual(['b1']);
});

test.each(MODES.slice(1))('%s: what failed and all after it are tried again in their place', async (consumeMode) => {
  const topic = unique('orders');
  const tries: string[] = [];

  @RocketMQMessageListener({ topic, consumerGroup: unique('batch'), consumeMode, batch: { size: 3, wait: '2s' } })
  class OnOrders implements RocketMQBatchListener<string> {
    onMessage(messages: Message<string>[]): void {
      for (const message of messages) {
        tries.push(tryOf(message));
        if (tries.at(-1) === 'b0') return message.fail();
      }
    }
  }

  const app = await startApp({ providers: [OnOrders] }, { topics: [{ name: topic, queues: 1 }] });
  const arrivals = consumed(app.module, { topic }, { times: 3, timeout });
  for (const body of ['a', 'b', 'c']) await app.template.send(topic, body, { shardingKey: 'k' });
  await app.elapse(arrivals, '60s');
  expect(tries).toEqual(['a0', 'b0', 'b1', 'c0']);
});

test('a message that cannot be read, or that a pipe refuses, fails by itself', async () => {
  const topic = unique('orders');
  const consumerGroup = unique('batch');
  const seen: Message<{ id: number }>[][] = [];

  class Positive implements PipeTransform {
    transform(order: { id: number }): unknown {
      if (order.id < 0) throw new BadRequestException('id');
      return { id: order.id * 10 };
    }
  }

  @Injectable()
  class Orders {
    @RocketMQMessageListener({
      topic,
      consumerGroup,
      batch: { size: 4, wait: '2s' },
      retry: { notRetryable: [BadRequestException] },
    })
    @UsePipes(new Positive())
    handle(messages: Message<{ id: number }>[]): void {
      seen.push(messages);
    }
  }

  const reasons: string[] = [];
  class Dead {
    @RocketMQMessageListener({ topic: deadLetters(consumerGroup), consumerGroup: unique('dead'), payload: 'string' })
    dead(_body: string, context: RocketMQContext): void {
      reasons.push(context.properties.get('DLQ_REASON') ?? '');
      expect(context.reconsumeTimes).toBe(0);
    }
  }

  const app = await startApp({ providers: [Orders, Dead] }, { topics: [{ name: topic, queues: 1 }] });
  const good = consumed(app.module, { topic }, { times: 2, timeout });
  const dead = consumed(app.module, { topic: deadLetters(consumerGroup) }, { times: 2, timeout });
  await app.template.send(topic, { id: 1 });
  await app.template.send(topic, Buffer.from('<xml/>'));
  await app.template.send(topic, { id: -1 });
  await app.template.send(topic, { id: 2 });
  await app.elapse(Promise.all([good, dead]), '120s');
  expect(seen.flat().map(({ payload }) => payload)).toEqual([{ id: 10 }, { id: 20 }]);
  expect(reasons.sort()).toEqual([
    expect.stringMatching(/^MessageDecodeError/),
    expect.stringMatching(/^MessageValidationError: BadRequest/),
  ]);
});

test('inPlace tries what failed again at once, before the broker delivers it again', async () => {
  const topic = unique('orders');
  const calls: string[][] = [];
  let failures = 0;

  class Orders {
    @RocketMQMessageListener({ topic, batch: { size: 3, wait: '2s' }, retry: { inPlace: 1 } })
    handle(messages: Message<string>[]): void {
      calls.push(messages.map(tryOf));
      const b = messages.find(({ payload }) => payload === 'b');
      if (b && failures++ === 0) b.fail();
    }
  }

  const app = await startApp({ providers: [Orders] }, { topics: [{ name: topic, queues: 1 }] });
  const arrivals = consumed(app.module, { topic }, { times: 3, timeout });
  for (const body of ['a', 'b', 'c']) await app.template.send(topic, body);
  await app.elapse(arrivals, '10s');
  // A busy cluster may give them as several lists.
  if (!onCluster) expect(calls).toEqual([['a0', 'b0', 'c0'], ['b0']]);
  expect(calls.flat().toSorted()).toEqual(['a0', 'b0', 'b0', 'c0']);
  expect(calls.findLast((tries) => tries.includes('b0'))).toEqual(['b0']);
});

test('listeners of one group have the same batch, or none', async () => {
  const topic = unique('orders');

  class Mixed {
    @RocketMQMessageListener({ topic, tags: 'a', batch: { size: 3 } })
    a(): void {}
    @RocketMQMessageListener({ topic, tags: 'b' })
    b(): void {}
  }

  await expect(startApp({ providers: [Mixed] })).rejects.toThrow(ListenerConflictError);
});
