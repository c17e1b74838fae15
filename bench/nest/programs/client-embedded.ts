// Sends and consumes with our client alone, on a broker of the same process: what the Nest app does, without Nest.
import { join } from 'node:path';
import { startBroker } from '@nest-rocketmq/broker';
import { RocketMQClient } from '@nest-rocketmq/client';
import { payloadOf } from './payload.js';
import { Counter, measureLoad, task } from './task.js';

const TOPIC = 'bench-nest';
const counter = new Counter();
const broker = await startBroker({ store: task.mode === 'memory' ? 'memory' : join(task.folder, 'store') });
const client = new RocketMQClient({ nameServer: broker.nameServerAddress, dial: broker.dial });
await client.start();
const producer = client.createProducer({ group: 'bench-nest' });
await producer.start();
const consumer = client.createPushConsumer({
  group: 'bench-nest',
  subscriptions: [{ topic: TOPIC }],
  listener: ([message]) => {
    JSON.parse(message!.body.toString());
    counter.received();
  },
});
await consumer.start();
const payload = payloadOf(task.size);
await measureLoad(counter, () => producer.send({ topic: TOPIC, body: JSON.stringify(payload) }), true);
await client.shutdown();
await broker.stop();
