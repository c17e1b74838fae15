// Holds that the clock that is turned by hand passes through the pauses of an ordered queue and a broker's questions about a
// transaction in next to no real time.
import { expect, test } from '@jest/globals';
import { startBroker } from '@nest-rocketmq/broker';
import { RocketMQClient } from '@nest-rocketmq/client';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import { leastTime } from './least-time.js';

const TOPIC = 'orders';
const LIMIT_MS = 50;

/** ms of real time for ten suspensions of an ordered queue and three check-backs of a transaction. */
async function round(): Promise<number> {
  const clock = new ManualClock();
  const broker = await startBroker({ store: 'memory', clock });
  const client = new RocketMQClient({ nameServer: broker.nameServerAddress, dial: broker.dial, clock });
  try {
    await client.start();
    let checks = 0;
    const producer = client.createProducer({
      group: 'shop',
      transactionListener: {
        executeLocalTransaction: () => 'UNKNOW',
        checkLocalTransaction: () => (++checks < 3 ? 'UNKNOW' : 'COMMIT_MESSAGE'),
      },
    });
    await producer.start();
    const tries: string[] = [];
    const consumer = client.createPushConsumer({
      group: 'timeline',
      subscriptions: [{ topic: TOPIC }],
      consumeMode: 'ORDERLY',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      listener: ([message]) => {
        tries.push(message!.body.toString());
        return tries.filter((body) => body === 'stubborn').length > 10 ? 'SUCCESS' : 'SUSPEND_CURRENT_QUEUE_A_MOMENT';
      },
    });
    await producer.send({ topic: TOPIC, body: 'stubborn' }, { shardingKey: 'one' });
    await consumer.start();
    await producer.sendMessageInTransaction({ topic: TOPIC, body: 'asked about' }, undefined, { shardingKey: 'one' });
    const began = performance.now();
    await clock.advance('10s');
    await clock.advance('90s');
    const took = performance.now() - began;
    expect(checks).toBe(3);
    expect(tries).toEqual([...Array<string>(11).fill('stubborn'), 'asked about']);
    await client.shutdown();
    return took;
  } finally {
    await broker.stop();
  }
}

test('ten suspensions of an ordered queue and three check-backs take less than 50 ms', async () => {
  expect(await leastTime(LIMIT_MS, round)).toBeLessThan(LIMIT_MS);
});
