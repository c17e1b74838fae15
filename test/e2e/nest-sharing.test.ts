// Holds that listeners share queues by the strategy that they name, and that they are paused and given more or fewer calls
// while they run.
import { afterEach, expect, test } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import type { AllocateMessageQueueStrategy } from 'nest-rocketmq';
import { RocketMQListeners, RocketMQMessageListener } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { closeApps, PATIENCE_MS as timeout, startApp, unique } from './nest-harness.js';

afterEach(closeApps);

test.each(['module', 'decorator'])('T150: the strategy of the %s divides the queues of its topics', async (where) => {
  const [topic, group] = [unique('orders'), unique('group')];
  const asked = new Set<string>();
  const allocateStrategy: AllocateMessageQueueStrategy = {
    name: 'MINE',
    allocate(forGroup, clientId, queues, clientIds) {
      asked.add(`${forGroup} ${queues[0]!.topic} ${clientIds.includes(clientId)}`);
      return [...queues];
    },
  };
  @Injectable()
  class Orders {
    @RocketMQMessageListener({
      topic,
      consumerGroup: group,
      ...(where === 'decorator' ? { allocateStrategy } : {}),
    })
    take(): void {}
  }
  const options = { topics: [{ name: topic }] };
  const app = await startApp(
    { providers: [Orders] },
    where === 'module' ? { ...options, consumer: { allocateStrategy } } : options,
  );
  const arrival = consumed(app.module, { topic }, { timeout });
  await app.template.send(topic, 'o1');
  await app.elapse(arrival, '30s');
  // A cluster may make the retry topic a moment later.
  await app.until(() => asked.size >= 2);
  expect([...asked]).toEqual(expect.arrayContaining([`${group} ${topic} true`, `${group} %RETRY%${group} true`]));
});

test('a group is paused and resumed, and its concurrency raised and lowered, while it listens', async () => {
  const [topic, group] = [unique('orders'), unique('group')];
  let running = 0;
  let most = 0;
  const ends: (() => void)[] = [];
  @Injectable()
  class Orders {
    @RocketMQMessageListener({ topic, consumerGroup: group, concurrency: 2 })
    async take(): Promise<void> {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => ends.push(resolve));
      running--;
    }
  }
  const app = await startApp({ providers: [Orders] }, { topics: [{ name: topic }] });
  const listeners = app.module.get(RocketMQListeners);
  const send = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await app.template.send(topic, `o${i}`);
  };
  await send(12);
  await app.until(() => running === 2);
  listeners.setConcurrency(group, 5);
  await app.until(() => running === 5);
  listeners.setConcurrency(group, 1);
  for (const end of ends.splice(0)) end();
  await app.until(() => running === 1);
  listeners.pause(group);
  for (const end of ends.splice(0)) end();
  await app.until(() => running === 0);
  await app.turn();
  expect({ running, most }).toEqual({ running: 0, most: 5 });
  listeners.resume(group);
  for (let done = 6; done < 12; done++) {
    await app.until(() => running === 1);
    ends.shift()!();
    await app.until(() => running === 0 || ends.length === 1);
  }
  expect(most).toBe(5);
  expect(() => listeners.setConcurrency('other', 5)).toThrow(/consumer group that listens in this app: /);
  expect(() => listeners.setConcurrency(group, 0)).toThrow(/from 1 to 1000/);
});
