// Tests messages that are delivered later: after any length of time, at a time, by level; and recalls.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RocketMQContext, RocketMQMessageListener } from 'nest-rocketmq';
import type { DelayOptions } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, onCluster, startApp, unique } from './nest-harness.js';
import type { TestApp } from './nest-harness.js';

const timeout = PATIENCE_MS;
/** Apache's timer delivers up to a second before or after the whole second that a message is due in. ms */
const APACHE_PRECISION_MS = 1_000;
/** How long a busy cluster may take to store a message. ms */
const BUSY_MS = 30_000;
/** No level, and so long that a busy cluster has stored the message, and answered what is asked about it, before. ms */
const UNHURRIED = onCluster ? 15_000 : 3_000;

let topic: string;
let app: TestApp;
/** ms between sending and storing of the delivered message, by its key */
let waited: Map<string, number>;

async function start(): Promise<void> {
  class Reminders {
    @RocketMQMessageListener({ topic, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
    take(_payload: unknown, { keys, storeTimestamp, bornTimestamp }: RocketMQContext): void {
      waited.set(keys[0]!, storeTimestamp - bornTimestamp);
    }
  }
  app = await startApp({ providers: [Reminders] });
}

beforeEach(async () => {
  topic = unique('delay');
  waited = new Map();
  await start();
});

afterEach(closeApps);

async function waitFor(key: string, options: DelayOptions): Promise<number> {
  const arrival = consumed(app.module, { topic, key }, { timeout });
  await app.template.send(topic, {}, { ...options, keys: key });
  await app.elapse(arrival, '60s');
  return waited.get(key)!;
}

const early = onCluster ? APACHE_PRECISION_MS : 0;

describe('a message is delivered', () => {
  test.each<[string, DelayOptions, number]>([
    ['after a length that is no level', { delay: 1_500 }, 1_500],
    ['after one in words', { delay: '7s' }, 7_000],
    ['after the length of a level', { delay: '5s' }, 5_000],
    ['after a level', { delayLevel: 1 }, 1_000],
  ])('%s', async (_what, options, length) => {
    const took = await waitFor('later', options);
    expect(took).toBeGreaterThanOrEqual(length - early);
    // The embedded clock is turned in steps, and a message is delivered to the millisecond.
    if (!onCluster) expect(took).toBeLessThanOrEqual(length + 1);
  });

  test.each<[string, DelayOptions]>([
    ['0', { delay: 0 }],
    ['a time that has passed', { deliverAt: new Date(1) }],
  ])('at once after %s', async (_what, options) => {
    expect(await waitFor('now', options)).toBeLessThan(onCluster ? BUSY_MS : 1_000);
  });

  test('at a time', async () => {
    const deliverAt = new Date(app.now() + 2_345);
    expect(await waitFor('at', { deliverAt })).toBeGreaterThanOrEqual(2_345 - early);
  });

  test('late as well when it is sent one-way, and when it goes to a queue by its sharding key', async () => {
    const arrivals = consumed(app.module, { topic }, { timeout, times: 2 });
    await app.template.sendOneWay(topic, {}, { delay: '3s', keys: 'oneway' });
    await app.template.send(topic, {}, { delay: '3s', keys: 'sharded', shardingKey: 'o1' });
    await app.elapse(arrivals, '60s');
    for (const key of ['oneway', 'sharded']) expect(waited.get(key)).toBeGreaterThanOrEqual(3_000 - early);
  });

  test('never later than maxDelay: a longer delay is refused and says which options to raise', async () => {
    await expect(app.template.send(topic, {}, { delay: '73h' })).rejects.toMatchObject({
      code: 'DELAY_TOO_LONG',
      message: expect.stringContaining('maxDelay'),
    });
  });

  test('by one of delay, deliverAt and delayLevel; two are refused', async () => {
    await expect(app.template.send(topic, {}, { delay: '1s', deliverAt: new Date() })).rejects.toThrow(
      /option deliverAt of RocketMQTemplate\.send/,
    );
    await expect(app.template.sendMessageInTransaction(topic, {}, { delay: '1s' } as never)).rejects.toThrow(
      /option delay of RocketMQTemplate\.sendMessageInTransaction is '1s'; allowed: no delay in a transaction/,
    );
  });
});

describe('a delayed message', () => {
  test('is taken back by its handle, and nobody gets it', async () => {
    const { recallHandle, msgId } = await app.template.send(`${topic}:tag`, {}, { delay: UNHURRIED, keys: 'recalled' });
    expect(await app.template.recall(`${topic}:tag`, recallHandle!)).toBe(msgId);
    await waitFor('after', { delay: UNHURRIED + 4_000 });
    expect([...waited.keys()]).toEqual(['after']);
  });

  test('is not taken back when it is due, by the handle of another topic, or by none', async () => {
    const arrival = consumed(app.module, { topic, key: 'due' }, { timeout });
    const { recallHandle = '' } = await app.template.send(topic, {}, { delay: UNHURRIED, keys: 'due' });
    const due = app.now() + UNHURRIED;
    const recalled = (to: string, handle: string): Promise<string> => app.template.recall(to, handle);
    await expect(recalled('another', recallHandle)).rejects.toMatchObject({
      code: 'RECALL_FAILED',
      reason: 'foreign',
    });
    await expect(recalled(topic, 'none')).rejects.toMatchObject({ code: 'RECALL_FAILED', reason: 'foreign' });
    await app.elapse(arrival, '60s');
    // A cluster may deliver it a little before it is due.
    await app.until(() => app.now() > due);
    await expect(recalled(topic, recallHandle)).rejects.toMatchObject({ code: 'RECALL_FAILED', reason: 'too late' });
  });
});
