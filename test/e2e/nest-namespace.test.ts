// Tests namespaces: an app works with its own names, and brokers know them by others.
import { afterEach, expect, test } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { RocketMQContext, RocketMQMessageListener, RocketMQTemplate } from 'nest-rocketmq';
import { consumed, rocketMQTesting } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, onCluster, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;
const FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;

afterEach(closeApps);

test('T178 an app in a namespace sends, retries, asks, begins transactions and pulls by its own names', async () => {
  const [topic, asked, group] = [unique('order'), unique('asked'), unique('stock')];
  const seen: [string, string, number, string | undefined][] = [];
  class Stock {
    @RocketMQMessageListener({ topic, consumerGroup: group, ...FIRST })
    take(order: string, { topic: of, group: by, reconsumeTimes, properties }: RocketMQContext): void {
      seen.push([of, by, reconsumeTimes, properties.get('INSTANCE_ID')]);
      if (order === 'retried' && reconsumeTimes === 0) throw new Error('not now');
    }
    @RocketMQMessageListener({ topic: asked, consumerGroup: unique('answers'), ...FIRST })
    answer(_question: unknown, context: RocketMQContext): string {
      return context.topic;
    }
  }
  const namespace = unique('ns');
  const app = await startApp({ providers: [Stock] }, { namespace, topics: [{ name: topic, queues: 1 }] });
  const all = consumed(app.module, { topic }, { times: 2, timeout });
  const { messageQueue } = await app.template.send(topic, 'retried');
  expect(messageQueue.topic).toBe(topic);
  await app.template.transaction(topic, 'committed', () => undefined);
  await app.elapse(all, '30s');
  expect(seen.toSorted((a, b) => a[2] - b[2])).toEqual([
    [topic, group, 0, namespace],
    [topic, group, 0, namespace],
    [topic, group, 1, namespace],
  ]);
  expect(await app.template.request(asked, 1, { timeout })).toBe(asked);
  const [first] = await app.template.receive(topic, { max: 1, timeout });
  expect(first).toMatchObject({ payload: 'retried', context: { topic } });
  await app.close();

  if (!onCluster) return;
  const wrapped = `${namespace}%${topic}`;
  let came = (_topic: string): void => undefined;
  const outside = new Promise<string>((resolve) => (came = resolve));
  class Outside {
    @RocketMQMessageListener({ topic: wrapped, consumerGroup: unique('outside'), ...FIRST })
    take(_order: string, context: RocketMQContext): void {
      came(context.topic);
    }
  }
  await startApp({ providers: [Outside] });
  expect(await outside).toBe(wrapped);
});

test('T178 an app with namespaceV2 keeps its names, and both at once are refused', async () => {
  const topic = unique('order');
  class Stock {
    @RocketMQMessageListener({ topic, ...FIRST })
    take(): void {}
  }
  const app = await startApp({ providers: [Stock] }, { namespaceV2: 'ns', instanceName: unique('instance') });
  const took = consumed(app.module, { topic }, { timeout });
  await app.template.send(topic, 'x');
  expect((await took).context.topic).toBe(topic);
  await expect(startApp({}, { namespace: 'a', namespaceV2: 'b' })).rejects.toThrow(
    /forRoot.*namespaceV2|namespaceV2.*forRoot/,
  );
  await expect(startApp({}, { namespace: 'a%b' })).rejects.toThrow('namespace');
  await expect(startApp({}, { instanceName: '' })).rejects.toThrow('instanceName');
});

(onCluster ? test.skip : test)(
  'T178 the testing kit knows what was sent in a namespace by the names of the app',
  async () => {
    const testing = rocketMQTesting({ group: 'shop', namespace: 'blue' });
    class Stock {
      @RocketMQMessageListener({ topic: 'order', consumerGroup: 'stock', maxReconsumeTimes: 0 })
      take({ id }: { id: string }): void {
        if (id === 'bad') throw new Error('no such order');
      }
    }
    const app = await Test.createTestingModule({ imports: [testing.module], providers: [Stock] }).compile();
    await app.init();
    const template = app.get(RocketMQTemplate);
    for (const id of ['good', 'bad']) await template.send('order', { id });
    await template.send('order', { id: 'later' }, { delay: '30m' });
    expect(testing.sent('order').map(({ topic, payload }) => [topic, payload])).toEqual(
      ['good', 'bad', 'later'].map((id) => ['order', { id }]),
    );
    expect(testing.pending.map(({ what }) => what)).toEqual(["order { id: 'later' }"]);
    await testing.expectDeadLetter('stock', { id: 'bad' });
    await app.close();
  },
);
