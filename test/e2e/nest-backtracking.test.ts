// Tests that a group can be set back to a time, and where a new group begins.
import { afterEach, expect, test } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { InvalidOptionError, RocketMQAdmin, RocketMQMessageListener } from 'nest-rocketmq';
import type { ConsumeMode, RocketMQContext } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, onCluster, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;

afterEach(closeApps);

// Apache's broker tells a consumer with its next pull, for which one that waits takes 15 s.
test.each<ConsumeMode>(onCluster ? ['ORDERLY'] : ['CONCURRENTLY', 'ORDERLY'])(
  'T137 a running %s group goes back to a time, to the beginning, and behind all',
  async (consumeMode) => {
    const topic = unique('orders');
    const group = unique('group');
    const seen: RocketMQContext[] = [];

    @Injectable()
    class Orders {
      @RocketMQMessageListener({ topic, consumerGroup: group, consumeMode })
      handle(_id: string, context: RocketMQContext): void {
        seen.push(context);
      }
    }

    const app = await startApp({ providers: [Orders] }, { topics: [{ name: topic, queues: 1 }] });
    const admin = app.module.get(RocketMQAdmin);
    const gets = async (ids: string[], cause: () => Promise<unknown>): Promise<void> => {
      seen.length = 0;
      const arrivals = consumed(app.module, { topic, group }, { times: ids.length, timeout });
      await cause();
      await app.elapse(arrivals, '120s');
      expect(seen.map(({ message }) => message.body.toString())).toEqual(ids);
    };
    await gets(['o1'], () => app.template.send(topic, 'o1'));
    const sentAt = app.now();
    await app.until(() => app.now() > sentAt + 1_000);
    await gets(['o2'], () => app.template.send(topic, 'o2'));
    const time = new Date(seen[0]!.storeTimestamp);
    await gets(['o2'], () => admin.resetOffsetByTime(group, topic, { time }));
    if (!onCluster) await gets(['o1', 'o2'], () => admin.resetOffsetByTime(group, topic, { time: 0 }));
    const [reset] = await admin.resetOffsetByTime(group, topic, { time: 'end' });
    expect(reset).toMatchObject({ queue: { topic, queueId: 0 }, offset: 2 });
    await gets(['o3'], () => app.template.send(topic, 'o3'));
  },
);

test('a new group begins at consumeTimestamp, or at the beginning', async () => {
  const topic = unique('orders');
  const seen: string[] = [];
  const app = await startApp({}, { topics: [{ name: topic, queues: 1 }] });
  await app.template.send(topic, 'early');
  // Once the early message is stored, however long that took. Apache counts whole seconds.
  const consumeTimestamp = new Date(app.now() + 2_000);

  @Injectable()
  class Orders {
    @RocketMQMessageListener({
      topic,
      consumerGroup: unique('since'),
      consumeFromWhere: 'CONSUME_FROM_TIMESTAMP',
      consumeTimestamp,
    })
    since(id: string): void {
      seen.push(`since ${id}`);
    }

    @RocketMQMessageListener({ topic, consumerGroup: unique('all'), consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
    all(id: string): void {
      seen.push(`all ${id}`);
    }
  }

  @Module({ providers: [Orders] })
  class OrdersModule {}

  await app.until(() => app.now() > consumeTimestamp.getTime());
  await app.template.send(topic, 'late');
  const arrivals = consumed(app.module, { topic }, { times: 3, timeout });
  await app.module.get(LazyModuleLoader).load(() => OrdersModule);
  await app.elapse(arrivals, '60s');
  expect(seen.sort()).toEqual(['all early', 'all late', 'since late']);
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
