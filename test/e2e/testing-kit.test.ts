// Tests the testing kit on a whole app: time that skips by itself, what was sent, dead letters, and clear failures.
import 'reflect-metadata';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { INestApplicationContext, Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { RocketMQListener, RocketMQModule, RocketMQMessageListener, RocketMQTemplate } from 'nest-rocketmq';
import { rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting, TestingOptions } from 'nest-rocketmq/testing';
import { leastTime } from './least-time.js';

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
    const took = await leastTime(1000, async () => {
      const began = performance.now();
      const waiting = testing.expectConsumed(CancelOrder, { id: 'o2' });
      await expect(waiting).rejects.toThrow(/no message of CancelOrder like \{ id: 'o2' \} was consumed/);
      await expect(waiting).rejects.toThrow(/Listeners were given:\s+consumed by cancel: order-cancel \{ id: 'o1' \}/);
      return performance.now() - began;
    });
    expect(took).toBeLessThan(1000);
  });
});

describe('a wait that is limited', () => {
  test('leaves the clock where it stands, and says what is due later', async () => {
    await start([CancelOrder]);
    await template.send('order-cancel', { id: 'o1' }, { delay: '2h', keys: 'k1' });
    const before = testing.now;
    const waiting = testing.expectConsumed(CancelOrder, undefined, { within: '1h' });
    await expect(waiting).rejects.toThrow(
      /Pending: \n {2}order-cancel \[k1\] \{ id: 'o1' \}, due 20\S+Z \(in 2h\)\nNo listener was called/,
    );
    expect(testing.now).toEqual(before);
    expect(testing.pending).toMatchObject([{ what: "order-cancel [k1] { id: 'o1' }" }]);
    await testing.expectConsumed(CancelOrder);
  });
});

test('what was pending is told after the clock has been turned in vain', async () => {
  await start([CancelOrder]);
  await template.send('order-cancel', { id: 'o1' }, { delay: '2h' });
  await expect(testing.expectConsumed('other')).rejects.toThrow(
    /no message of topic other was consumed. Pending when the wait began: \n {2}order-cancel .*\(in 2h\)\nThe clock was turned by 2h. Still pending: nothing/,
  );
});

test('heartbeats and polls are nothing that will happen: the clock is not turned for them', async () => {
  await start([CancelOrder, Flaky]);
  await testing.settled();
  const before = testing.now;
  expect(testing.clock.pending).toBeGreaterThan(0);
  expect(testing.pending).toEqual([]);
  await expect(testing.expectConsumed(CancelOrder)).rejects.toThrow('Pending: nothing\nNo listener was called');
  expect(testing.now).toEqual(before);
});

test('a listener that fails in its place without end does not turn the clock without end', async () => {
  @RocketMQMessageListener({ topic: 'stuck', consumerGroup: 'stuck', consumeMode: 'ORDERLY' })
  class Stuck {
    onMessage(): void {
      throw new Error('never');
    }
  }
  await start([Stuck, CancelOrder]);
  Logger.overrideLogger(false);
  await template.send('stuck', { id: 'o1' });
  await expect(testing.expectConsumed(CancelOrder)).rejects.toThrow(
    /while something was tried 200 times in vain\. Pending .*\nThe clock was turned by 3m 20s. Still pending: \n {2}the next try, in its place, of what has failed in group stuck/,
  );
});

test('a running listener holds the clock, and one that hangs is named', async () => {
  @RocketMQMessageListener({ topic: 'slow', consumerGroup: 'slow' })
  class Slow {
    onMessage(_order: Order): Promise<void> {
      begun();
      return new Promise((resolve) => (end = resolve));
    }
  }
  let begun!: () => void;
  let end!: () => void;
  const beginning = new Promise<void>((resolve) => (begun = resolve));
  await start([Slow, CancelOrder]);
  await template.send('slow', { id: 'o1' });
  await template.send('order-cancel', { id: 'o1' }, { delay: '30m' });
  const before = testing.now.getTime();
  const consumed = testing.expectConsumed(Slow);
  await beginning;
  // So often may the event loop turn, and the clock does not.
  for (let turn = 0; turn < 50; turn++) await setImmediate();
  end();
  await consumed;
  expect(testing.now.getTime()).toBe(before);
  await template.send('slow', { id: 'o2' });
  const waiting = testing.expectConsumed(CancelOrder, undefined, { timeout: 50 });
  await expect(waiting).rejects.toThrow(/50 ms for Slow\.onMessage/);
});

