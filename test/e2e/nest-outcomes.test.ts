// Tests what a listener can say of its message, and the policy of its retries.
import { afterEach, describe, expect, test } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  InvalidOptionError,
  Outcome,
  RocketMQContext,
  RocketMQListeners,
  RocketMQMessageListener,
  deadLetters,
} from 'nest-rocketmq';
import type { ConsumeMode, RetryOptions } from 'nest-rocketmq';
import { consumed, failed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, onCluster, startApp, unique } from './nest-harness.js';
import type { TestApp } from './nest-harness.js';

const timeout = PATIENCE_MS;

afterEach(closeApps);

class HopelessError extends Error {
  override readonly name = 'HopelessError';
}

interface Delivery {
  readonly at: number;
  readonly context: RocketMQContext;
}

interface Failing {
  readonly app: TestApp;
  readonly deliveries: Delivery[];
  readonly dead: RocketMQContext[];
  readonly topic: string;
  readonly consumerGroup: string;
}

/** An app with a listener that answers its n-th delivery by `answer(n)`, and a listener for its dead letters. */
async function failing(
  answer: (attempt: number) => unknown,
  options: { retry?: RetryOptions; consumeMode?: ConsumeMode } = {},
): Promise<Failing> {
  const topic = unique('orders');
  const consumerGroup = unique('group');
  const deliveries: Delivery[] = [];
  const dead: RocketMQContext[] = [];
  let now = Date.now;

  @Injectable()
  class Orders {
    @RocketMQMessageListener({ topic, consumerGroup, ...options })
    handle(_id: string, context: RocketMQContext): unknown {
      deliveries.push({ at: now(), context });
      return answer(deliveries.length);
    }

    @RocketMQMessageListener({ topic: deadLetters(consumerGroup), consumerGroup: unique('dead') })
    dead(_id: string, context: RocketMQContext): void {
      dead.push(context);
    }
  }

  const app = await startApp({ providers: [Orders] }, { topics: [{ name: topic, queues: 1 }] });
  now = () => app.now();
  return { app, deliveries, dead, topic, consumerGroup };
}

/** How long the broker may be late, ms: Apache counts whole seconds of its timer. */
const LATE_MS = onCluster ? 30_000 : 2_000;

const thrown = (outcome: unknown): never => {
  throw outcome;
};

describe('a listener', () => {
  test.each<[string, (attempt: number) => unknown]>([
    ['returns', () => Outcome.retryLater('7s')],
    ['throws', () => thrown(Outcome.retryLater('7s'))],
  ])('%s retryLater: its message comes again after that time', async (_how, said) => {
    const { app, deliveries, topic } = await failing((attempt) => (attempt === 1 ? said(attempt) : Outcome.ack));
    const arrival = consumed(app.module, { topic }, { timeout });
    const { msgId, offsetMsgId } = await app.template.send(topic, 'o1', { keys: ['k'], properties: { colour: 'red' } });
    await app.elapse(arrival, '60s');
    expect(deliveries).toHaveLength(2);
    const [first, second] = deliveries as [Delivery, Delivery];
    expect(second.at - first.at).toBeGreaterThanOrEqual(7_000 - 1_000);
    expect(second.at - first.at).toBeLessThan(7_000 + LATE_MS);
    expect(second.context).toMatchObject({ topic, msgId, keys: ['k'], reconsumeTimes: 1 });
    const { properties } = second.context;
    expect(properties.get('colour')).toBe('red');
    expect(properties.get('ORIGIN_MESSAGE_ID')).toBe(offsetMsgId);
    expect(properties.get('RETRY_TOPIC')).toBe(topic);
  });

  test('says toDeadLetter: the message is there at once, with the reason, and counts anew', async () => {
    const { app, deliveries, dead, topic, consumerGroup } = await failing(() =>
      Outcome.toDeadLetter('no such customer'),
    );
    const arrival = consumed(app.module, { topic: deadLetters(consumerGroup) }, { timeout });
    const { msgId } = await app.template.send(`${topic}:paid`, 'o1');
    await app.elapse(arrival, '30s');
    expect(deliveries).toHaveLength(1);
    expect(dead[0]).toMatchObject({ topic: deadLetters(consumerGroup), msgId, tags: 'paid', reconsumeTimes: 0 });
    expect(dead[0]!.properties.get('DLQ_REASON')).toBe('no such customer');
    expect(dead[0]!.properties.get('RETRY_TOPIC')).toBe(topic);
  });

  test('that keeps order suspends: nothing behind its message is tried before that time', async () => {
    const { app, deliveries, topic } = await failing((attempt) => (attempt === 1 ? Outcome.suspend('4s') : undefined), {
      consumeMode: 'ORDERLY',
    });
    const arrivals = consumed(app.module, { topic }, { times: 2, timeout });
    for (const id of ['o1', 'o2']) await app.template.send(topic, id);
    await app.elapse(arrivals, '60s');
    expect(deliveries.map(({ context }) => `${context.message.body.toString()}${context.reconsumeTimes}`)).toEqual([
      'o10',
      'o11',
      'o20',
    ]);
    expect(deliveries[1]!.at - deliveries[0]!.at).toBeGreaterThanOrEqual(4_000 - 500);
  });
});

