// Measures how much KEY_ORDERED gets done against ORDERLY, in the time of a clock that is turned by hand: listeners of 10 ms,
// 4 queues, 1,000 keys.
import { describe, expect, test } from '@jest/globals';
import { startBroker } from '@nest-rocketmq/broker';
import { RocketMQClient } from '@nest-rocketmq/client';
import type { ConsumeMode } from '@nest-rocketmq/client';
import { ManualClock } from '@nest-rocketmq/remoting/internal';

const MESSAGES = 2_000;
const KEYS = 1_000;
const LISTENER_MS = 10;
const TOPIC = 'orders';

/** ms that a consumer of this mode takes for all messages. */
async function timeOf(consumeMode: ConsumeMode): Promise<number> {
  const clock = new ManualClock();
  const broker = await startBroker({ store: 'memory', clock });
  const client = new RocketMQClient({ nameServer: broker.nameServerAddress, dial: broker.dial, clock });
  try {
    await client.start();
    const producer = client.createProducer({ group: 'shop' });
    await producer.start();
    for (let step = 0; step < MESSAGES / KEYS; step++) {
      await Promise.all(
        Array.from({ length: KEYS }, (_, key) =>
          producer.send({ topic: TOPIC, body: `${key} ${step}` }, { shardingKey: `order-${key}` }),
        ),
      );
    }
    const next = new Map<string, number>();
    let done = 0;
    const consumer = client.createPushConsumer({
      group: 'timeline',
      subscriptions: [{ topic: TOPIC }],
      consumeMode,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      listener: async ([message]) => {
        const [key, step] = message!.body.toString().split(' ') as [string, string];
        await new Promise<void>((resolve) => clock.setTimeout(resolve, LISTENER_MS));
        expect(Number(step)).toBe(next.get(key) ?? 0);
        next.set(key, Number(step) + 1);
        done++;
      },
    });
    const began = clock.now();
    await consumer.start();
    while (done < MESSAGES) await clock.advance(LISTENER_MS);
    const took = clock.now() - began;
    await client.shutdown();
    return took;
  } finally {
    await broker.stop();
  }
}

describe('with listeners of 10 ms, 4 queues and 1,000 keys', () => {
  test('KEY_ORDERED gets at least 10 times as much done as ORDERLY', async () => {
    const orderly = await timeOf('ORDERLY');
    const keyOrdered = await timeOf('KEY_ORDERED');
    expect(orderly).toBeGreaterThanOrEqual((MESSAGES / 4) * LISTENER_MS);
    expect(orderly / keyOrdered).toBeGreaterThanOrEqual(10);
  });
});