test('several waits share the clock, and may begin before what they wait for', async () => {
  await start([CancelOrder, Flaky]);
  const waits = [testing.expectConsumed(CancelOrder, 'a'), testing.expectConsumed(Flaky, 'b')];
  await Promise.all([
    template.send('order-cancel', { id: 'o1' }, { delay: '30m', keys: 'a' }),
    template.send('pay', { id: 'o1' }, { keys: ['b', 'c'] }),
  ]);
  const [cancelled, paid] = await Promise.all(waits);
  expect(cancelled!.context.topic).toBe('order-cancel');
  expect(paid!.context.reconsumeTimes).toBe(2);
});

test('a message is matched by topic, key, id, fields, asymmetric matchers or a function', async () => {
  await start([CancelOrder]);
  const { msgId } = await template.send('order-cancel', { id: 'o1', lines: [{ sku: 'a', n: 2 }] }, { keys: 'k1' });
  for (const match of ['k1', msgId, { lines: [{ n: 2 }] }, { id: expect.stringMatching(/^o/) }]) {
    await testing.expectConsumed('order-cancel', match);
  }
  await testing.expectConsumed(CancelOrder, ({ id }, { context }) => id === 'o1' && context.keys.includes('k1'));
  await testing.expectConsumed({ topic: 'order-cancel' }, 'k1', { group: 'cancel' });
  for (const match of ['k2', { lines: [] }, { id: expect.stringMatching(/^x/) }, { lines: [{ n: 3 }] }]) {
    await expect(testing.expectConsumed('order-cancel', match)).rejects.toMatchObject({ code: 'NOT_CONSUMED' });
  }
  await expect(testing.expectConsumed('order-cancel', 'k1', { group: 'other' })).rejects.toThrow('no message');
  await expect(testing.expectConsumed('order-cancel', 'k1', { tims: 2 } as never)).rejects.toThrow(/called times/);
});

describe('what was sent', () => {
  test('is listed by topic, with its payload and when it is delivered', async () => {
    await start([]);
    await template.send('order:paid', { id: 'o1' }, { keys: 'k1', properties: { colour: 'red' } });
    await template.send('reminder', { id: 'o1' }, { delay: '30m' });
    await template.send('reminder', { id: 'o2' }, { delay: '36h' });
    await template.sendBatch('page', [1, 2, 3]);
    expect(testing.sent('order')).toMatchObject([{ tags: 'paid', keys: ['k1'], payload: { id: 'o1' } }]);
    expect(testing.sent('order')[0]!.properties.get('colour')).toBe('red');
    const delays = testing.sent('reminder').map(({ sentAt, deliverAt }) => deliverAt.getTime() - sentAt.getTime());
    expect(delays.map((delay) => Math.round(delay / MINUTE))).toEqual([30, 36 * 60]);
    expect(testing.sent<number>('page').map(({ payload }) => payload)).toEqual([1, 2, 3]);
    expect(testing.sent().map(({ topic }) => topic)).toEqual(['order', 'reminder', 'reminder', 'page', 'page', 'page']);
    await testing.advance('2d');
    expect(testing.sent()).toHaveLength(6);
  });

  test('and the expectations say what was sent instead', async () => {
    await start([]);
    testing.expectNothingSent();
    await template.send('order:paid', { id: 'o1' }, { keys: 'k1' });
    expect(testing.expectSent<Order>('order', { id: 'o1' }).payload.id).toBe('o1');
    testing.expectSent({ topic: 'order' }, 'k1', { times: 1 });
    testing.expectNothingSent('other');
    expect(() => testing.expectSent('order', { id: 'o2' })).toThrow(
      "no message to order like { id: 'o2' } was sent; sent:\n  order:paid [k1] { id: 'o1' }\n",
    );
    expect(() => testing.expectSent('order', 'k1', { times: 2 })).toThrow(/not 2 messages to order .* but 1;/);
    expect(() => testing.expectNothingSent()).toThrow(/1 message\(s\) were sent:\n {2}order:paid/);
  });

  test('a recalled message is not pending any more', async () => {
    await start([CancelOrder]);
    const { recallHandle } = await template.send('order-cancel', { id: 'o1' }, { delay: '37m' });
    expect(testing.pending).toHaveLength(1);
    await template.recall('order-cancel', recallHandle!);
    expect(testing.pending.filter(({ what }) => what.startsWith('order-cancel'))).toEqual([]);
    await expect(testing.expectConsumed(CancelOrder)).rejects.toThrow('no message of CancelOrder');
  });
});

