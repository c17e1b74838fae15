// Sends or consumes with rocketmq-client-nodejs, over gRPC and Apache's proxy.
import { load } from './peer-module.js';
import { payloadOf } from './payload.js';
import { Counter, measureBacklog, measureLoad, task } from './task.js';

interface GrpcClient {
  Producer: new (options: object) => { startup(): Promise<void>; send(message: object): Promise<unknown> };
  PushConsumer: new (options: object) => { startup(): Promise<void> };
  ConsumeResult: { SUCCESS: unknown };
}

const { Producer, PushConsumer, ConsumeResult } = load<GrpcClient>('rocketmq-client-nodejs');
const body = Buffer.from(JSON.stringify(payloadOf(task.size)));
const counter = new Counter();
const quiet = { info() {}, warn() {}, debug() {}, error: console.error };
const options = { endpoints: task.server, namespace: '', logger: quiet };
if (task.mode === 'send') {
  const producer = new Producer({ ...options, topics: ['bench-send'] });
  await producer.startup();
  await measureLoad(counter, () => producer.send({ topic: 'bench-send', tag: 'tag', body }), false);
} else {
  const consumer = new PushConsumer({
    ...options,
    consumerGroup: `bench-grpc-${process.pid}`,
    subscriptions: new Map([['bench-backlog', '*']]),
    messageListener: {
      consume() {
        counter.received();
        return ConsumeResult.SUCCESS;
      },
    },
  });
  await measureBacklog(counter, () => consumer.startup());
}
process.exit(0);
