// Sends or consumes with our client alone, over TCP.
import { RocketMQClient } from '@nest-rocketmq/client';
import { payloadOf } from './payload.js';
import { Counter, measureBacklog, measureLoad, task } from './task.js';

const body = JSON.stringify(payloadOf(task.size));
const counter = new Counter();
const client = new RocketMQClient({ nameServer: task.server });
await client.start();
if (task.mode !== 'consume') {
  // Merges what is sent in one turn of the event loop; a time to wait would end up as the rate of this closed loop.
  const autoBatch = task.mode === 'send-batched' ? { holdMs: 0 } : false;
  const producer = client.createProducer({ group: 'bench-client', autoBatch });
  await producer.start();
  await measureLoad(counter, () => producer.send({ topic: 'bench-send', body }), false);
} else {
  const consumer = client.createPushConsumer({
    group: `bench-client-${process.pid}`,
    subscriptions: [{ topic: 'bench-backlog' }],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    listener: () => {
      counter.received();
    },
  });
  await measureBacklog(counter, () => consumer.start());
}
await client.shutdown();
