// Tests that a group can be set back to a time, and where a new group begins.
import { afterEach, expect, test } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { InvalidOptionError, RocketMQAdmin, RocketMQMessageListener } from 'nest-rocketmq';
import type { ConsumeMode } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;

afterEach(closeApps);

test.each<ConsumeMode>(['CONCURRENTLY', 'ORDERLY'])(
  'T137 a running %s group goes back to a time, to the beginning, and behind all',
  async (consumeMode) => {
    const topic = unique('orders');
    const group = unique('group');
    const seen: string[] = [];

    @Injectable()
    class Orders {
      @RocketMQMessageListener({ topic, consumerGroup: group, consumeMode })
      handle(id: string): void {
        seen.push(id);
      }
    }

    const app = await startApp({ providers: [Orders] }, { topics: [{ name: topic, queues: 1 }] });
    const admin = app.module.get(RocketMQAdmin);
    const again = async (ids: string[], cause: () => Promise<unknown>): Promise<void> => {
      seen.length = 0;
      const arrivals = consumed(app.module, { topic, group }, { times: ids.length, timeout });
      await cause();
      await app.elapse(arrivals, '120s');
      expect(seen).toEqual(ids);
    };
    await again(['o1'], () => app.template.send(topic, 'o1'));
    await app.elapse(new Promise((resolve) => setTimeout(resolve, 1_100)), '5s');
    let between = 0;
    await again(['o2'], async () => (between = (await app.template.send(topic, 'o2')).queueOffset));
    expect(between).toBe(1);
    await again(['o1', 'o2'], () => admin.resetOffsetByTime(group, topic, { time: new Date(0) }));
    const [reset] = await admin.resetOffsetByTime(group, topic, { time: 'end' });
    expect(reset).toMatchObject({ queue: { topic, queueId: 0 }, offset: 2 });
    await again(['o3'], () => app.template.send(topic, 'o3'));
  },
);

test('CONSUME_FROM_TIMESTAMP begins at consumeTimestamp, FIRST at the beginning, LAST behind all', async () => {
  const topic = unique('orders');
  const sender = await startApp({}, { topics: [{ name: topic, queues: 1 }] });
  await sender.template.send(topic, 'old');
  // Brokers find a message by its time, to the millisecond.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(sender.now()).toBeGreaterThan(0);
  await sender.close();
});

test.each([
  [{ time: 'yesterday' as never }, /time/],
  [{ time: -5 }, /time/],
])('refuses %j', async (options, message) => {
  const app = await startApp({}, { topics: [{ name: 'orders-of-nobody', queues: 1 }] });
  const reset = app.module.get(RocketMQAdmin).resetOffsetByTime('g', 'orders-of-nobody', options);
  await expect(reset).rejects.toThrow(InvalidOptionError);
  await expect(reset).rejects.toThrow(message);
});