describe('retry', () => {
  const no = (): never => thrown(new Error('no'));

  test('backoff is a function of the attempt, until maxReconsumeTimes', async () => {
    const { app, deliveries, dead, topic, consumerGroup } = await failing(no, {
      retry: { maxReconsumeTimes: 2, backoff: (attempt) => `${attempt * 3}s` },
    });
    const arrival = consumed(app.module, { topic: deadLetters(consumerGroup) }, { timeout });
    await app.template.send(topic, 'o1');
    await app.elapse(arrival, '120s');
    expect(deliveries.map(({ context }) => context.reconsumeTimes)).toEqual([0, 1, 2]);
    const pauses = deliveries.slice(1).map(({ at }, index) => at - deliveries[index]!.at);
    for (const [index, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual((index + 1) * 3_000 - 1_000);
      expect(pause).toBeLessThan((index + 1) * 3_000 + LATE_MS);
    }
    expect(dead).toHaveLength(1);
  });

  test.each(['CONCURRENTLY', 'ORDERLY'] as const)(
    '%s: when all are used up, the last error is the reason of the dead letter, and of the event',
    async (consumeMode) => {
      const { app, dead, topic, consumerGroup } = await failing((attempt) => thrown(new Error(`no, ${attempt}`)), {
        consumeMode,
        retry: { maxReconsumeTimes: 1, backoff: '1s' },
      });
      const reasons: unknown[] = [];
      app.module.get(RocketMQListeners).events.subscribe((event) => {
        if (event.type === 'dead-lettered') reasons.push(event.reason);
      });
      const arrival = consumed(app.module, { topic: deadLetters(consumerGroup) }, { timeout });
      await app.template.send(topic, 'o1');
      await app.elapse(arrival, '120s');
      expect(dead.map(({ properties }) => properties.get('DLQ_REASON'))).toEqual(['Error: no, 2']);
      expect(reasons).toEqual(['Error: no, 2']);
    },
  );

  test('notRetryable goes to the dead letters at once, with the error as the reason', async () => {
    const { app, deliveries, dead, topic, consumerGroup } = await failing(
      () => thrown(new HopelessError('o1 is gone')),
      {
        retry: { notRetryable: [HopelessError], inPlace: 3 },
      },
    );
    const arrival = consumed(app.module, { topic: deadLetters(consumerGroup) }, { timeout });
    await app.template.send(topic, 'o1');
    await app.elapse(arrival, '30s');
    expect(deliveries).toHaveLength(1);
    expect(dead[0]!.properties.get('DLQ_REASON')).toBe('HopelessError: o1 is gone');
  });

  test('inPlace tries again at once; the broker then counts one delivery', async () => {
    const { app, deliveries, topic } = await failing((attempt) => (attempt <= 3 ? no() : undefined), {
      retry: { inPlace: 2, backoff: '5s' },
    });
    const arrival = consumed(app.module, { topic }, { timeout });
    const failure = failed(app.module, { topic }, { timeout });
    await app.template.send(topic, 'o1');
    await app.elapse(Promise.all([arrival, failure]), '60s');
    expect(deliveries.map(({ context }) => context.reconsumeTimes)).toEqual([0, 0, 0, 1]);
  });

  test('of the module is the default for what a listener does not say itself', async () => {
    const topic = unique('orders');
    let calls = 0;

    class Orders {
      @RocketMQMessageListener({ topic, retry: { inPlace: 1 } })
      handle(): void {
        if (++calls <= 2) throw new Error('no');
      }
    }

    const app = await startApp({ providers: [Orders] }, { consumer: { retry: { backoff: '3s', inPlace: 0 } } });
    const arrival = consumed(app.module, { topic }, { timeout });
    await app.template.send(topic, 'o1');
    await app.elapse(arrival, '60s');
    expect(calls).toBe(3);
  });

  test.each<[string, object, RegExp]>([
    ['a number that may be a level', { retry: { backoff: 3 } }, /write { level: 3 } or '3ms'/],
    ['a word', { retry: { backoff: 'soon' } }, /retry\.backoff/],
    ['a level that there is not', { retry: { backoff: { level: 0 } } }, /retry\.backoff/],
    ['an error instead of a class', { retry: { notRetryable: ['HopelessError'] } }, /a list of classes/],
    ['a misspelt option', { retry: { inplace: 3 } }, /inPlace/],
    ['two limits', { maxReconsumeTimes: 3, retry: { maxReconsumeTimes: 4 } }, /set one of them/],
    ['two pauses', { suspendCurrentQueueTimeMillis: '2s', retry: { backoff: '3s' } }, /the same pause/],
    ['a batch without a size', { batch: { wait: '1s' } }, /batch\.size/],
    ['a batch that waits for an hour', { batch: { size: 2, wait: '1h' } }, /batch\.wait/],
  ])('refuses %s', async (_what, options, message) => {
    class Orders {
      @RocketMQMessageListener({ topic: 'orders', ...options })
      handle(): void {}
    }

    const start = startApp({ providers: [Orders] });
    await expect(start).rejects.toThrow(InvalidOptionError);
    await expect(start).rejects.toThrow(message);
  });
});
