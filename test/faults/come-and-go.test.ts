// Tests that a broker and a member which have seen many others come and go hold no more than after a few: timers, streams, memory.
// MEMBERS makes it longer.
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { MessageExt, RocketMQClient } from '@nest-rocketmq/client';
import { Misdeeds, usedHeap } from './leaks.js';
import { Stage } from './stage.js';

jest.setTimeout(600_000);
const MEMBERS = Number(process.env['MEMBERS'] ?? 6);
/** What the second half of the members may add to the heap. */
const MOST_GROWTH = 1.05;
const TOPICS = ['order', 'ledger'];

let misdeeds: Misdeeds;
beforeAll(() => void (misdeeds = new Misdeeds()));
afterAll(() => misdeeds.stop());

/** What an instance of a service has: a producer, listeners with and without order, and a consumer that polls. */
async function join(stage: Stage, listener: (messages: MessageExt[]) => void): Promise<RocketMQClient> {
  const client = stage.newClient();
  const producer = client.createProducer({ group: 'shop', topics: TOPICS });
  await stage.done(producer.start());
  const all = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;
  const order = { ...all, subscriptions: [{ topic: 'order' }] };
  const ledger = { ...all, subscriptions: [{ topic: 'ledger' }] };
  for (const consumer of [
    client.createPushConsumer({ ...order, group: 'stock', listener }),
    client.createPushConsumer({ ...ledger, group: 'book', consumeMode: 'ORDERLY', listener }),
    client.createPushConsumer({ ...ledger, group: 'mail', consumeMode: 'KEY_ORDERED', listener }),
    client.createLitePullConsumer({ ...order, group: 'report' }),
  ]) {
    await stage.done(consumer.start());
  }
  for (const topic of TOPICS) await stage.done(producer.send({ topic, body: 'x' }));
  return client;
}

it('a broker and a member that have seen many others come and go hold what they have held after a few', async () => {
  const stage = await Stage.open(1);
  const { clock, links } = stage;
  let handled = 0;
  await join(stage, () => void handled++);
  const rounds = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const member = await join(stage, () => void handled++);
      await clock.advance(2_000);
      await stage.shutdown(member);
    }
    await clock.advance(200_000);
    return { held: { timers: clock.pending, streams: links.open }, heap: usedHeap(), handled };
  };
  const before = await rounds(MEMBERS);
  const after = await rounds(MEMBERS);
  expect(after.held).toEqual(before.held);
  // Each message went to three groups that listen.
  expect(after.handled - before.handled).toBe(3 * MEMBERS);
  expect(after.heap / before.heap).toBeLessThan(MOST_GROWTH);
  expect(await stage.close()).toEqual([]);
  expect(misdeeds.found).toEqual([]);
});
