// Tests order: sharding keys, orderly listeners, and listeners that keep the order of each key.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RocketMQContext, RocketMQMessageListener } from 'nest-rocketmq';
import type { ConsumeMode, MessageListenerOptions, RocketMQModuleOptions } from 'nest-rocketmq';
import { consumed, failed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';
import type { TestApp } from './nest-harness.js';

const timeout = PATIENCE_MS;

interface Step {
  order: string;
  step: number;
}

let topic: string;
/** 'o1:0' for each message that a listener has handled. */
let handled: string[];

beforeEach(() => {
  topic = unique('ordered');
  handled = [];
});

afterEach(closeApps);

type Handle = (step: Step, context: RocketMQContext) => unknown;

function appWith(
  options: Partial<MessageListenerOptions>,
  handle: Handle = () => undefined,
  module: Pick<RocketMQModuleOptions, 'topics'> = {},
): Promise<TestApp> {
  class Timeline {
    @RocketMQMessageListener({ topic, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', ...options })
    async take(step: Step, context: RocketMQContext): Promise<void> {
      await handle(step, context);
      handled.push(`${step.order}:${step.step}`);
    }
  }
  return startApp({ providers: [Timeline] }, module);
}

/** Sends the steps of each order, in turn. */
async function sendSteps(app: TestApp, orders: string[], steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) {
    for (const order of orders) await app.template.send(topic, { order, step }, { shardingKey: order });
  }
}

const stepsOf = (order: string): string[] => handled.filter((each) => each.startsWith(`${order}:`));
const expected = (order: string, steps: number): string[] => Array.from({ length: steps }, (_, at) => `${order}:${at}`);

describe.each<ConsumeMode>(['ORDERLY', 'KEY_ORDERED'])('%s', (consumeMode) => {
  test("keeps each order's messages in turn, also when one fails: it is tried again in its place", async () => {
    const orders = ['o1', 'o2', 'o3', '🍵', 'polygenelubricants'];
    let failures = 0;
    const app = await appWith({ consumeMode, suspendCurrentQueueTimeMillis: 100 }, ({ order, step }, context) => {
      if (order !== 'o2' || step !== 1 || context.reconsumeTimes >= 2) return;
      failures++;
      throw new Error('not yet');
    });
    const all = consumed(app.module, { topic }, { timeout, times: 4 * orders.length });
    await sendSteps(app, orders, 4);
    await app.elapse(all, '60s');
    expect(failures).toBe(2);
    for (const order of orders) expect(stepsOf(order)).toEqual(expected(order, 4));
  });

  test('gives a message up after maxReconsumeTimes, and goes on behind it', async () => {
    const options = { consumeMode, suspendCurrentQueueTimeMillis: 10, maxReconsumeTimes: 2 };
    const app = await appWith(options, ({ step }) => {
      if (step === 0) throw new Error('never');
    });
    const failures = failed(app.module, { topic }, { timeout, times: 3 });
    const next = consumed(app.module, { topic }, { timeout });
    await sendSteps(app, ['o1'], 2);
    await app.elapse(Promise.all([failures, next]), '60s');
    expect(handled).toEqual(['o1:1']);
  });

  test('gives up at once what cannot be read: it would hold up those behind it for ever', async () => {
    const app = await appWith({ consumeMode });
    const unreadable = failed(app.module, { topic }, { timeout });
    const next = consumed(app.module, { topic }, { timeout });
    await app.template.send(topic, Buffer.from('<xml/>'), { shardingKey: 'o1' });
    await sendSteps(app, ['o1'], 1);
    await app.elapse(Promise.all([unreadable, next]), '60s');
    expect(handled).toEqual(['o1:0']);
  });
});

test('KEY_ORDERED goes on with other keys of a queue while one of them fails', async () => {
  const app = await appWith({ consumeMode: 'KEY_ORDERED' }, ({ order }) => {
    if (order === 'stuck') throw new Error('stuck');
  });
  const [first] = await queuesOf(app);
  const selector = () => first!;
  const others = consumed(app.module, { topic }, { timeout, times: 4 });
  await app.template.send(topic, { order: 'stuck', step: 0 }, { selector, shardingKey: 'stuck' });
  for (const order of ['a', 'b', 'c']) {
    await app.template.send(topic, { order, step: 0 }, { selector, shardingKey: order });
  }
  await app.elapse(others, '60s');
  expect(handled.toSorted()).toEqual(['a:0', 'b:0', 'c:0', 'first:0']);
});

/** The topic's queues, as a selector gets them. */
async function queuesOf(app: TestApp) {
  let all: readonly { topic: string; brokerName: string; queueId: number }[] = [];
  await app.template.send(
    topic,
    { order: 'first', step: 0 },
    { selector: (queues) => (all = queues).at(-1)!, shardingKey: 'first' },
  );
  return all;
}

describe('a message goes', () => {
  test('to one queue with all messages of its sharding key: to that which Java picks', async () => {
    const app = await appWith({});
    const queues = await queuesOf(app);
    // String.hashCode in Java: 'o1' is 3490; 'polygenelubricants' is -2147483648, which has no absolute value.
    const hashes = { o1: 3490, polygenelubricants: -2_147_483_648 };
    for (const [shardingKey, hash] of Object.entries(hashes)) {
      for (let again = 0; again < 2; again++) {
        const { messageQueue } = await app.template.send(topic, { order: shardingKey, step: 0 }, { shardingKey });
        expect(messageQueue).toEqual(queues[Math.abs(hash % queues.length)]);
      }
    }
  });

  test('to the queue that it is sent to by name, and to no other topic', async () => {
    const app = await appWith({});
    const messageQueue = (await queuesOf(app)).at(-1)!;
    const sent = await app.template.send(topic, { order: 'o1', step: 0 }, { messageQueue });
    expect(sent.messageQueue).toEqual(messageQueue);
    await app.template.sendOneWay(topic, { order: 'o1', step: 1 }, { messageQueue });
    await expect(app.template.send(unique('other'), {}, { messageQueue })).rejects.toThrow(/queue given is of topic/);
  });
});

test('an order among broadcasts keeps the app from starting', async () => {
  await expect(appWith({ consumeMode: 'ORDERLY', messageModel: 'BROADCASTING' })).rejects.toThrow(
    /Timeline\.take.*consumeMode ORDERLY with messageModel BROADCASTING/,
  );
});

test('all messages of a topic are in one order when it is declared with one queue', async () => {
  const app = await appWith({ consumeMode: 'ORDERLY' }, undefined, { topics: [{ name: topic, queues: 1 }] });
  const all = consumed(app.module, { topic }, { timeout, times: 20 });
  for (let step = 0; step < 20; step++) {
    const { messageQueue, queueOffset } = await app.template.send(topic, { order: `o${step % 3}`, step });
    expect([messageQueue.queueId, queueOffset]).toEqual([0, step]);
  }
  await app.elapse(all, '60s');
  expect(handled.map((each) => each.split(':')[1])).toEqual(Array.from({ length: 20 }, (_, step) => String(step)));
  // It exists now: another app that declares it starts as well.
  await appWith({ consumerGroup: unique('other') }, undefined, { topics: [{ name: topic, queues: 1 }] });
});