test('advanceToEnd turns the clock until nothing is due; until as long as a promise needs it; advanceTo to a time', async () => {
  await start([CancelOrder]);
  await template.send('order-cancel', { id: 'o1' }, { delay: '30m' });
  await template.send('order-cancel', { id: 'o2' }, { delay: '3h' });
  const before = testing.now.getTime();
  await testing.advanceToEnd();
  expect(testing.deliveries).toHaveLength(2);
  expect(testing.now.getTime() - before).toBeGreaterThanOrEqual(180 * MINUTE);
  await testing.advanceTo(new Date(before + 240 * MINUTE));
  expect(testing.now.getTime() - before).toBe(240 * MINUTE);
  await expect(testing.until(Promise.resolve(7))).resolves.toBe(7);
  await expect(testing.until(new Promise(() => {}), { timeout: 20 })).rejects.toMatchObject({
    code: 'NOTHING_PENDING',
  });
});

test('a request that nobody answers ends at its time-out, in no time', async () => {
  @RocketMQMessageListener({ topic: 'price', consumerGroup: 'price' })
  class Prices {
    onMessage({ id }: Order): unknown {
      return id === 'o1' ? { price: 7 } : undefined;
    }
  }
  await start([Prices]);
  const asking = template.request('price', { id: 'o1' }, { timeout: '1h' });
  await expect(testing.until(asking)).resolves.toEqual({ price: 7 });
  expect(testing.sent().map(({ topic }) => topic)).toEqual(['price']);
  const before = testing.now.getTime();
  const unanswered = testing.until(template.request('nobody', { id: 'o1' }, { timeout: '1h' }));
  await expect(unanswered).rejects.toMatchObject({ code: 'REPLY_TIMEOUT' });
  expect(testing.now.getTime() - before).toBe(60 * MINUTE);
});

test('a match has the type of the payload, and so has what is returned', async () => {
  await start([CancelOrder]);
  await template.send('order-cancel', { id: 'o1' });
  const { payload } = await testing.expectConsumed(CancelOrder, { id: expect.any(String) });
  const id: string = payload.id;
  expect(id).toBe('o1');
  await testing.expectConsumed<Order>('order-cancel', (order) => order.id === 'o1');
  // @ts-expect-error -- the listener's payload has no such field
  await expect(testing.expectConsumed(CancelOrder, { idd: 'o1' })).rejects.toThrow();
  // @ts-expect-error -- nor has the topic's
  expect(() => testing.expectSent<Order>('order-cancel', { idd: 'o1' })).toThrow();
  const unknown = await testing.expectConsumed('order-cancel');
  // @ts-expect-error -- the payload of a topic without a type is unknown
  expect(unknown.payload.id).toBe('o1');
});

describe('a mistake in wiring', () => {
  test('says what to do: nobody uses the testing', async () => {
    testing = rocketMQTesting();
    await expect(testing.expectConsumed(CancelOrder)).rejects.toThrow(
      /no app uses this testing.*overrideProvider\(ROCKETMQ_OPTIONS\)/,
    );
    expect(() => testing.sent()).toThrow(expect.objectContaining({ code: 'TESTING_NOT_WIRED' }));
    await expect(testing.reset()).rejects.toThrow(/testing\.reset: no app/);
    await expect(testing.deliver(CancelOrder, {})).rejects.toThrow(/testing\.deliver: no app/);
  });

  test('says what to do: the app configures RocketMQ itself', async () => {
    testing = rocketMQTesting();
    class AppModule {}
    const own = RocketMQModule.forRoot({ embedded: { store: 'memory' } });
    const building = Test.createTestingModule({
      imports: [testing.module, { module: AppModule, imports: [own] }],
    }).compile();
    await expect(building).rejects.toThrow(
      /configured 2 times.*overrideProvider\(ROCKETMQ_OPTIONS\)\.useValue\(testing\.options\)/s,
    );
  });
});
